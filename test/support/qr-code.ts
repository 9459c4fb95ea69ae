import assert from "node:assert/strict";
import jsQr from "jsqr";

/** Pixels that a cell of the code is wide and high for the reader. */
const SCALE = 4;

/** Reads the QR code that stands, two rows a line, in what a command wrote to the terminal, as a phone's camera would. */
export function readCode(terminal: string): Buffer {
  // eslint-disable-next-line no-control-regex -- colours
  const lines = terminal.replace(/\u001b\[\d*m/g, "").split("\n");
  const rows = lines.filter((line) => /^[ ▀▄█]{20,}$/.test(line));
  // Black on white.
  const cells = rows.flatMap((line) =>
    ["▀", "▄"].map((half) => Array.from(line, (cell) => cell === "█" || cell === half)),
  );
  const [width, height] = [cells[0]?.length ?? 0, cells.length];
  const pixels = new Uint8ClampedArray(width * height * SCALE * SCALE * 4).fill(255);
  for (let y = 0; y < height * SCALE; y++) {
    for (let x = 0; x < width * SCALE; x++) {
      const isDark = cells[Math.floor(y / SCALE)]?.[Math.floor(x / SCALE)] === true;
      const at = (y * width * SCALE + x) * 4;
      if (isDark) pixels.fill(0, at, at + 3);
    }
  }
  const code = jsQr.default(pixels, width * SCALE, height * SCALE);
  assert.ok(code, "no QR code can be read");
  return Buffer.from(code.binaryData);
}
