import { stripVTControlCharacters } from "node:util";
import {
  BinaryBitmap,
  DecodeHintType,
  GlobalHistogramBinarizer,
  HybridBinarizer,
  QRCodeReader,
  ResultMetadataType,
  RGBLuminanceSource,
  type Binarizer,
} from "@zxing/library";
import type { Locator } from "playwright-core";

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
  const source = new RGBLuminanceSource(luminance, width, height);
  return decoded(new GlobalHistogramBinarizer(source), DecodeHintType.PURE_BARCODE);
}

/** Reads the QR code that a browser shows, as a phone's camera would: its pixels as they are seen. Throws when there is none. */
export async function readShownCode(shown: Locator): Promise<Buffer> {
  const picture = (await shown.screenshot()).toString("base64");
  const blank = await shown.page().context().newPage();
  const pixels = await blank.evaluate<{ width: number; height: number; grey: number[] }>(`(async () => {
    const picture = await createImageBitmap(await (await fetch("data:image/png;base64,${picture}")).blob());
    const { width, height } = picture;
    const canvas = new OffscreenCanvas(width, height).getContext("2d");
    canvas.drawImage(picture, 0, 0);
    const { data } = canvas.getImageData(0, 0, width, height);
    const grey = Array.from({ length: width * height }, (_, at) => (data[4 * at] + data[4 * at + 1] + data[4 * at + 2]) / 3);
    return { width, height, grey };
  })()`);
  await blank.close();
  const source = new RGBLuminanceSource(Uint8ClampedArray.from(pixels.grey), pixels.width, pixels.height);
  return decoded(new HybridBinarizer(source), DecodeHintType.TRY_HARDER);
}

function decoded(picture: Binarizer, hint: DecodeHintType): Buffer {
  const result = new QRCodeReader().decode(new BinaryBitmap(picture), new Map([[hint, true]]));
  const segments = result.getResultMetadata().get(ResultMetadataType.BYTE_SEGMENTS) as Uint8Array[];
  return Buffer.concat(segments);
}
