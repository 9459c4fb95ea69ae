import { ProcessNotStarted } from "../documents/bounded-process.ts";
import { textOfDocument, UnreadableDocument } from "../documents/document.ts";
import { isCalledPdf, type DocumentFormat } from "../documents/formats.ts";
import { decodedText } from "../documents/text-encoding.ts";
import { quotedText, type Attachment } from "../matrix/attachments.ts";
import { foreignPicture } from "../providers/pictures.ts";
import { FOREIGN } from "./picture-bytes.ts";
import { UnreadableFile } from "./unreadable-file.ts";

/** The largest plain text file, in bytes. */
const LARGEST_TEXT = 1_000_000;

/** The part that shows whether a too large file is text at all. */
const LOOKED_AT = 8_000;

/** The words of a plain text file. Throws {@link UnreadableFile}. */
export function plainText(bytes: Uint8Array): string {
  const foreign = foreignPicture(bytes);
  // A drawing that came as a general file is read as its source.
  if (foreign !== undefined && foreign !== "svg") throw new UnreadableFile(FOREIGN[foreign]);
  const isTooLarge = bytes.byteLength > LARGEST_TEXT;
  const text = decodedText(isTooLarge ? bytes.subarray(0, LOOKED_AT) : bytes);
  if (text === undefined) throw new UnreadableFile("cant_read");
  if (isTooLarge) throw new UnreadableFile("too_large");
  if (text.trim() === "") throw new UnreadableFile("no_text");
  return text;
}

function shortText(bytes: Uint8Array): string | undefined {
  return bytes.byteLength > LARGEST_TEXT ? undefined : decodedText(bytes);
}

/** The notices for unreadable documents. */
const UNREADABLE_DOCUMENT = { locked: "locked", unknown_kind: "cant_read", damaged: "no_text" } as const;

/** The words of a document as a model gets them. Throws {@link UnreadableFile}, or the signal's reason. */
export async function textIn(
  file: Attachment,
  format: DocumentFormat,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<string> {
  try {
    const { text, isWhole } = await textOfDocument(bytes, format, { signal });
    if (text === "") throw new UnreadableFile("no_text");
    return quotedText(file.name, text) + (isWhole ? "" : "\n\n(The file goes on; the rest was not read.)");
  } catch (cause) {
    if (cause instanceof UnreadableDocument) {
      // It may be a text that only begins like a document.
      const words = format === "pdf" && cause.why === "damaged" && !isCalledPdf(file) ? shortText(bytes) : undefined;
      if (words !== undefined) return quotedText(file.name, words);
      throw new UnreadableFile(UNREADABLE_DOCUMENT[cause.why], { cause });
    }
    if (cause instanceof ProcessNotStarted) throw new UnreadableFile("no_file", { cause, isPassing: true });
    throw cause;
  }
}
