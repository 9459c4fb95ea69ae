import type { Archive } from "./archive.ts";
import { DocumentClosed } from "./document-closed.ts";
import { cellOf, Paragraphs } from "./paragraphs.ts";
import type { WrittenText } from "./written-text.ts";
import { readXml, type XmlHandler } from "./xml.ts";

/** Of a cell or a row that is the same so many times; sheets end with a million empty ones. */
const MOST_REPEATED = 100;

/**
 * Elements that hold no words of the document: deleted text that is kept for reviewers, the number of a footnote or a
 * page, and forms.
 */
const LEFT_OUT: ReadonlySet<string> = new Set(["tracked-changes", "note-citation", "page-number", "forms"]);

/** … and the author and date of a comment. */
const LEFT_OUT_OF_COMMENTS: ReadonlySet<string> = new Set(["creator", "date", "date-string", "creator-initials"]);

/** Reads a text, spreadsheet, presentation or drawing of OpenDocument (ISO/IEC 26300). Throws {@link DocumentClosed}. */
export async function readOpenDocument(archive: Archive, written: WrittenText): Promise<void> {
  await readXml(archive.pieces("META-INF/manifest.xml"), {
    open: (name) => {
      if (name === "encryption-data") throw new DocumentClosed("locked");
    },
  });
  const paragraphs = new Paragraphs(written);
  await readXml(archive.pieces("content.xml"), openDocumentText(paragraphs, written));
  paragraphs.end();
}

function openDocumentText(paragraphs: Paragraphs, written: WrittenText): XmlHandler {
  /** Paragraphs stand in notes of others. */
  let depth = 0;
  let skipped = 0;
  let pages = 0;
  let isSpreadsheet = false;
  let isComment = false;
  /** How often the row and the cell stand there that are being read. */
  let rows = 1;
  let cells = 1;
  return {
    get isDone() {
      return paragraphs.isDone || pages > written.limits.maxPages;
    },
    open(name, attributes) {
      if (skipped > 0 || LEFT_OUT.has(name) || (isComment && LEFT_OUT_OF_COMMENTS.has(name))) {
        skipped++;
        return;
      }
      switch (name) {
        case "spreadsheet":
          isSpreadsheet = true;
          break;
        case "page":
          page(`## Slide ${pages + 1}`);
          break;
        case "notes":
          paragraphs.title("(Notes:)");
          break;
        case "table":
          if (isSpreadsheet) page(`## Sheet “${cellOf(attributes["name"] ?? "")}”`);
          break;
        case "table-row":
          rows = timesOf(attributes["number-rows-repeated"]);
          paragraphs.beginRow();
          break;
        case "table-cell":
        case "covered-table-cell":
          cells = timesOf(attributes["number-columns-repeated"]);
          break;
        case "list-item":
          paragraphs.item();
          break;
        case "note":
        case "annotation":
          isComment = name === "annotation";
          paragraphs.text(" (");
          break;
        case "p":
        case "h":
          if (depth++ > 0) break;
          if (name === "h") paragraphs.heading(Number(attributes["outline-level"] ?? 1) || 1);
          break;
        case "s":
          paragraphs.text(" ".repeat(timesOf(attributes["c"])));
          break;
        case "tab":
          paragraphs.text("\t");
          break;
        case "line-break":
          paragraphs.text("\n");
      }
    },
    text(text) {
      // In these files white space is written as `s`, `tab` and `line-break`.
      if (depth > 0 && skipped === 0) paragraphs.text(text.replace(/\s+/g, " "));
    },
    close(name) {
      if (skipped > 0) {
        skipped--;
        return;
      }
      switch (name) {
        case "p":
        case "h":
          if (--depth === 0) paragraphs.endParagraph();
          break;
        case "note":
        case "annotation":
          isComment = false;
          paragraphs.text(")");
          break;
        case "notes":
          paragraphs.endParagraph();
          paragraphs.title("");
          break;
        case "table-cell":
        case "covered-table-cell":
          paragraphs.endCell(cells);
          break;
        case "table-row":
          paragraphs.endRow(rows);
          break;
        case "table":
          paragraphs.endTable();
      }
    },
  };

  function page(title: string): void {
    paragraphs.endParagraph();
    paragraphs.endTable();
    if (++pages > written.limits.maxPages) written.leaveOff();
    else written.block(title);
  }
}

function timesOf(count = "1"): number {
  return Math.min(Math.max(Math.floor(Number(count)) || 1, 1), MOST_REPEATED);
}
