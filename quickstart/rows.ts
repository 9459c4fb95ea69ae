import stringWidth from "string-width";
import type { Line, Span } from "./terminal.ts";

/** A row of a terminal: so much of a line as fits into it. */
export interface Row {
  readonly spans: Line;
  /** How many columns it takes. */
  readonly cells: number;
}

const TAB_CELLS = 8;

/** Characters with all that combines with them are never torn apart. */
const characters = new Intl.Segmenter();

/** Cuts a line into rows as a terminal of this many columns does, at least one; tabs become spaces. */
export function rowsOf(line: Line, columns: number): Row[] {
  const rows: Row[] = [];
  let spans: Span[] = [];
  let cells = 0;
  const endRow = (): void => {
    rows.push({ spans, cells });
    spans = [];
    cells = 0;
  };
  for (const span of line) {
    let text = "";
    const endSpan = (): void => {
      if (text !== "") spans.push({ ...span, text });
      text = "";
    };
    for (const { segment: piece } of characters.segment(span.text)) {
      // A character that is wider than a row has a row of its own, and the terminal cuts it off.
      const width = piece === "\t" ? tabWidth(cells, columns) : stringWidth(piece);
      if (cells > 0 && cells + width > columns) {
        endSpan();
        endRow();
      }
      text += piece === "\t" ? " ".repeat(width) : piece;
      cells += width;
    }
    endSpan();
  }
  endRow();
  return rows;
}

/** How many rows below the beginning of a text the cursor stands at its end. */
export function cursorRow(text: string, columns: number): number {
  const rows = rowsOf([{ text }], columns);
  const isFull = (rows.at(-1)?.cells ?? 0) >= columns;
  return isFull ? rows.length : rows.length - 1;
}

/** The last rows of lines, at most so many, and whether there are more before them. Lines before those are not looked at. */
export function lastRows(
  fromTheEnd: Iterable<Line>,
  columns: number,
  most: number,
): { readonly rows: readonly Row[]; readonly isCut: boolean } {
  const rows: Row[] = [];
  for (const line of fromTheEnd) {
    for (const row of rowsOf(line, columns).reverse()) rows.push(row);
    if (rows.length > most) break;
  }
  return { rows: rows.slice(0, most).reverse(), isCut: rows.length > most };
}

/** A tab stops before the last column at the latest. */
function tabWidth(cells: number, columns: number): number {
  return Math.max(1, Math.min(TAB_CELLS - (cells % TAB_CELLS), columns - cells));
}
