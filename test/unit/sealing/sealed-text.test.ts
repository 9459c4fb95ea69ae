import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { SealBroken, seal, unseal } from "../../../src/sealing/sealed-text.ts";

const KEY = randomBytes(32);
const PLACE = "messages.body\n@agent_llama:example.test\n$event";

describe("a sealed text", () => {
  it("is opened with its key, in its place", () => {
    for (const text of ["", "words", "Grüße 😀", "x".repeat(100_000)]) {
      assert.equal(unseal(KEY, seal(KEY, Buffer.from(text), PLACE), PLACE).toString(), text);
    }
  });

  it("is never the same twice, and shows nothing of the text", () => {
    const [once, again] = [seal(KEY, Buffer.from("canary"), PLACE), seal(KEY, Buffer.from("canary"), PLACE)];
    assert.notEqual(once, again);
    assert.ok(!Buffer.from(once, "base64").includes("canary"));
  });

  it("is not opened with another key, elsewhere, or when it was changed or cut", () => {
    const sealed = seal(KEY, Buffer.from("words"), PLACE);
    const bytes = Buffer.from(sealed, "base64");
    const cut = (end: number): string => bytes.subarray(0, end).toString("base64");
    const changed = Buffer.from(bytes.map((byte, index) => (index === bytes.length - 1 ? byte ^ 1 : byte))).toString(
      "base64",
    );
    for (const [key, text, place] of [
      [randomBytes(32), sealed, PLACE],
      [KEY, sealed, `${PLACE}2`],
      [KEY, changed, PLACE],
      [KEY, cut(bytes.length - 1), PLACE],
      [KEY, cut(20), PLACE],
      [KEY, "", PLACE],
      [KEY, "words in clear", PLACE],
    ] as const) {
      assert.throws(() => unseal(key, text, place), SealBroken);
    }
  });

  it("that can't be opened is told of without whose it is", () => {
    assert.throws(
      () => unseal(KEY, "", PLACE),
      (error: Error) => error.message.includes("messages.body") && !error.message.includes("$event"),
    );
  });
});
