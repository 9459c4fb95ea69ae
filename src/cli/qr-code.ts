import { qrCells } from "../text/qr-cells.ts";

const BLACK_ON_WHITE = "\u001b[47m\u001b[30m";
const RESET = "\u001b[0m";

/**
 * A QR code for a terminal, two rows a line. It ends with a newline. With colours it is black on white in any colour scheme;
 * without, what is white has the colour of the text, which is right where that is lighter than its background.
 */
export function drawQrCode(data: string | Uint8Array, { isColoured }: { readonly isColoured: boolean }): string {
  const rows = qrCells(data);
  const lines: string[] = [];
  for (let row = 0; row < rows.length; row += 2) {
    const [upper = [], lower = []] = rows.slice(row, row + 2);
    const cells = upper.map((isDark, column) => {
      const isLowerDark = lower[column] === true;
      return HALVES[isColoured ? cell(isDark, isLowerDark) : cell(!isDark, !isLowerDark)];
    });
    lines.push(isColoured ? `${BLACK_ON_WHITE}${cells.join("")}${RESET}\n` : `${cells.join("")}\n`);
  }
  return lines.join("");
}

const HALVES = { none: " ", upper: "▀", lower: "▄", both: "█" } as const;

/** @param upper whether the upper half is filled. */
function cell(upper: boolean, lower: boolean): keyof typeof HALVES {
  if (upper) return lower ? "both" : "upper";
  return lower ? "lower" : "none";
}
