import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inflateSync } from "node:zlib";
import { contrast } from "../../../src/avatars/colour.ts";
import { looksOf, paletteOf, portrait, TRAITS } from "../../../src/avatars/portrait.ts";

// prettier-ignore
const MODELS = [
  "agents", "agent_demo", "agent_llama3.2-3b", "agent_llama3.2-1b", "agent_llama3.1-8b", "agent_qwen2.5-coder-7b",
  "agent_qwen3-8b", "agent_deepseek-r1-1.5b", "agent_gemma3-27b", "agent_gpt-oss-20b", "agent_mistral", "agent_phi4-mini",
  "agent_mixtral-8x7b", "agent_claude", "agent_nomic-embed-text", "agent_smollm2-135m", "agent_command-r7b",
];

const drawn = new Map<string, Buffer>();

/** A portrait that is drawn once for all tests. */
function portraitOf(name: string): Buffer {
  const png = drawn.get(name) ?? portrait(name);
  drawn.set(name, png);
  return png;
}

/** The pixels of a PNG of our own making: each a number of three bytes. */
function pixelsOf(png: Buffer): { readonly size: number; readonly at: (x: number, y: number) => number } {
  assert.equal(png.subarray(0, 8).toString("latin1"), "\x89PNG\r\n\x1a\n");
  const size = png.readUInt32BE(16);
  assert.equal(png.readUInt32BE(20), size);
  const dataAt = png.indexOf("IDAT");
  const rows = inflateSync(png.subarray(dataAt + 4, dataAt + 4 + png.readUInt32BE(dataAt - 4)));
  const stride = size * 3 + 1;
  for (let row = 1; row < size; row++) {
    assert.equal(rows[row * stride], 2);
    for (let i = 1; i < stride; i++) {
      rows[row * stride + i] = (rows[row * stride + i] ?? 0) + (rows[(row - 1) * stride + i] ?? 0);
    }
  }
  return { size, at: (x, y) => rows.readUIntBE(y * stride + 1 + x * 3, 3) };
}

describe("a portrait", () => {
  it("is the same for the same name, and small", () => {
    assert.deepEqual(portrait("agent_llama"), portrait("agent_llama"));
    for (const name of MODELS) assert.ok(portraitOf(name).length < 16_384, name);
  });

  it("is different for each of the agents that a bridge may have", () => {
    assert.equal(new Set(MODELS.map((name) => portraitOf(name).toString("base64"))).size, MODELS.length);
    const looks = Array.from({ length: 100 }, (_, index) => JSON.stringify(looksOf(`agent_${index}`)));
    assert.ok(new Set(looks).size >= 98);
  });

  it("shows everything within the circle that clients cut out", () => {
    const outside = Array.from({ length: 256 * 256 }, (_, index) => ({ x: index % 256, y: index >> 8 })).filter(
      ({ x, y }) => Math.hypot(x + 0.5 - 128, y + 0.5 - 128) > 128 * 0.98,
    );
    for (const name of [...MODELS, ...Array.from({ length: 60 }, (_, index) => `agent_${index}`)]) {
      const { size, at } = pixelsOf(portraitOf(name));
      assert.equal(size, 256);
      for (const { x, y } of outside) assert.equal(at(x, y), at(0, y));
      assert.notEqual(at(size / 2, size / 2), at(0, size / 2), name);
    }
  });

  it("uses every trait that there is", () => {
    const seen = Array.from({ length: 400 }, (_, index) => looksOf(`agent_${index}`));
    for (const [trait, choices] of Object.entries(TRAITS)) {
      const found = new Set(seen.map((looks) => looks[trait as keyof typeof looks]));
      assert.deepEqual([...found].sort(), [...choices].sort(), trait);
    }
  });

  it("stands out from light and dark surroundings, its head from its ground, and its features from its face", () => {
    for (const hue of new Set(Array.from({ length: 400 }, (_, index) => looksOf(`agent_${index}`).hue))) {
      for (const tone of TRAITS.tone) {
        for (const face of TRAITS.face) {
          const palette = paletteOf({ hue, tone, face });
          const what = JSON.stringify({ hue, tone, face });
          assert.ok(contrast(palette.features, palette.face) >= 7, what);
          assert.ok(contrast(palette.shell, palette.top) >= 1.8, what);
          assert.ok(contrast(palette.shade, palette.bottom) >= 1.8, what);
          assert.ok(contrast([255, 255, 255], palette.top) >= 1.8, what);
          assert.ok(contrast([24, 24, 24], palette.bottom) >= 1.8, what);
        }
      }
    }
  });
});
