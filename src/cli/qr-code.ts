import { create } from "qrcode";

/** The white border of a code; without it many cameras do not find the code (ISO/IEC 18004). */
const QUIET = 4;

const BLACK_ON_WHITE = "\u001b[47m\u001b[30m";
const RESET = "\u001b[0m";

/** A QR code for a terminal, two rows a line, black on white in any colour scheme. It ends with a newline. */
export function drawQrCode(data: string | Uint8Array): string {
  const content = typeof data === "string" ? data : [{ data: new Uint8ClampedArray(data), mode: "byte" as const }];
  const { modules } = create(content);
  const isDark = (row: number, column: number): boolean => {
    const [y, x] = [row - QUIET, column - QUIET];
    return y >= 0 && x >= 0 && y < modules.size && x < modules.size && modules.get(y, x) === 1;
  };
  const side = modules.size + 2 * QUIET;
  const lines: string[] = [];
  for (let row = 0; row < side; row += 2) {
    const cells = Array.from(
      { length: side },
      (_, column) => HALVES[cell(isDark(row, column), isDark(row + 1, column))],
    );
    lines.push(`${BLACK_ON_WHITE}${cells.join("")}${RESET}\n`);
  }
  return lines.join("");
}

const HALVES = { none: " ", upper: "▀", lower: "▄", both: "█" } as const;

function cell(upper: boolean, lower: boolean): keyof typeof HALVES {
  if (upper) return lower ? "both" : "upper";
  return lower ? "lower" : "none";
}
