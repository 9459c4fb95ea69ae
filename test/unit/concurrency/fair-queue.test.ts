import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FairQueue, type Release } from "../../../src/concurrency/fair-queue.ts";

const NEVER = new AbortController().signal;

/** The callers that were let in, in order; `leave` frees the first one's place. */
function watched(
  places: number,
  more?: { readonly each: number },
): { enter: (who?: string) => void; entered: string[]; leave: () => Promise<void> } {
  const queue = new FairQueue(places, more);
  const entered: string[] = [];
  const releases: Release[] = [];
  const entering: Promise<void>[] = [];
  return {
    entered,
    enter: (who) => {
      const enters = async (): Promise<void> => {
        releases.push(await queue.enter(who, NEVER));
        entered.push(who ?? "nobody");
      };
      entering.push(enters());
    },
    leave: async () => {
      await Promise.resolve();
      releases.shift()?.();
      await new Promise(setImmediate);
    },
  };
}

describe("a fair queue", () => {
  it("takes every person's first question before anybody's second, and work that nobody waits for last", async () => {
    const { enter, entered, leave } = watched(1);
    for (const who of ["alice", "alice", "alice", undefined, "bob", "carol", "bob"]) enter(who);
    for (let i = 0; i < 7; i++) await leave();
    assert.deepEqual(entered, ["alice", "bob", "carol", "alice", "bob", "alice", "nobody"]);
  });

  it("lets in as many as there are places, and prefers the person with the fewest running", async () => {
    const { enter, entered, leave } = watched(3);
    for (const who of ["alice", "alice", "bob", "alice", "bob", "carol"]) enter(who);
    await new Promise(setImmediate);
    assert.deepEqual(entered, ["alice", "alice", "bob"]);
    await leave();
    assert.equal(entered.at(-1), "carol");
  });

  it("keeps places for others from a person who has reached their limit", async () => {
    const { enter, entered, leave } = watched(2, { each: 1 });
    for (const who of ["eve", "eve", "eve", "alice"]) enter(who);
    await new Promise(setImmediate);
    assert.deepEqual(entered, ["eve", "alice"]);
    enter("bob");
    await leave();
    assert.deepEqual(entered, ["eve", "alice", "bob"]);
    await leave();
    assert.deepEqual(entered.slice(3), ["eve"]);
    await leave();
    await leave();
    assert.deepEqual(entered.slice(4), ["eve"]);
  });

  it("forgets callers that have left, and frees a place once", async () => {
    const queue = new FairQueue(1);
    const first = await queue.enter("alice", NEVER);
    const gone = new AbortController();
    const left = queue.enter("bob", gone.signal);
    const third = queue.enter("carol", NEVER);
    gone.abort(new Error("gone"));
    await assert.rejects(left, /gone/);
    first();
    first();
    const release = await third;
    assert.equal(queue.length, 0);
    const waiting = queue.enter("dave", NEVER);
    assert.equal(queue.length, 1);
    release();
    (await waiting)();
    await assert.rejects(queue.enter("eve", AbortSignal.abort(new Error("already"))), /already/);
  });
});
