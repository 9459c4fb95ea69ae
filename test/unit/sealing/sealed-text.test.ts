import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { SealBroken, seal, unseal } from "../../../src/sealing/sealed-text.ts";

const KEY = randomBytes(32);
const CONTEXT = "messages.body\n@agent_llama:example.test\n$event";

describe("a sealed text", () => {
  it("opens with its key, in its context", () => {
    for (const text of ["", "words", "Grüße 😀", "x".repeat(100_000)]) {
      assert.equal(unseal(KEY, seal(KEY, Buffer.from(text), CONTEXT), CONTEXT).toString(), text);
    }
  });

  it("is different each time, and shows nothing of the text", () => {
    const [once, again] = [seal(KEY, Buffer.from("canary"), CONTEXT), seal(KEY, Buffer.from("canary"), CONTEXT)];
    assert.notEqual(once, again);
    assert.ok(!Buffer.from(once, "base64").includes("canary"));
  });

  it("does not open with another key, in another context, or after a change or cut", () => {
    const sealed = seal(KEY, Buffer.from("words"), CONTEXT);
    const bytes = Buffer.from(sealed, "base64");
    const cut = (end: number): string => bytes.subarray(0, end).toString("base64");
    const changed = Buffer.from(bytes.map((byte, index) => (index === bytes.length - 1 ? byte ^ 1 : byte))).toString(
      "base64",
    );
    for (const [key, text, context] of [
      [randomBytes(32), sealed, CONTEXT],
      [KEY, sealed, `${CONTEXT}2`],
      [KEY, changed, CONTEXT],
      [KEY, cut(bytes.length - 1), CONTEXT],
      [KEY, cut(20), CONTEXT],
      [KEY, "", CONTEXT],
      [KEY, "words in clear", CONTEXT],
    ] as const) {
      assert.throws(() => unseal(key, text, context), SealBroken);
    }
  });

  it("that can't be opened is reported without its owner", () => {
    assert.throws(
      () => unseal(KEY, "", CONTEXT),
      (error: Error) => error.message.includes("messages.body") && !error.message.includes("$event"),
    );
  });
});
