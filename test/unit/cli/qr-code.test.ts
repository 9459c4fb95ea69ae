import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { drawQrCode } from "../../../src/cli/qr-code.ts";
import { readCode } from "../../support/qr-code.ts";

describe("a QR code in the terminal", () => {
  it("can be read, whatever it holds", () => {
    for (let length = 1; length <= 200; length += 7) {
      const data = randomBytes(length);
      assert.deepEqual(readCode(drawQrCode(data)), data);
    }
  });

  it("has white around it, above and below too", () => {
    const lines = stripVTControlCharacters(drawQrCode("text")).split("\n").slice(0, -1);
    for (const line of [...lines.slice(0, 2), ...lines.slice(-1)]) assert.match(line, /^ *$/);
    assert.ok(lines.every((line) => line.startsWith("    ") && line.endsWith("    ")));
  });
});
