import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseList } from "../../../src/homeserver/list-answer.ts";

function all(text: string): Promise<unknown[]> {
  return parseList(Buffer.from(text), () => true);
}

describe("a list that a homeserver answers", () => {
  it("is read like JSON, entry by entry", async () => {
    const entries = [{ a: '],"[\\"{' }, [1, [2, "]"]], "\\", "ä😀", null, -1.5e3, true, {}, []];
    for (const list of [entries, [], [[]], [[[1]]]]) {
      assert.deepEqual(await all(JSON.stringify(list)), list);
      assert.deepEqual(await all(` ${JSON.stringify(list, null, 3)}\n`), list);
    }
  });

  it("has only the wanted entries", async () => {
    const list = JSON.stringify([1, 2, 3, 4]);
    assert.deepEqual(await parseList(Buffer.from(list), (entry) => Number(entry) % 2 === 0), [2, 4]);
  });

  it("is rejected when it is broken, or no list", async () => {
    for (const text of [
      "",
      "{}",
      "1",
      '"[]"',
      "[",
      "[1",
      "[1,]",
      "[,1]",
      "[1 2]",
      "[1]]",
      "[1][2]",
      "[}",
      "[1}",
      "[{}}",
      "[1] x",
      "x [1]",
      '[1] "x"',
      "[1],",
      "\u00a0[1]",
      "[{]}]",
      '["]',
    ]) {
      await assert.rejects(all(text), SyntaxError, text);
    }
  });

  it("lets other work in between, however large it is", async () => {
    const one = `[${"[],".repeat(20_000)}[]]`;
    const json = Buffer.from(`[${Array.from({ length: 400 }, () => one).join(",")}]`);
    let turns = 0;
    const counting = setInterval(() => turns++, 1);
    assert.deepEqual(await parseList(json, () => false), []);
    clearInterval(counting);
    assert.ok(turns > 10, `others came in ${turns} times`);
  });
});
