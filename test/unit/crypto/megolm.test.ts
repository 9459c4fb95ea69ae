import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { messageIndex } from "../../../src/crypto/megolm.ts";

/** A Megolm message's beginning, with more bytes after it. */
function message(...index: number[]): string {
  return Buffer.from([3, 0x08, ...index, 0x12, ...new Array<number>(40).fill(7)]).toString("base64");
}

describe("messageIndex", () => {
  it("reads the varint, of one byte to five", () => {
    assert.equal(messageIndex(message(0)), 0);
    assert.equal(messageIndex(message(0x7f)), 127);
    assert.equal(messageIndex(message(0x80, 0x01)), 128);
    assert.equal(messageIndex(message(0xff, 0xff, 0xff, 0xff, 0x0f)), 2 ** 32 - 1);
  });

  it("finds none in data that is no Megolm message", () => {
    const without = [
      undefined,
      7,
      "",
      "AA",
      "not base64 at all !!!",
      message(0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
      "Awg=",
    ];
    for (const ciphertext of [...without, Buffer.from([2, 8, 1]).toString("base64")]) {
      assert.equal(messageIndex(ciphertext), undefined, String(ciphertext));
    }
  });
});
