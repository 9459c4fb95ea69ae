import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { foreignPicture, pictureExtent, pictureType } from "../../../src/providers/pictures.ts";
import { recordingEnding } from "../../../src/providers/recordings.ts";
import { chunk, gif, png, webp } from "../../support/pictures.ts";

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex");

const PNG = png(640, 480);
const GIF = gif({ w: 10, h: 5 }, [{ w: 10, h: 5 }]);
const JPEG = bytes("ffd8 ffe0 0004 0000 ffff c0 000b 08 0102 0304 01 00 00 00");
const LOSSY = webp(chunk("VP8 ", "000000 9d012a 2003 5802"));
const LOSSLESS = webp(chunk("VP8L", "2f 1fc31800 00000000 00"));

describe("a picture", () => {
  it("is recognised by its first bytes, and its size by its header", () => {
    const all = [PNG, GIF, JPEG, LOSSY, LOSSLESS];
    assert.deepEqual(all.map(pictureType), ["image/png", "image/gif", "image/jpeg", "image/webp", "image/webp"]);
    assert.deepEqual(all.map(pictureExtent), [
      { w: 640, h: 480, frames: 1 },
      { w: 10, h: 5, frames: 1 },
      { w: 772, h: 258, frames: 1 },
      { w: 800, h: 600, frames: 1 },
      { w: 800, h: 100, frames: 1 },
    ]);
  });

  it("is as large as the largest size in its file, frame by frame", () => {
    const frame = (name: string, w: number, h: number): Buffer => {
      const words = Buffer.alloc(18);
      words.writeUInt32BE(w, 4);
      words.writeUInt32BE(h, 8);
      return png.chunk(name, words);
    };
    const moving = Buffer.concat([png(4, 4), frame("IDAT", 9, 9), frame("fcTL", 4, 4), frame("fcTL", 65_000, 65_000)]);
    const liar = gif({ w: 1, h: 1 }, [
      { w: 1, h: 1 },
      { w: 60_000, h: 60_000 },
    ]);
    const animated = webp(
      chunk("VP8X", "02000000 000000 000000"),
      chunk("ANMF", "000000 000000 000000 000000 000000 00", chunk("VP8L", "2f ffffff0f 00000000 00")),
      chunk("ANMF", "000000 000000 000000 000000 000000 00", chunk("VP8 ", "000000 9d012a 0100 0100")),
    );
    assert.deepEqual([moving, liar, animated].map(pictureExtent), [
      { w: 65_000, h: 65_000, frames: 2 },
      { w: 60_000, h: 60_000, frames: 2 },
      { w: 16_384, h: 16_384, frames: 2 },
    ]);
  });

  it("may have a format that models do not accept", () => {
    const ftyp = (brand: string): Buffer => Buffer.from(`\0\0\0\x1cftyp${brand}\0\0\0\0`, "latin1");
    for (const brand of ["heic", "heix", "hevc", "mif1", "msf1"])
      assert.equal(foreignPicture(ftyp(brand)), "heic", brand);
    for (const svg of [
      "<svg>",
      "<SVG viewBox='0 0 1 1'/>",
      '\ufeff<?xml version="1.0"?>\n<!-- a - b --><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "svg11.dtd">\n<svg/>',
    ]) {
      assert.equal(foreignPicture(Buffer.from(svg)), "svg", svg);
    }
    for (const other of [
      ...["49492a0008000000", "4d4d002a00000008", "424d36100e000000000036000000", "00000100010010100000"],
      ...["ff0a0000", "0000000c4a584c200d0a870a", "0000000c6a5020200d0a870a", "384250530001"],
    ]) {
      assert.equal(foreignPicture(bytes(other)), "other", other);
    }
    for (const brand of ["avif", "avis"]) assert.equal(foreignPicture(ftyp(brand)), "other", brand);
    for (const none of ["", "BMW is a car", "II", "<svgs>", "<p><svg>", "RIFF....WEBP"]) {
      assert.equal(foreignPicture(Buffer.from(none)), undefined, none);
    }
    for (const brand of ["mp42", "isom", "M4A ", "qt  "]) assert.equal(foreignPicture(ftyp(brand)), undefined, brand);
    for (const seen of [PNG, GIF, JPEG, LOSSY]) assert.equal(foreignPicture(seen), undefined);
  });

  it("is none with other first bytes, and has no size where it is cut off or broken", () => {
    for (const other of ["", "<svg/>", "BM", "%PDF", "<!DOCTYPE html>"]) {
      assert.equal(pictureType(Buffer.from(other)), undefined);
      assert.equal(pictureExtent(Buffer.from(other)), undefined);
    }
    for (const whole of [PNG, GIF, JPEG, LOSSY, LOSSLESS]) {
      for (let end = 0; end < whole.length; end++) assert.doesNotThrow(() => pictureExtent(whole.subarray(0, end)));
      const header = whole.subarray(0, 12);
      for (const fill of [0, 255]) {
        assert.doesNotThrow(() => pictureExtent(Buffer.concat([header, Buffer.alloc(4_096, fill)])));
      }
    }
    assert.equal(pictureExtent(PNG.subarray(0, 20)), undefined);
    assert.equal(pictureExtent(GIF.subarray(0, 8)), undefined);
    assert.equal(pictureExtent(png(0, 7)), undefined);
    assert.equal(pictureExtent(bytes("ffd8ff00 0000 0000 0000 0000 0000 0000")), undefined);
    assert.equal(pictureExtent(bytes("ffd8 ffda 0004 0000 ffc0 000b 08 0102 0304 01 00 00 00")), undefined);
  });

  it("with more parts than a picture has is not read any further", () => {
    const from = (begin: Buffer, hex: string, length: number): Buffer =>
      Buffer.concat([begin, Buffer.alloc(length, hex, "hex")]);
    const screen = gif({ w: 1, h: 1 }, []).subarray(0, 19);
    const made = (length: number): Record<string, Buffer> => ({
      png: from(PNG, "00", length),
      "gif, in extensions": from(screen, "210000", length),
      "gif, in one": from(Buffer.concat([screen, bytes("21f9")]), "0101", length),
      jpeg: Buffer.concat([from(bytes("ffd8"), "ff", length), JPEG.subarray(2)]),
      webp: Buffer.concat([from(LOSSY.subarray(0, 12), "00", length), LOSSY.subarray(12)]),
    });
    for (const [name, file] of Object.entries(made(240_000))) assert.ok(name === "jpeg" || pictureExtent(file), name);
    for (const [name, file] of Object.entries(made(10_000_000))) {
      assert.notEqual(pictureType(file), undefined, name);
      assert.equal(pictureExtent(file), undefined, name);
    }
  });
});

describe("a recording", () => {
  it("is recognised by its first bytes", () => {
    const files = {
      ogg: "4f676753 0002",
      mp3: "494433 04",
      m4a: "00000020 66747970 4d344120",
      webm: "1a45dfa3 01",
      wav: "52494646 00000000 57415645",
      flac: "664c6143 00",
      aac: "fff1 5080",
    };
    for (const [ending, hex] of Object.entries(files)) assert.equal(recordingEnding(bytes(hex)), ending);
    assert.equal(recordingEnding(bytes("fffb 9064")), "mp3");
    for (const other of ["", "Og", "<!DOCTYPE html>", "%PDF-1.7", "RIFF\0\0\0\0WEBP", "\x89PNG"]) {
      assert.equal(recordingEnding(Buffer.from(other, "latin1")), undefined);
    }
  });
});
