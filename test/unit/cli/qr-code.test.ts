import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { drawQrCode } from "../../../src/cli/qr-code.ts";
import { readCode } from "../../support/qr-code.ts";

describe("a QR code in the terminal", () => {
  it("can be read, whatever its content", () => {
    for (let length = 1; length <= 200; length += 7) {
      const data = randomBytes(length);
      assert.deepEqual(readCode(drawQrCode(data)), data);
    }
  });

  it("gives back every byte value, in any order, and a text in UTF-8", () => {
    const all = Buffer.from(Array.from({ length: 256 }, (_, value) => value));
    for (const data of [all, Buffer.from(all).reverse()]) assert.deepEqual(readCode(drawQrCode(data)), data);
    for (let value = 0; value < 256; value++) {
      const data = Buffer.from([value, value]);
      assert.deepEqual(readCode(drawQrCode(data)), data);
    }
    assert.equal(readCode(drawQrCode("schlüssel 🔑")).toString(), "schlüssel 🔑");
  });

  it("has a white border, above and below too", () => {
    const lines = stripVTControlCharacters(drawQrCode("text")).split("\n").slice(0, -1);
    for (const line of [...lines.slice(0, 2), ...lines.slice(-1)]) assert.match(line, /^ *$/);
    assert.ok(lines.every((line) => line.startsWith("    ") && line.endsWith("    ")));
  });
});
