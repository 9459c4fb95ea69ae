import type { Step } from "../../src/observability/steps.ts";
import type { RunningBridge } from "./bridge.ts";
import { startDeployment, type Deployment, type DeploymentOptions } from "./deployment.ts";
import { startOllamaServer, type OllamaServer } from "./ollama-server.ts";
import { inCheckout } from "./paths.ts";
import { UNKIND_TOOL_SERVER } from "./tool-servers.ts";
import type { Message, User } from "./user.ts";

/** A person's direct chat with an agent whose model calls tools. */
export interface CallingChat {
  readonly deployment: Deployment;
  readonly ollama: OllamaServer;
  readonly person: User;
  /** The agent's user id. */
  readonly agent: string;
  readonly roomId: string;
  /** Starts the bridge again so that it is killed when it first comes to a step, or the given time. */
  dyingAt(step: Step, times?: number): Promise<RunningBridge>;
  stop(): Promise<void>;
}

/** Starts a bridge with these tools. */
export async function startCallingChat(
  database: NonNullable<DeploymentOptions["database"]>,
  tools: object,
): Promise<CallingChat> {
  const ollama = await startOllamaServer(["llama3.2:3b"]);
  const deployment = await startDeployment({
    database,
    providers: { ollama: { type: "ollama", url: ollama.url } },
    agents: { llama: { provider: "ollama", model: "llama3.2:3b" } },
    extraConfig: { memory: { summaries: false }, tools },
  });
  const person = await deployment.user("js-sdk", "alice");
  const roomId = await chatWith(deployment, person, "llama");
  return {
    deployment,
    ollama,
    person,
    agent: deployment.agent("llama"),
    roomId,
    stop: async () => {
      await deployment.stop();
      await ollama.close();
    },
    dyingAt: async (step, times = 1) => {
      await deployment.stopBridge();
      const preload = `--import=${inCheckout("test/support/crash-at-step.mjs")}`;
      return deployment.startBridge({ NODE_OPTIONS: preload, CRASH_AT: `${step}:${times}` });
    },
  };
}

/** A tool server of this machine that Node runs, as it is configured. */
export function nodeServer(...args: readonly string[]): object {
  return { type: "stdio", command: process.execPath, args, sandbox: "none", locality: "local" };
}

/** A tool server that writes a line into a file for each call: `count`, which changes something, and `look`, which does not. */
export function countingServer(file: string): object {
  return nodeServer(UNKIND_TOOL_SERVER, "counts", file);
}

/** A tool server whose tools ask the person something. It writes a line into a file for each call, and each prompt that is read. */
export function askingServer(file: string): object {
  return nodeServer(inCheckout("test/support/asking-tool-server.mjs"), file);
}

/** Two people, and the agents `llama` and `other`, whose model calls tools. */
export interface CallingOffice {
  readonly deployment: Deployment;
  readonly ollama: OllamaServer;
  readonly alice: User;
  readonly bob: User;
  stop(): Promise<void>;
}

/** The model of the agents of {@link startCallingOffice}. */
const OFFICE_MODEL = "llama3.2:3b";

/** Starts a bridge with these tools. The model repeats what it was told last: by a tool, or else by a person. */
export async function startCallingOffice(tools: object): Promise<CallingOffice> {
  const ollama = await startOllamaServer([OFFICE_MODEL]);
  ollama.install(OFFICE_MODEL, {
    answer: (messages) => {
      const { role, content } = messages.at(-1) ?? { role: "", content: "" };
      return role === "tool" ? `I was told: ${content}` : `You said: ${content}`;
    },
  });
  const deployment = await startDeployment({
    providers: { ollama: { type: "ollama", url: ollama.url } },
    agents: {
      llama: { provider: "ollama", model: OFFICE_MODEL, display_name: "Llama" },
      other: { provider: "ollama", model: OFFICE_MODEL, display_name: "Other" },
    },
    extraConfig: { memory: { summaries: false }, turns: { approval_timeout: "1h" }, tools },
  });
  const [alice, bob] = await Promise.all([deployment.user("js-sdk", "alice"), deployment.user("js-sdk", "bob")]);
  const stop = async (): Promise<void> => {
    await deployment.stop();
    await ollama.close();
  };
  return { deployment, ollama, alice, bob, stop };
}

/** A new direct chat of a person with an agent; resolves with its room. */
export async function chatWith(deployment: Deployment, person: User, name: string): Promise<string> {
  const agent = deployment.agent(name);
  const roomId = await person.createRoom({ direct: true, invite: [agent] });
  await person.waitMember(roomId, agent);
  return roomId;
}

/** The whole answer to a person's words. */
export async function answerTo(person: User, roomId: string, body: string): Promise<Message> {
  const question = await person.sendText({ roomId, body });
  const where = ({ sender, current }: Message): boolean =>
    sender !== person.userId && !("org.matrix.msc4357.live" in current);
  return person.waitMessage({ roomId, after: question, where });
}
