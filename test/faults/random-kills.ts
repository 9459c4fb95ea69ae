import { setTimeout as sleep } from "node:timers/promises";
import type { Scenario } from "./scenario.ts";
import { inWorld } from "./world.ts";

/** The queue is full all the time: each declined question is declined once, and not answered too. */
export const fullQueue: Scenario = {
  name: "SIGKILL at random with full queues",
  noticesAllowed: true,
  run: ({ random }) =>
    inWorld({ extraConfig: { turns: { max_queued: 2 } } }, async (world) => {
      world.ollama.install("llama3.2", { tokenMs: 60 });
      for (let kill = 1; kill <= 12; kill++) {
        for (let count = 0; count < 6; count++) await world.askAll(`${kill}, ${count}`);
        await sleep(random() * 600);
        await world.deployment.stopBridge("kill");
        await world.deployment.startBridge();
      }
    }),
};

/** Answers take seconds, so that each is shown while it is made, and kills interrupt that. */
export const midAnswer: Scenario = {
  name: "SIGKILL at random in the middle of answers",
  run: ({ random }) =>
    inWorld({}, async (world) => {
      world.ollama.install("llama3.2", { tokenMs: 60, answer: () => "word ".repeat(40) });
      for (let kill = 1; kill <= 12; kill++) {
        await world.askAll(`${kill}`);
        await sleep(1_000 + random() * 2_500);
        await world.deployment.stopBridge("kill");
        await world.deployment.startBridge();
        // An answer under which the bridge ends five times is given up, because it may be what ends it.
        if (kill % 4 === 0) await world.ledger.settle();
      }
      // A question that is asked again from the start continues in its begun message.
      world.ollama.install("llama3.2", { tokenMs: 5 });
    }),
};

/** SIGKILL at random, again and again, while people talk and their keys change. */
export const randomKills: readonly Scenario[] = (["postgres", "embedded"] as const).map((database) => ({
  name: `SIGKILL at random (${database})`,
  run: ({ kills, random, progress }) =>
    inWorld({ database }, async (world) => {
      const rounds = database === "postgres" ? kills : Math.ceil(kills / 4);
      for (let kill = 1; kill <= rounds; kill++) {
        for (const chat of world.chats) {
          if (random() < 0.2) await chat.person.rotateSession(chat.roomId);
          await world.ledger.ask(chat, `before kill ${kill}`);
        }
        await sleep(random() * 900);
        await world.deployment.stopBridge("kill");
        if (random() < 0.5) await world.askAll(`while it was down, ${kill}`);
        await world.deployment.startBridge();
        if (kill % 10 === 0) {
          progress(`${kill} kills, ${world.ledger.answered} of ${world.ledger.asked} answered`);
          // So that questions do not pile up beyond a model's speed.
          await world.ledger.settle();
        }
      }
    }),
}));
