import { SerialDates } from "./serial-dates.ts";
import type { OfficeParts } from "./office-parts.ts";
import { cellOf, rowOf } from "./paragraphs.ts";
import type { WrittenText } from "./written-text.ts";
import type { XmlHandler } from "./xml.ts";

/** Excel's own limits. */
const MOST_COLUMNS = 16_384;

/** The most shared text of a sheet that is kept, in characters: a workbook stores each text once for all its cells. */
const MOST_SHARED = 5_000_000;

/** Reads an Excel workbook, sheet by sheet, row by row (SpreadsheetML; ECMA-376, part 1, 18). */
export async function readSpreadsheet(workbook: OfficeParts, written: WrittenText): Promise<void> {
  const sheets: { readonly name: string; readonly id: string; readonly isHidden: boolean }[] = [];
  let from1904 = false;
  await workbook.read({
    open: (tag, { name = "", "r:id": id, state = "visible", date1904 }) => {
      if (tag === "workbookPr") from1904 = date1904 === "1" || date1904 === "true";
      if (tag !== "sheet" || id === undefined || sheets.length > written.limits.maxPages) return;
      sheets.push({ name, id, isHidden: state !== "visible" });
    },
  });
  const dates = await readDates(workbook, from1904);
  const shared = await readShared(workbook, written);
  for (const [index, { name, id, isHidden }] of sheets.entries()) {
    if (written.isFull || index >= written.limits.maxPages) {
      written.leaveOff();
      return;
    }
    const sheet = await workbook.named(id);
    if (sheet === undefined) continue;
    written.block(`## Sheet “${cellOf(name)}”${isHidden ? " (hidden)" : ""}`);
    await sheet.read(rowsOf(written, shared, dates));
  }
}

/** The cell that is being read. */
interface Cell {
  readonly column: number;
  readonly type: string;
  readonly style: number;
  value: string;
  formula: string;
}

function rowsOf(written: WrittenText, shared: readonly string[], dates: SerialDates): XmlHandler {
  let row: string[] = [];
  let isFirst = true;
  let cell: Cell | undefined;
  let into: "value" | "formula" | undefined;
  let isSaid = false;
  return {
    isDone: () => written.isFull,
    open(name, { r = "", t = "n", s = "0" }) {
      switch (name) {
        case "row":
          row = [];
          break;
        case "c":
          cell = { column: columnOf(r) ?? row.length, type: t, style: Number(s), value: "", formula: "" };
          break;
        case "v":
        case "t":
          into = "value";
          break;
        case "f":
          into = "formula";
          break;
        // The pronunciation of words in another script.
        case "rPh":
          isSaid = true;
      }
    },
    text(text) {
      if (cell !== undefined && into !== undefined && !isSaid) cell[into] += text;
    },
    close(name) {
      switch (name) {
        case "v":
        case "t":
        case "f":
          into = undefined;
          break;
        case "rPh":
          isSaid = false;
          break;
        case "c":
          if (cell !== undefined && cell.column < MOST_COLUMNS) {
            while (row.length < cell.column) row.push("");
            row[cell.column] = cellOf(shownOf(cell, shared, dates));
          }
          cell = undefined;
          break;
        case "row": {
          const line = rowOf(row);
          if (line !== "") written[isFirst ? "block" : "line"](line);
          isFirst &&= line === "";
        }
      }
    },
  };
}

/** The text that a cell shows, or its formula where no program has computed it. */
function shownOf({ type, style, value, formula }: Cell, shared: readonly string[], dates: SerialDates): string {
  if (value === "") return formula === "" ? "" : `=${formula}`;
  switch (type) {
    case "s":
      return shared[Number(value)] ?? "";
    case "b":
      return value === "1" ? "TRUE" : "FALSE";
    case "n": {
      const number = Number(value);
      // As in spreadsheets, 0.1 + 0.2 is 0.3.
      return Number.isFinite(number) ? (dates.shown(number, style) ?? String(Number(number.toPrecision(15)))) : value;
    }
    default:
      return value;
  }
}

/** The index of a cell's column: `C7` is in the third column, which is 2. */
function columnOf(reference: string): number | undefined {
  const [letters] = /^[A-Z]{1,3}/.exec(reference) ?? [];
  if (letters === undefined) return undefined;
  return Array.from(letters).reduce((sum, letter) => 26 * sum + letter.charCodeAt(0) - 64, 0) - 1;
}

/** The shared texts of cells, up to the limit. When a cell needs one beyond it, the result is incomplete. */
async function readShared(workbook: OfficeParts, written: WrittenText): Promise<readonly string[]> {
  const shared: string[] = [];
  let length = 0;
  let isText = false;
  let isSaid = false;
  for (const part of await workbook.ofType("sharedStrings")) {
    await part.read({
      isDone: () => length > MOST_SHARED,
      open: (name) => {
        if (name === "si") shared.push("");
        if (name === "rPh") isSaid = true;
        if (name === "t") isText = true;
      },
      text: (text) => {
        if (!isText || isSaid || shared.length === 0) return;
        shared.push((shared.pop() ?? "") + text);
        length += text.length;
      },
      close: (name) => {
        if (name === "t") isText = false;
        if (name === "rPh") isSaid = false;
      },
    });
  }
  if (length > MOST_SHARED) written.leaveOff();
  return shared;
}

/** The styles of a workbook that show a number as a date. */
async function readDates(workbook: OfficeParts, from1904: boolean): Promise<SerialDates> {
  const formats = new Map<number, string>();
  const styles: number[] = [];
  let isCellFormats = false;
  for (const part of await workbook.ofType("styles")) {
    await part.read({
      open: (name, { numFmtId = "0", formatCode = "" }) => {
        if (name === "numFmt") formats.set(Number(numFmtId), formatCode);
        if (name === "cellXfs") isCellFormats = true;
        if (name === "xf" && isCellFormats) styles.push(Number(numFmtId));
      },
      close: (name) => {
        if (name === "cellXfs") isCellFormats = false;
      },
    });
  }
  return new SerialDates(styles, formats, from1904);
}
