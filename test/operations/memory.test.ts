import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ask, openChats } from "../bench/asking.ts";
import { memoryOf } from "../bench/measuring/memory.ts";
import { startDeployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";

/**
 * The most memory of an idle bridge, in MiB of RSS. It takes 55 less; before decision 0028 it took 200 more on the embedded
 * database. The tests run the TypeScript itself, and what strips its types takes 25.
 */
const MOST = { embedded: 310, postgres: 250 } as const;

describe("the memory of a bridge that has answered and is idle", () => {
  for (const database of ["embedded", "postgres"] as const) {
    it(`is under ${MOST[database]} MiB with the ${database} database`, async (test) => {
      const deployment = await startDeployment({ database });
      test.after(() => deployment.stop());
      const person = await deployment.user("js-sdk", "person");
      const chats = await openChats(person, [deployment.agent("demo")]);
      for (let count = 0; count < 5; count++) for (const chat of chats) await ask(chat);
      let rss = 0;
      // V8 collects its garbage some seconds after the last work.
      await eventually(
        "the memory to fall",
        async () => {
          ({ rss } = await memoryOf([deployment.bridge.pid]));
          return rss < MOST[database];
        },
        { timeoutMs: 60_000, intervalMs: 1_000, instead: () => `${Math.round(rss)} MiB` },
      );
      assert.ok(rss > 0);
      test.diagnostic(`${Math.round(rss)} MiB`);
    });
  }
});
