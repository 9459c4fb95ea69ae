import { setTimeout as sleep } from "node:timers/promises";
import type { Step } from "../../src/observability/steps.ts";
import type { Scenario } from "./scenario.ts";
import { preload, World } from "./world.ts";

/** The steps, and the number of the last time at each. */
const CRASHES: readonly (readonly [Step, number])[] = [
  ["transaction.received", 1],
  ["transaction.stored", 1],
  ["mail.taken", 1],
  ["sync.answered", 3],
  ["sync.received", 1],
  ["sync.saved", 1],
  ["event.decrypted", 1],
  ["turn.queued", 1],
  ["turn.started", 1],
  ["model.chunk", 3],
  ["draft.shown", 1],
  ["draft.edited", 1],
  ["turn.made", 1],
  ["event.encrypted", 1],
  ["send.stored", 1],
  ["send.sent", 1],
  ["send.marked", 1],
  ["store.writing", 1],
  ["store.writing", 4],
  ["store.written", 1],
  ["store.written", 4],
  ["request.answered", 1],
];

/** SIGKILL at each named step of a message's way, then a start. */
export const crashAtSteps: readonly Scenario[] = (["postgres", "embedded"] as const).map((database) => ({
  name: `SIGKILL at each step (${database})`,
  async run({ progress }) {
    const world = await World.start({ database });
    try {
      for (const [step, times] of CRASHES) {
        progress(`${step}, ${times}.`);
        await crashAt(world, step, times);
      }
      return await world.ledger.tally();
    } finally {
      await world.stop();
    }
  },
}));

async function crashAt(world: World, step: Step, times: number): Promise<void> {
  const { deployment } = world;
  // A separate room where a key has to be shared: the server is asked for that.
  const chats =
    step === "request.answered" ? await Promise.all(world.people.map((p) => world.openChat(p))) : world.chats;
  await deployment.stopBridge();
  // Slow enough to be shown while it is made.
  if (step.startsWith("draft.")) world.ollama.install("llama3.2", { tokenMs: 300, answer: () => "word ".repeat(20) });
  for (const chat of chats) await chat.person.rotateSession(chat.roomId);
  const dying = deployment.startBridge(preload("crash-at-step.mjs", { CRASH_AT: `${step}:${times}` })).then(
    (bridge) => bridge.exited,
    // Its end may come before it is ready.
    () => ({ code: null, signal: "SIGKILL" }),
  );
  for (const chat of chats) await world.ledger.ask(chat, `${step}, ${times}`);
  const exit = await Promise.race([dying, sleep(60_000, undefined, { ref: false })]);
  if (exit?.signal !== "SIGKILL") throw new Error(`${step} was not reached for the ${times}. time`);
  await deployment.startBridge();
  await world.ledger.settle();
  world.ollama.install("llama3.2", { tokenMs: 5 });
}
