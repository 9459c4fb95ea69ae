import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodedText } from "../../../src/documents/text-encoding.ts";

/** The characters of Windows-1252 beyond Latin-1, as far as these tests use them. */
const WESTERN: Readonly<Record<string, number>> = { "€": 0x80, "„": 0x84, "“": 0x93, "’": 0x92, "–": 0x96 };

function western(text: string): Buffer {
  return Buffer.from(Array.from(text, (letter) => WESTERN[letter] ?? letter.charCodeAt(0)));
}

describe("the words of a text", () => {
  const words = ["Grüße, 世界", "Müsli;3,50 €\r\n", "{}", "שלום", "👨‍👩‍👧", "plain", "a\tb\n", "\x1b[31mred\x1b[0m"];

  it("are read as UTF-8 and as UTF-16, with a byte order mark or without", () => {
    for (const text of words) {
      for (const mark of ["", "\ufeff"]) assert.equal(decodedText(Buffer.from(mark + text)), text);
      const little = Buffer.from(`\ufeff${text}`, "utf16le");
      assert.equal(decodedText(little), text);
      assert.equal(decodedText(Buffer.from(little).swap16()), text);
    }
    for (const text of [
      "plain",
      "Name;Preis\r\nMüsli;3,50 €\r\n",
      "一 1, 二 2, 三 3\r\n",
      '<?xml version="1.0" encoding="UTF-16"?>',
      "Привет, мир. Как дела?\n",
    ]) {
      const little = Buffer.from(text, "utf16le");
      assert.equal(decodedText(little), text, text);
      assert.equal(decodedText(Buffer.from(little).swap16()), text, text);
    }
  });

  it("are read as Windows-1252 where they are not valid UTF-8", () => {
    for (const text of ["Müsli;3,50 €", "„Größe“ – das ist’s", "\xe9t\xe9", "Caf\xe9\r\n"]) {
      assert.equal(decodedText(western(text)), text);
    }
  });

  it("are read as UTF-8 where only a few places are invalid: the file was cut, or is damaged", () => {
    const text = "Ärger über Übermut, Öl und süße Äpfel\n".repeat(3);
    const cut = Buffer.from(text).subarray(1);
    assert.equal(decodedText(cut), `\ufffd${text.slice(1)}`);
    assert.match(decodedText(Buffer.concat([Buffer.from(text), Buffer.from([0xff]), Buffer.from(text)])) ?? "", /süße/);
  });

  it("are read as UTF-8 where all of it is valid, whatever was lost before it was written", () => {
    for (const text of ["Müller grüßt, data: \ufffd\ufffd broken", "\ufffd", "a\ufffdb", "世界\ufffd\n"]) {
      assert.equal(decodedText(Buffer.from(text)), text);
    }
  });

  it("may have zeros late in them, as logs after a crash do", () => {
    const log = "all is well\n".repeat(1_000) + "\0\0\0" + "here again";
    assert.equal(decodedText(Buffer.from(log)), log);
  });

  it("are not found in data that is no text", () => {
    for (const [name, hex] of [
      ["a program", "7f454c4602010100"],
      ["a picture", "89504e470d0a1a0a0000000d"],
      ["a zip", "504b030414000000"],
      ["zeros", "0000000000000000"],
      ["small numbers", "0100020003000400"],
      ["sound", "0000ff7f00800100fe7f0180"],
      ["noise", "8f1d9dfe81900afb"],
      ["half a surrogate", "41004200430000d8"],
      ["UTF-16 that is cut", "410042004300440045"],
    ] as const) {
      assert.equal(decodedText(Buffer.from(hex, "hex")), undefined, name);
    }
    assert.equal(decodedText(Buffer.alloc(0)), "");
  });
});
