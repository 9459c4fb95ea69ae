import type { Paragraphs } from "./paragraphs.ts";
import type { Attributes, XmlHandler } from "./xml.ts";

/**
 * Elements that hold no words of the document: text that was moved elsewhere, the same text again for old programs,
 * looks, and a slide's own number.
 */
const LEFT_OUT: ReadonlySet<string> = new Set(["moveFrom", "Fallback", "rPr", "sectPr", "tblPr", "tcPr", "trPr"]);

/** Knows paragraphs, lists and headings by their properties (`pPr`). */
export type ParagraphProperties = (name: string, attributes: Attributes) => void;

/**
 * Reads the paragraphs and tables of a Word document or a slide: both call them `p`, `t`, `tbl`, `tr` and `tc` (ECMA-376, part 1,
 * 17.3 and 21.1.2). Words that were deleted are called otherwise, and left out.
 */
export class OfficeText implements XmlHandler {
  readonly #paragraphs: Paragraphs;
  readonly #properties: ParagraphProperties;
  #isText = false;
  #isProperties = false;
  /** So deep within something that is left out. */
  #skipped = 0;

  constructor(paragraphs: Paragraphs, properties: ParagraphProperties = () => undefined) {
    this.#paragraphs = paragraphs;
    this.#properties = properties;
  }

  isDone(): boolean {
    return this.#paragraphs.isDone;
  }

  open(name: string, attributes: Attributes): void {
    if (this.#skipped > 0 || LEFT_OUT.has(name) || (name === "fld" && attributes["type"] === "slidenum")) {
      this.#skipped++;
      return;
    }
    if (this.#isProperties) {
      this.#properties(name, attributes);
      return;
    }
    switch (name) {
      case "pPr":
        this.#isProperties = true;
        break;
      case "t":
        this.#isText = true;
        break;
      case "p":
        // One within another: a box with text stands in a paragraph.
        this.#paragraphs.endParagraph();
        break;
      case "tab":
        this.#paragraphs.text("\t");
        break;
      case "br":
      case "cr":
        this.#paragraphs.text("\n");
        break;
      case "noBreakHyphen":
        this.#paragraphs.text("-");
        break;
      case "tr":
        this.#paragraphs.beginRow();
    }
  }

  text(text: string): void {
    if (this.#isText && this.#skipped === 0) this.#paragraphs.text(text);
  }

  close(name: string): void {
    if (this.#skipped > 0) {
      this.#skipped--;
      return;
    }
    switch (name) {
      case "pPr":
        this.#isProperties = false;
        break;
      case "t":
        this.#isText = false;
        break;
      case "p":
        this.#paragraphs.endParagraph();
        break;
      case "tc":
        this.#paragraphs.endCell();
        break;
      case "tr":
        this.#paragraphs.endRow();
        break;
      case "tbl":
        this.#paragraphs.endTable();
    }
  }
}
