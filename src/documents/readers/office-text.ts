import type { Paragraphs } from "./paragraphs.ts";
import type { Attributes, XmlHandler } from "./xml.ts";

/**
 * Elements without words of the document: moved text, a copy of the text for old programs, formatting, and a slide's
 * own number.
 */
const LEFT_OUT: ReadonlySet<string> = new Set(["moveFrom", "Fallback", "rPr", "sectPr", "tblPr", "tcPr", "trPr"]);

/** Finds paragraphs, lists and headings by their properties (`pPr`). */
export type ParagraphProperties = (name: string, attributes: Attributes) => void;

/**
 * Reads the paragraphs and tables of a Word document or a slide: both name them `p`, `t`, `tbl`, `tr` and `tc`
 * (ECMA-376, part 1, 17.3 and 21.1.2). Deleted words have another name, and are left out.
 */
export class OfficeText implements XmlHandler {
  readonly #paragraphs: Paragraphs;
  readonly #properties: ParagraphProperties;
  #isText = false;
  #isProperties = false;
  /** The depth within an element that is left out. */
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
        // Paragraphs may be nested: a text box stands in a paragraph.
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
