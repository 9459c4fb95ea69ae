import { encodeQR } from "qr";

/** The width of the white border in cells: without it many cameras do not find the code (ISO/IEC 18004). */
const QUIET = 4;

/** The cells of a QR code, by rows; true is dark. */
export function qrCells(data: string | Uint8Array): readonly (readonly boolean[])[] {
  const bytes = typeof data === "string" ? Buffer.from(data) : data;
  // The library takes text alone: the encoder gives it the bytes, whatever the text is.
  return encodeQR("", "raw", { ecc: "medium", border: QUIET, encoding: "byte", textEncoder: () => bytes });
}
