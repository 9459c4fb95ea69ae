import type { WrittenText } from "./written-text.ts";

type Kind = "text" | "item" | "row";

/** The rows of the table that is being read. */
interface Table {
  readonly cells: string[];
  cell: string;
}

/**
 * Assembles the paragraphs and tables of a document while it is read: a paragraph becomes a block, a row of a table a
 * line.
 */
export class Paragraphs {
  readonly #written: WrittenText;
  /** Tables may be nested in cells. */
  readonly #tables: Table[] = [];
  #text = "";
  #before = "";
  #title = "";
  #kind: Kind = "text";
  /** The kind of the last output: rows of one table follow each other directly, and so do items of a list. */
  #last: Kind = "text";

  constructor(written: WrittenText) {
    this.#written = written;
  }

  get isDone(): boolean {
    return this.#written.isFull || this.#text.length > this.#written.limits.maxCharacters;
  }

  text(text: string): void {
    if (!this.isDone) this.#text += text;
  }

  /** The paragraph is a heading; 1 is the highest level. */
  heading(level: number): void {
    this.#before = `${"#".repeat(Math.min(Math.max(level, 1), 6))} `;
  }

  /** The paragraph is an item of a list. */
  item(): void {
    this.#before = "- ";
    this.#kind = "item";
  }

  /** A paragraph ends, or another one begins within it. */
  endParagraph(): void {
    const words = this.#text.trim();
    const text = words === "" ? "" : this.#before + words;
    const kind = this.#kind;
    this.#text = "";
    this.#before = "";
    this.#kind = "text";
    this.#add(text, kind);
  }

  /** Sets a title for the following text. It is written only if text follows before the next title. */
  title(text: string): void {
    this.#title = text;
  }

  beginRow(): void {
    this.endParagraph();
    this.#tables.push({ cells: [], cell: "" });
  }

  /** A cell ends; it may stand for several equal ones. */
  endCell(times = 1): void {
    this.endParagraph();
    const table = this.#tables.at(-1);
    if (table === undefined) return;
    const cell = cellOf(table.cell);
    for (let time = 0; time < times; time++) table.cells.push(cell);
    table.cell = "";
  }

  /** A row ends; it may stand for several equal ones. */
  endRow(times = 1): void {
    const row = rowOf(this.#tables.pop()?.cells ?? []);
    for (let time = 0; time < times && row !== ""; time++) this.#add(row, "row");
  }

  /** A table or a list ends: the next paragraph does not belong to it. */
  endTable(): void {
    this.#last = "text";
  }

  /** Writes the last paragraph, even one that was cut off. */
  end(): void {
    this.endParagraph();
    while (this.#tables.length > 0) {
      this.endCell();
      this.endRow();
    }
  }

  #add(text: string, kind: Kind): void {
    if (text === "") return;
    const outer = this.#tables.at(-1);
    if (outer !== undefined) {
      outer.cell += ` ${text}`;
      return;
    }
    if (this.#title !== "") this.#written.block(this.#title);
    this.#title = "";
    if (kind !== "text" && kind === this.#last) this.#written.line(text);
    else this.#written.block(text);
    this.#last = kind;
  }
}

/** The cells of a row beside each other, without empty ones at the end. Empty when all are empty. */
export function rowOf(cells: readonly string[]): string {
  const last = cells.findLastIndex((cell) => cell !== "");
  return cells.slice(0, last + 1).join(" | ");
}

/** The words of a cell in one line, without characters that would start another cell. */
export function cellOf(text: string): string {
  return text.replace(/\s+/g, " ").trim().replaceAll("|", "\\|");
}
