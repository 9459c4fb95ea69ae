import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { searchForMissed, type SearchReason } from "../../../src/mailbox/search.ts";

interface Search {
  readonly ghosts: number;
  readonly reason: SearchReason;
  /** The number of lost events of rooms that each search finds. */
  readonly lostEvents?: number;
  /** The ghost whose invite was lost. */
  readonly invited?: string;
}

/** What a search does, in order: the ghosts that it asks about, "rooms", and its pauses in ms. */
async function search({ ghosts: count, reason, lostEvents = 0, invited }: Search): Promise<(string | number)[][]> {
  const rounds: (string | number)[][] = [[]];
  const ghosts = Array.from({ length: count }, (_, index) => `@${index}`);
  await searchForMissed(
    reason,
    ghosts,
    {
      events: {
        find: () => {
          rounds.at(-1)?.push("rooms");
          return Promise.resolve(lostEvents);
        },
      },
      memberships: {
        find: (asked) => {
          rounds.at(-1)?.push(...asked);
          return Promise.resolve(asked.includes(invited ?? "") ? 1 : 0);
        },
      },
      pause: (ms) => {
        rounds.push([ms]);
        return Promise.resolve();
      },
    },
    new AbortController().signal,
  );
  return rounds;
}

const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `@${from + index}`);

describe("the search for what no transaction brought", () => {
  it("asks about all ghosts twice when the homeserver has returned", async () => {
    assert.deepEqual(await search({ ghosts: 30, reason: "homeserver returned" }), [
      [...numbered(0, 30), "rooms"],
      [15_000, ...numbered(0, 30), "rooms"],
    ]);
  });

  it("asks about a few ghosts as much at our own start", async () => {
    assert.deepEqual(await search({ ghosts: 3, reason: "own start" }), [
      ["@0", "@1", "@2", "rooms"],
      [15_000, "@0", "@1", "@2", "rooms"],
    ]);
  });

  it("asks about a few ghosts once when transactions were held back, after the homeserver has sent these", async () => {
    assert.deepEqual(await search({ ghosts: 11, reason: "transactions held back" }), [
      [],
      [15_000, ...numbered(0, 10), "rooms"],
      [1_000, "@10"],
    ]);
  });

  it("begins with as many calls for a thousand ghosts as for ten, and asks about each of the others later", async () => {
    const [first, second, ...later] = await search({ ghosts: 1_000, reason: "own start" });
    assert.deepEqual(
      [first, second],
      [
        [...numbered(0, 10), "rooms"],
        [15_000, ...numbered(0, 10), "rooms"],
      ],
    );
    assert.deepEqual(
      later,
      numbered(10, 1_000).map((ghost) => [1_000, ghost]),
    );
  });

  it("asks about all at once as soon as an event of a room, or a few's invite, turns out to be lost", async () => {
    const all = [
      [...numbered(0, 10), "rooms", ...numbered(10, 30)],
      [15_000, ...numbered(0, 30), "rooms"],
    ];
    assert.deepEqual(await search({ ghosts: 30, reason: "own start", lostEvents: 1 }), all);
    assert.deepEqual(await search({ ghosts: 30, reason: "own start", invited: "@3" }), all);
  });

  it("asks about the rest at once when a lost invite is found among the others", async () => {
    const rounds = await search({ ghosts: 30, reason: "own start", invited: "@12" });
    assert.deepEqual(rounds.slice(2), [
      [1_000, "@10"],
      [1_000, "@11"],
      [1_000, "@12", ...numbered(13, 30)],
    ]);
  });
});
