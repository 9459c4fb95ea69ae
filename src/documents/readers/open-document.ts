import type { Archive } from "./archive.ts";
import { DocumentClosed } from "./document-closed.ts";
import { cellOf, Paragraphs } from "./paragraphs.ts";
import type { WrittenText } from "./written-text.ts";
import { readXml, type Attributes, type XmlHandler } from "./xml.ts";

/** The most repetitions of a cell or row; sheets end with a million empty ones. */
const MOST_REPEATED = 100;

/**
 * Elements without words of the document: deleted text kept for reviewers, numbers of footnotes and pages, and forms.
 */
const LEFT_OUT: ReadonlySet<string> = new Set(["tracked-changes", "note-citation", "page-number", "forms"]);

/** In comments, also the author and date. */
const LEFT_OUT_OF_COMMENTS: ReadonlySet<string> = new Set(["creator", "date", "date-string", "creator-initials"]);

/** Reads a text, spreadsheet, presentation or drawing of OpenDocument (ISO/IEC 26300). Throws {@link DocumentClosed}. */
export async function readOpenDocument(archive: Archive, written: WrittenText): Promise<void> {
  await readXml(archive.pieces("META-INF/manifest.xml"), {
    open: (name) => {
      if (name === "encryption-data") throw new DocumentClosed("locked");
    },
  });
  const paragraphs = new Paragraphs(written);
  await readXml(archive.pieces("content.xml"), new OpenDocumentText(paragraphs, written));
  paragraphs.end();
}

class OpenDocumentText implements XmlHandler {
  readonly #paragraphs: Paragraphs;
  readonly #written: WrittenText;
  /** Paragraphs may be nested, for example in notes. */
  #depth = 0;
  #skipped = 0;
  #pages = 0;
  #isSpreadsheet = false;
  #isComment = false;
  /** The repetitions of the present row and cell. */
  #rows = 1;
  #cells = 1;

  constructor(paragraphs: Paragraphs, written: WrittenText) {
    this.#paragraphs = paragraphs;
    this.#written = written;
  }

  isDone(): boolean {
    return this.#paragraphs.isDone || this.#pages > this.#written.limits.maxPages;
  }

  open(name: string, attributes: Attributes): void {
    if (this.#skipped > 0 || LEFT_OUT.has(name) || (this.#isComment && LEFT_OUT_OF_COMMENTS.has(name))) {
      this.#skipped++;
      return;
    }
    switch (name) {
      case "spreadsheet":
        this.#isSpreadsheet = true;
        break;
      case "page":
        this.#page(`## Slide ${this.#pages + 1}`);
        break;
      case "notes":
        this.#paragraphs.title("(Notes:)");
        break;
      case "table":
        if (this.#isSpreadsheet) this.#page(`## Sheet “${cellOf(attributes["name"] ?? "")}”`);
        break;
      case "table-row":
        this.#rows = timesOf(attributes["number-rows-repeated"]);
        this.#paragraphs.beginRow();
        break;
      case "table-cell":
      case "covered-table-cell":
        this.#cells = timesOf(attributes["number-columns-repeated"]);
        break;
      case "list-item":
        this.#paragraphs.item();
        break;
      case "note":
      case "annotation":
        this.#isComment = name === "annotation";
        this.#paragraphs.text(" (");
        break;
      case "p":
      case "h":
        if (this.#depth++ > 0) break;
        if (name === "h") this.#paragraphs.heading(Number(attributes["outline-level"] ?? 1) || 1);
        break;
      case "s":
        this.#paragraphs.text(" ".repeat(timesOf(attributes["c"])));
        break;
      case "tab":
        this.#paragraphs.text("\t");
        break;
      case "line-break":
        this.#paragraphs.text("\n");
    }
  }

  text(text: string): void {
    // In these files white space is written as `s`, `tab` and `line-break`.
    if (this.#depth > 0 && this.#skipped === 0) this.#paragraphs.text(text.replace(/\s+/g, " "));
  }

  close(name: string): void {
    if (this.#skipped > 0) {
      this.#skipped--;
      return;
    }
    switch (name) {
      case "p":
      case "h":
        if (--this.#depth === 0) this.#paragraphs.endParagraph();
        break;
      case "note":
      case "annotation":
        this.#isComment = false;
        this.#paragraphs.text(")");
        break;
      case "notes":
        this.#paragraphs.endParagraph();
        this.#paragraphs.title("");
        break;
      case "table-cell":
      case "covered-table-cell":
        this.#paragraphs.endCell(this.#cells);
        break;
      case "table-row":
        this.#paragraphs.endRow(this.#rows);
        break;
      case "table":
        this.#paragraphs.endTable();
    }
  }

  #page(title: string): void {
    this.#paragraphs.endParagraph();
    this.#paragraphs.endTable();
    if (++this.#pages > this.#written.limits.maxPages) this.#written.leaveOff();
    else this.#written.block(title);
  }
}

function timesOf(count = "1"): number {
  return Math.min(Math.max(Math.floor(Number(count)) || 1, 1), MOST_REPEATED);
}
