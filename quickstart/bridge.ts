import { open, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { lastWords, saysReady } from "./bridge-log.ts";
import { type Child, startChild } from "./children.ts";
import { QuickstartError } from "./errors.ts";
import { ENVIRONMENT_OF_BRIDGE, NODE_OPTIONS_OF_BRIDGE } from "./small-process.ts";

const READY_TIMEOUT_MS = 60_000;

/** The bridge in a process of its own. */
export interface BridgeProcess extends Pick<Child, "exited" | "stop"> {
  /** The end of its log in words. */
  lastWords(): Promise<string>;
}

/** Starts the bridge and waits until it is ready. Throws {@link QuickstartError} with its last words when it is not. */
export async function startBridge(options: {
  readonly config: string;
  readonly logFile: string;
  /** Of the lock on the data, which the bridge keeps until it is gone. */
  readonly lock: number;
  readonly signal: AbortSignal;
}): Promise<BridgeProcess> {
  const { config, logFile, signal } = options;
  signal.throwIfAborted();
  // The log is of this run alone: the ones before are over and, if they failed, were told.
  const log = await open(logFile, "w", 0o600);
  const child = startChild("../src/main.js", ["start", "-c", config], {
    output: log.fd,
    hold: options.lock,
    node: NODE_OPTIONS_OF_BRIDGE,
    env: ENVIRONMENT_OF_BRIDGE,
  });
  await log.close();
  const readLog = (): Promise<string> => readFile(logFile, "utf8");
  try {
    await waitUntilReady(child, readLog, signal);
  } catch (error) {
    await child.stop();
    if (!(error instanceof QuickstartError)) throw error;
    throw new QuickstartError(`${error.message}; its log is ${logFile}:\n${lastWords(await readLog())}`, {
      cause: error,
    });
  }
  return { ...child, lastWords: async () => lastWords(await readLog()) };
}

async function waitUntilReady(child: Child, readLog: () => Promise<string>, signal: AbortSignal): Promise<void> {
  const ended = child.exited.then(() => true);
  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (performance.now() < deadline) {
    if (saysReady(await readLog())) return;
    if (await Promise.race([ended, sleep(50, false, { signal })]))
      throw new QuickstartError("the bridge did not start");
  }
  throw new QuickstartError(`the bridge was not ready within ${READY_TIMEOUT_MS / 1000} s`);
}
