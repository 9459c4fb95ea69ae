import { convert } from "html-to-text";
import { decodedText } from "../text-encoding.ts";
import type { WrittenText } from "./written-text.ts";

/**
 * The part of a page that is parsed, in characters, without embedded pictures: parsing takes fifty times as much
 * memory.
 */
const MOST_CHARACTERS = 2_000_000;

/** Reads the words of a web page. */
export function readWebPage(bytes: Uint8Array, written: WrittenText): void {
  const page = withoutData(pageOf(bytes));
  if (page.length > MOST_CHARACTERS) written.leaveOff();
  const title = /<title[^>]{0,1000}>([^<]{1,1000})<\/title/i.exec(page.slice(0, MOST_CHARACTERS))?.[1];
  if (title !== undefined) written.block(textOfHtml(title));
  written.block(textOfHtml(page));
}

/**
 * The visible words of a piece of HTML. In a mail, links keep their addresses, because people ask about those, and
 * tables are only layout. Elsewhere links are only their words, and tables have rows and columns.
 */
export function textOfHtml(html: string, of: "page" | "mail" = "page"): string {
  return convert(withoutData(html).slice(0, MOST_CHARACTERS), {
    wordwrap: false,
    limits: { maxDepth: 200, maxInputLength: MOST_CHARACTERS },
    selectors: [
      { selector: "img", format: "skip" },
      { selector: "noscript", format: "skip" },
      { selector: "template", format: "skip" },
      { selector: "title", format: "skip" },
      { selector: "a", options: { ignoreHref: of === "page", hideLinkHrefIfSameAsText: true, noAnchorUrl: true } },
      ...(of === "mail" ? [] : [DATA_TABLES]),
      ...["h1", "h2", "h3", "h4", "h5", "h6"].map((selector) => ({ selector, options: { uppercase: false } })),
    ],
  });
}

/** Embedded pictures may be longer than all words of a page. */
function withoutData(html: string): string {
  return html.replace(/\bdata:[\w/+.-]{1,100};base64,[\w+/=%]*/g, "");
}

const DATA_TABLES = {
  selector: "table",
  format: "dataTable",
  options: { maxColumnWidth: 60, uppercaseHeaderCells: false },
};

/** A page without a byte order mark names its encoding itself. */
function pageOf(bytes: Uint8Array): string {
  const beginning = Buffer.from(bytes.subarray(0, 1_024)).toString("latin1");
  const [, charset = ""] = /<meta[^>]{1,200}charset\s*=\s*["']?([\w-]{1,40})/i.exec(beginning) ?? [];
  const text = decodedText(bytes);
  // UTF-8 and UTF-16 can be told from the bytes.
  const isOwn = /^(?:|utf-?8|utf-?16\w*|windows-1252|iso-8859-1|us-ascii)$/i.test(charset);
  if (isOwn) return text ?? new TextDecoder().decode(bytes);
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    // The named encoding is unknown.
    return text ?? new TextDecoder().decode(bytes);
  }
}
