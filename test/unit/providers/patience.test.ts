import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Patience } from "../../../src/providers/patience.ts";
import { ProviderError } from "../../../src/providers/provider.ts";

const isLate = (error: unknown): boolean => error instanceof ProviderError && error.code === "timeout";

/** A question that nobody answers. */
const never = (): Promise<never> => Promise.withResolvers<never>().promise;

describe("the time limit for server queries for which somebody waits", () => {
  it("is used up, and comes back as a share of the time that passes, separately for each server", async () => {
    let now = 0;
    const patience = new Patience({ mostMs: 40, now: () => now });
    const late = patience.wait("slow", never);
    now = 40;
    await assert.rejects(late, isLate);
    let asked = 0;
    const count = (): Promise<number> => Promise.resolve(++asked);
    await assert.rejects(patience.wait("slow", count), isLate);
    assert.equal(asked, 0, "it is not even asked");
    assert.equal(await patience.wait("other", count), 1);
    now += 400;
    assert.equal(await patience.wait("slow", count), 2);
  });

  it("is used up by slow answers, and not by fast ones", async () => {
    let now = 0;
    const patience = new Patience({ mostMs: 1_000, now: () => now });
    const taking = (ms: number) => (): Promise<void> => {
      now += ms;
      return Promise.resolve();
    };
    for (let time = 0; time < 1_000; time++) await patience.wait("quick", taking(0));
    await patience.wait("slow", taking(600));
    await patience.wait("slow", taking(600));
    await assert.rejects(patience.wait("slow", taking(600)), isLate);
  });

  it("passes on why a server did not answer, and drops one that fails too late", async () => {
    const patience = new Patience({ mostMs: 10 });
    const refused = new ProviderError("refused", "no");
    await assert.rejects(
      patience.wait("a", () => Promise.reject(refused)),
      refused,
    );
    const late = Promise.withResolvers<never>();
    await assert.rejects(
      patience.wait("a", () => late.promise),
      isLate,
    );
    late.reject(refused);
    // By then a rejection that nobody handles ends the process.
    await turn();
  });
});
