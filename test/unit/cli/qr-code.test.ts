import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { drawQrCode } from "../../../src/cli/qr-code.ts";
import { readCode } from "../../support/qr-code.ts";

const draw = (data: string | Uint8Array): string => drawQrCode(data, { isColoured: true });

/** The same with what is filled and what is not exchanged, as a camera sees light text on a dark terminal. */
const inverted = (text: string): string =>
  text.replaceAll(/[ ▀▄█]/g, (cell) => ({ " ": "█", "▀": "▄", "▄": "▀", "█": " " })[cell] ?? cell);

describe("a QR code in the terminal", () => {
  it("can be read, whatever its content", () => {
    for (let length = 1; length <= 200; length += 7) {
      const data = randomBytes(length);
      assert.deepEqual(readCode(draw(data)), data);
    }
  });

  it("gives back every byte value, in any order, and a text in UTF-8", () => {
    const all = Buffer.from(Array.from({ length: 256 }, (_, value) => value));
    for (const data of [all, Buffer.from(all).reverse()]) assert.deepEqual(readCode(draw(data)), data);
    for (let value = 0; value < 256; value++) {
      const data = Buffer.from([value, value]);
      assert.deepEqual(readCode(draw(data)), data);
    }
    assert.equal(readCode(draw("schlüssel 🔑")).toString(), "schlüssel 🔑");
  });

  it("has a white border, above and below too", () => {
    const lines = stripVTControlCharacters(draw("text")).split("\n").slice(0, -1);
    for (const line of [...lines.slice(0, 2), ...lines.slice(-1)]) assert.match(line, /^ *$/);
    assert.ok(lines.every((line) => line.startsWith("    ") && line.endsWith("    ")));
  });

  it("has no colours where none are wanted, and what is white has the colour of the text", () => {
    const drawn = drawQrCode("text", { isColoured: false });
    assert.equal(drawn, stripVTControlCharacters(drawn));
    assert.equal(readCode(inverted(drawn)).toString(), "text");
    assert.match(drawn, /^█+\n█+\n/);
  });
});
