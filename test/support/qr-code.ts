import { stripVTControlCharacters } from "node:util";
import {
  BinaryBitmap,
  DecodeHintType,
  GlobalHistogramBinarizer,
  QRCodeReader,
  ResultMetadataType,
  RGBLuminanceSource,
} from "@zxing/library";

/** The width and height of a cell of the code for the reader, in pixels. */
const SCALE = 4;

/**
 * Reads the QR code, two rows a line, in a command's terminal output, as a phone's camera would. Throws when there is
 * none.
 */
export function readCode(terminal: string): Buffer {
  const lines = stripVTControlCharacters(terminal).split("\n");
  const rows = lines.filter((line) => /^[ ▀▄█]{20,}$/.test(line));
  // Black on white.
  const cells = rows.flatMap((line) =>
    ["▀", "▄"].map((half) => Array.from(line, (cell) => cell === "█" || cell === half)),
  );
  const [width, height] = [(cells[0]?.length ?? 0) * SCALE, cells.length * SCALE];
  const luminance = new Uint8ClampedArray(width * height).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const isDark = cells[Math.floor(y / SCALE)]?.[Math.floor(x / SCALE)] === true;
      if (isDark) luminance[y * width + x] = 0;
    }
  }
  const picture = new BinaryBitmap(new GlobalHistogramBinarizer(new RGBLuminanceSource(luminance, width, height)));
  const result = new QRCodeReader().decode(picture, new Map([[DecodeHintType.PURE_BARCODE, true]]));
  const segments = result.getResultMetadata().get(ResultMetadataType.BYTE_SEGMENTS) as Uint8Array[];
  return Buffer.concat(segments);
}
