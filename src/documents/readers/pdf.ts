import { getDocumentProxy } from "unpdf";
import { DocumentClosed } from "./document-closed.ts";
import type { WrittenText } from "./written-text.ts";

/** Reads the text of a PDF's pages. Throws {@link DocumentClosed}, or the library's errors. */
export async function readPdf(bytes: Uint8Array, written: WrittenText): Promise<void> {
  const document = await getDocumentProxy(new Uint8Array(bytes), {
    // Nothing of the document is run, drawn or fetched.
    disableFontFace: true,
    useSystemFonts: false,
    disableAutoFetch: true,
    verbosity: 0,
  }).catch((cause: unknown) => {
    const isLocked = cause instanceof Error && cause.name === "PasswordException";
    throw isLocked ? new DocumentClosed("locked", { cause }) : cause;
  });
  const last = Math.min(document.numPages, written.limits.maxPages);
  for (let number = 1; number <= last; number++) {
    if (written.isFull) {
      written.leaveOff();
      return;
    }
    const page = await document.getPage(number);
    const { items } = await page.getTextContent();
    written.block(items.map((item) => ("str" in item ? item.str + (item.hasEOL ? "\n" : "") : "")).join(""));
  }
  if (last < document.numPages) written.leaveOff();
}
