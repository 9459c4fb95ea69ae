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

/** A tool server that writes a line into a file for each call: `count`, which changes something, and `look`, which does not. */
export function countingServer(file: string): object {
  return {
    type: "stdio",
    command: process.execPath,
    args: [UNKIND_TOOL_SERVER, "counts", file],
    sandbox: "none",
    locality: "local",
  };
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
