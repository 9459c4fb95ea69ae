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
export function officeText(paragraphs: Paragraphs, properties: ParagraphProperties = () => undefined): XmlHandler {
  let isText = false;
  let isProperties = false;
  // So deep within something that is left out.
  let skipped = 0;
  return {
    get isDone() {
      return paragraphs.isDone;
    },
    open(name, attributes) {
      if (skipped > 0 || LEFT_OUT.has(name) || (name === "fld" && attributes["type"] === "slidenum")) {
        skipped++;
        return;
      }
      if (isProperties) {
        properties(name, attributes);
        return;
      }
      switch (name) {
        case "pPr":
          isProperties = true;
          break;
        case "t":
          isText = true;
          break;
        case "p":
          // One within another: a box with text stands in a paragraph.
          paragraphs.endParagraph();
          break;
        case "tab":
          paragraphs.text("\t");
          break;
        case "br":
        case "cr":
          paragraphs.text("\n");
          break;
        case "noBreakHyphen":
          paragraphs.text("-");
          break;
        case "tr":
          paragraphs.beginRow();
      }
    },
    text(text) {
      if (isText && skipped === 0) paragraphs.text(text);
    },
    close(name) {
      if (skipped > 0) {
        skipped--;
        return;
      }
      switch (name) {
        case "pPr":
          isProperties = false;
          break;
        case "t":
          isText = false;
          break;
        case "p":
          paragraphs.endParagraph();
          break;
        case "tc":
          paragraphs.endCell();
          break;
        case "tr":
          paragraphs.endRow();
          break;
        case "tbl":
          paragraphs.endTable();
      }
    },
  };
}
