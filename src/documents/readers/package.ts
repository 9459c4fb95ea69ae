import { Archive } from "./archive.ts";
import { DocumentClosed } from "./document-closed.ts";
import { readEpub } from "./epub.ts";
import { readOpenDocument } from "./open-document.ts";
import { mainParts, OfficeParts } from "./office-parts.ts";
import { readSlides } from "./slides.ts";
import { readSpreadsheet } from "./spreadsheet.ts";
import { readWordDocument } from "./word-document.ts";
import type { WrittenText } from "./written-text.ts";

/** No media type is longer. */
const LONGEST_TYPE = 200;

/**
 * Reads a document packed in a zip, by the type that the package states (OpenDocument and EPUB in `mimetype`, Office in
 * `[Content_Types].xml`), whatever its name is. Throws {@link DocumentClosed} for any other zip, or the library's
 * errors.
 */
export async function readPackage(bytes: Buffer, written: WrittenText): Promise<void> {
  const archive = await Archive.open(bytes);
  const mimetype = (await archive.bytes("mimetype", LONGEST_TYPE)).toString("latin1").trim();
  if (mimetype.startsWith("application/vnd.oasis.opendocument.")) return readOpenDocument(archive, written);
  if (mimetype === "application/epub+zip") return readEpub(archive, written);
  for (const [path, type] of await mainParts(archive)) {
    const parts = new OfficeParts(archive, path);
    // Documents and templates, with or without macros, all end like this.
    if (/\bword(?:processingml)?\.[\w.-]*main\+xml$/.test(type)) return readWordDocument(parts, written);
    if (/\b(?:spreadsheetml|excel)\.[\w.-]*main\+xml$/.test(type)) return readSpreadsheet(parts, written);
    if (/\b(?:presentationml|powerpoint)\.[\w.-]*main\+xml$/.test(type)) return readSlides(parts, written);
  }
  throw new DocumentClosed("unknown_kind");
}
