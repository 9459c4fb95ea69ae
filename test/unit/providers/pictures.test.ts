import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pictureSize, pictureType } from "../../../src/providers/pictures.ts";

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex");

const PNG = bytes("89504e470d0a1a0a 0000000d49484452 00000280 000001e0");
const GIF = bytes("474946383961 0a00 0500 00");
const JPEG = bytes("ffd8 ffe0 0004 0000 ffc0 000b 08 0102 0304 01 00 00 00");
const WEBP = Buffer.from("RIFF\0\0\0\0WEBPVP8 ", "latin1");

describe("a picture", () => {
  it("is known by how it begins, and its size by its header", () => {
    assert.deepEqual([PNG, GIF, JPEG, WEBP].map(pictureType), ["image/png", "image/gif", "image/jpeg", "image/webp"]);
    assert.deepEqual([PNG, GIF, JPEG, WEBP].map(pictureSize), [
      { w: 640, h: 480 },
      { w: 10, h: 5 },
      { w: 772, h: 258 },
      undefined,
    ]);
  });

  it("is none where it does not begin so, and of no size where it is cut off or broken", () => {
    for (const other of ["", "<svg/>", "BM", "%PDF"]) assert.equal(pictureType(Buffer.from(other)), undefined);
    assert.equal(pictureSize(PNG.subarray(0, 20)), undefined);
    assert.equal(pictureSize(GIF.subarray(0, 8)), undefined);
    for (let end = 3; end < JPEG.length; end++) assert.doesNotThrow(() => pictureSize(JPEG.subarray(0, end)));
    assert.equal(pictureSize(bytes("ffd8ff00 0000 0000 0000 0000 0000 0000")), undefined);
  });
});
