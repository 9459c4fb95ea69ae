import { encodeQR } from "qr";

/** The width of the white border in cells: without it many cameras do not find the code (ISO/IEC 18004). */
const QUIET = 4;

const BLACK_ON_WHITE = "\u001b[47m\u001b[30m";
const RESET = "\u001b[0m";

/** A QR code for a terminal, two rows a line, black on white in any colour scheme. It ends with a newline. */
export function drawQrCode(data: string | Uint8Array): string {
  const bytes = typeof data === "string" ? Buffer.from(data) : data;
  // The library takes text alone: the encoder gives it the bytes, whatever the text is.
  const rows = encodeQR("", "raw", { ecc: "medium", border: QUIET, encoding: "byte", textEncoder: () => bytes });
  const lines: string[] = [];
  for (let row = 0; row < rows.length; row += 2) {
    const [upper = [], lower = []] = rows.slice(row, row + 2);
    const cells = upper.map((isDark, column) => HALVES[cell(isDark, lower[column] === true)]);
    lines.push(`${BLACK_ON_WHITE}${cells.join("")}${RESET}\n`);
  }
  return lines.join("");
}

const HALVES = { none: " ", upper: "▀", lower: "▄", both: "█" } as const;

function cell(upper: boolean, lower: boolean): keyof typeof HALVES {
  if (upper) return lower ? "both" : "upper";
  return lower ? "lower" : "none";
}
