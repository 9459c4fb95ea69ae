import { setTimeout as sleep } from "node:timers/promises";
import { startDeployment } from "../../support/deployment.ts";
import { startOllamaServer } from "../../support/ollama-server.ts";
import { ask, openChats } from "../asking.ts";
import { memoryOf, type Memory } from "../measuring/memory.ts";

/** The memory of the bridge in the quickstart's configuration, with the embedded database, when nobody asks. */
export interface IdleMemory {
  /** Right after its start. */
  readonly started: Memory;
  /** After some encrypted answers and a rest. */
  readonly used: Memory;
}

const REST_MS = 10_000;

/** Measures it with one agent. */
export async function idleMemory(questions: number): Promise<IdleMemory> {
  await using model = await startOllamaServer();
  const deployment = await startDeployment({
    database: "embedded",
    providers: { ollama: { type: "ollama", url: model.url } },
    agents: { llama: { provider: "ollama", model: "llama3.2" } },
    extraConfig: { logging: { level: "info", format: "json" } },
  });
  try {
    await sleep(REST_MS);
    const started = await memoryOf([deployment.bridge.pid]);
    const person = await deployment.user("js-sdk", "person");
    const chats = await openChats(person, [deployment.agent("llama")]);
    for (let count = 0; count < questions; count++) for (const chat of chats) await ask(chat);
    await sleep(REST_MS);
    return { started, used: await memoryOf([deployment.bridge.pid]) };
  } finally {
    await deployment.stop();
  }
}
