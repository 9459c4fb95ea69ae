import { availableParallelism } from "node:os";
import { loadConfig } from "../src/config/load.ts";
import { agentsOf, localpartOf } from "../src/agents/agents.ts";
import { type Choice, chooseAgent, hasNoModel, whyDemo } from "./agent-choice.ts";
import type { Command, Model } from "./arguments.ts";
import { startBridge } from "./bridge.ts";
import { runChat } from "./chat.ts";
import { openDirectChat } from "./direct-chat.ts";
import { QuickstartError } from "./errors.ts";
import { type Folder, makeFolder } from "./folder.ts";
import { install } from "./install.ts";
import { takeLock } from "./lock.ts";
import { askForModel } from "./model-question.ts";
import { findOllama, type FoundOllama } from "../src/setup/ollama.ts";
import { ollamaUrl } from "../src/setup/ollama-address.ts";
import { openPerson } from "./person.ts";
import { choosePort, portChange } from "./ports.ts";
import type { Progress } from "./progress.ts";
import { say } from "./say.ts";
import { canRedraw } from "./screen.ts";
import { DEMO_PROVIDER, OLLAMA_PROVIDER, writeSettings } from "./settings.ts";
import { firstState, loadState, saveState, type State } from "./state.ts";
import { startSynapse } from "./synapse.ts";
import { plainText } from "./terminal.ts";
import { DOWNLOAD_BYTES, startTinyModel, TINY_MODEL, type TinyModel } from "./tiny-model.ts";

/** A command that needs everything running. */
export type Conversation = Extract<Command, { kind: "chat" | "say" }>;

export interface RunOptions {
  readonly command: Conversation;
  readonly folder: Folder;
  readonly progress: Progress;
  /** Aborts when the person wants to end it. */
  readonly interrupted: AbortController;
}

/** The tiny model's window, in tokens: a longer answer than fits into it would not be read to its end. */
const TINY_CONTEXT = 2048;

/** Until the next sign of an answer. The demo answers at once; a model may have to be loaded from disk first. */
const DEMO_TIMEOUT_MS = 2 * 60_000;
const MODEL_TIMEOUT_MS = 15 * 60_000;

/**
 * Starts everything, holds the conversation, and always ends everything again. Throws {@link QuickstartError}, or the
 * reason of `interrupted`.
 */
export async function run(options: RunOptions): Promise<void> {
  const broken = new AbortController();
  try {
    await runUntil(broken, options);
  } catch (error) {
    // Steps that are under way fail in their own way when a process behind them is gone.
    throw broken.signal.aborted ? broken.signal.reason : error;
  }
}

// eslint-disable-next-line max-lines-per-function -- what is started here is ended here, the last first
async function runUntil(
  broken: AbortController,
  { command, folder, progress, interrupted }: RunOptions,
): Promise<void> {
  const signal = AbortSignal.any([interrupted.signal, broken.signal]);
  await using running = new AsyncDisposableStack();
  const breakOff = (reason: string): void => {
    if (!running.disposed) broken.abort(new QuickstartError(reason));
  };

  await makeFolder(folder);
  const lock = await takeLock(folder.lock, alreadyRunning, signal);
  running.defer(() => lock.release());

  const ollama = ollamaUrl(process.env["OLLAMA_HOST"]);
  const found = await progress.step(`Looking for an Ollama at ${ollama}`, () => findOllama(ollama, signal));
  const model = await wantedModel(command, found, ollama, interrupted, signal);

  const state = await settle(folder, lock.afterCrash, signal);
  if (command.agent !== undefined) {
    // A wrong name is told before anything is installed or started.
    await writeSettings(folder, state, { ollama: found.kind === "found" ? ollama : undefined });
    await choose(command, folder, found, ollama);
  }
  await progress.step("Preparing Synapse", (detail) => install("Synapse", folder.venv, detail, signal));
  const tiny = model === "tiny" ? await startTiny(folder, progress, signal) : undefined;
  const tinyEnd = tiny?.exited.then(() => {
    breakOff(`the tiny model's server ended unexpectedly; its log is ${tiny.logFile}`);
  });
  running.defer(() => tiny?.stop().then(() => tinyEnd));
  await writeSettings(folder, state, { ollama: found.kind === "found" ? ollama : undefined, tiny: tiny?.url });
  const choice = await choose({ ...command, ...(model === undefined ? {} : { model }) }, folder, found, ollama);

  const synapse = await progress.step("Starting Synapse", () =>
    startSynapse({
      venv: folder.venv,
      directory: folder.synapse,
      serverName: state.serverName,
      port: state.synapsePort,
      registrations: [folder.registration],
      toDevicePush: true,
    }),
  );
  const synapseEnd = synapse.exited.then(() => {
    breakOff(`Synapse ended unexpectedly; its log is ${synapse.logFile}`);
  });
  running.defer(() => synapse.stop().then(() => synapseEnd));
  signal.throwIfAborted();

  const { config, bridgeLog } = folder;
  const bridge = await progress.step("Starting the bridge", () =>
    startBridge({ config, logFile: bridgeLog, lock: lock.fd, signal }),
  );
  const bridgeEnd = bridge.exited.then(async ({ code, signal: killedBy }) => {
    const how = killedBy ?? `exit code ${code ?? "unknown"}`;
    breakOff(`the bridge ended unexpectedly (${how}); its log is ${bridgeLog}\n${await bridge.lastWords()}`.trimEnd());
  });
  running.defer(() => bridge.stop().then(() => bridgeEnd));

  const chat = await progress.step(`Opening an encrypted chat with ${choice.agent.displayName}`, async () => {
    const { localpart, password } = state.user;
    await synapse.registerUser(localpart, password);
    const person = await openPerson({
      url: synapse.url,
      localpart,
      password,
      recoveryKeyFile: folder.recoveryKey,
      sessionFile: folder.session,
      signal,
    });
    running.defer(() => person.close().catch(reportLeftDevice));
    return openDirectChat(person.client, `@${localpartOf(choice.agent.name)}:${state.serverName}`, signal);
  });

  const timeoutMs = choice.agent.provider === DEMO_PROVIDER ? DEMO_TIMEOUT_MS : MODEL_TIMEOUT_MS;
  running.defer(() => {
    console.error("Ending …");
  });
  console.error(plainText(choice.remark));
  const onInterrupt = (): void => {
    interrupted.abort();
  };
  const conversation = { input: process.stdin, output: process.stdout, timeoutMs, signal, onInterrupt };
  if (command.kind === "say") {
    await say(chat, command.text, conversation);
    return;
  }
  console.log(invitation(state, synapse.url, folder));
  await runChat(chat, conversation);
}

/**
 * The model that was asked for: by the command, or by the person, who is asked on a terminal where nothing else
 * decides; undefined where neither is so.
 */
async function wantedModel(
  { agent, model }: Conversation,
  found: FoundOllama,
  ollama: string,
  interrupted: AbortController,
  signal: AbortSignal,
): Promise<Model | undefined> {
  const isDecided = agent !== undefined || model !== undefined || !hasNoModel(found);
  if (isDecided || !process.stdin.isTTY || !canRedraw(process.stderr)) return model;
  const [input, output] = [process.stdin, process.stderr];
  return askForModel(whyDemo(found, ollama), { input, output, signal, onInterrupt: () => interrupted.abort() });
}

/** Installs the tiny model, and starts its server. */
async function startTiny(folder: Folder, progress: Progress, signal: AbortSignal): Promise<TinyModel> {
  const download = `${DOWNLOAD_BYTES / 1_000_000} MB the first time`;
  await progress.step(`Preparing ${TINY_MODEL} (${download})`, (detail) =>
    install("The tiny model", folder.modelVenv, detail, signal),
  );
  return progress.step(`Starting ${TINY_MODEL}`, () =>
    startTinyModel({
      venv: folder.modelVenv,
      logFile: folder.modelLog,
      contextTokens: TINY_CONTEXT,
      // Half of the machine is left to all else that runs.
      threads: Math.max(1, Math.floor(availableParallelism() / 2)),
      name: TINY_MODEL,
    }),
  );
}

/** The state of this run: the former one, with another port where somebody has taken that one meanwhile. */
async function settle(folder: Folder, afterCrash: boolean, signal: AbortSignal): Promise<State> {
  const before = (await loadState(folder)) ?? firstState();
  const state = {
    ...before,
    synapsePort: await choosePort(before.synapsePort, afterCrash, signal),
    bridgePort: await choosePort(before.bridgePort, afterCrash, signal),
  };
  for (const change of [
    portChange("Synapse", before.synapsePort, state.synapsePort),
    portChange("the bridge", before.bridgePort, state.bridgePort),
  ]) {
    if (change !== undefined) console.error(change);
  }
  await saveState(folder, state);
  return state;
}

async function choose(command: Conversation, folder: Folder, found: FoundOllama, ollama: string): Promise<Choice> {
  const discovered = new Map([[OLLAMA_PROVIDER, found.kind === "found" ? found.models : []]]);
  return chooseAgent(agentsOf(await loadConfig(folder.config), discovered), found, ollama, command);
}

function alreadyRunning(pid: number): string {
  return (
    `a quickstart is running here already${pid === 0 ? "" : ` (process ${pid})`}: ` +
    "end it with Ctrl-C in its terminal, or with: npm run quickstart -- --stop"
  );
}

function reportLeftDevice(error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  console.error(`The chat's device could not be logged out (${reason}); the next run does it.`);
}

function invitation(state: State, url: string, folder: Folder): string {
  const { localpart, password } = state.user;
  return `
Any Matrix client on this machine can join in while this runs:
  Homeserver    ${url}  (plain HTTP on the loopback interface; nobody else can reach it)
  User          ${localpart}  (@${localpart}:${state.serverName})
  Password      ${password}
  Recovery key  ${folder.recoveryKey}  (a client asks for it to verify itself)
Ctrl-C or Ctrl-D ends everything; the next run takes it up again.
`;
}
