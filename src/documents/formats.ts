import { decodedText } from "./text-encoding.ts";

/**
 * The format of a document, by its first bytes. `zip` is an Office file, an OpenDocument, an EPUB, or another archive:
 * the reader looks inside.
 */
export type DocumentFormat = "pdf" | "zip" | "web_page" | "mail";

/** A format that is never read. */
export type ClosedFormat = "locked" | "old_office";

/** The sender's own description of a file. */
export interface SaidOfFile {
  readonly name: string;
  readonly mimetype?: string;
}

/** The place within which a PDF's signature may stand, as in other readers: some servers put a few lines before it. */
const PDF_BEGINS_WITHIN = 1_024;

/** The bytes in which web pages and mails show their format. */
const LOOKED_AT = 8_000;

/** The format of a document; undefined for plain text and for files that are no documents. */
export function documentFormat(bytes: Uint8Array, said: SaidOfFile): DocumentFormat | undefined {
  const signature = latin1(bytes.subarray(0, PDF_BEGINS_WITHIN));
  if (/^(?:\xef\xbb\xbf)?\s*%PDF-/.test(signature)) return "pdf";
  // The second signature begins an empty archive.
  if (signature.startsWith("PK\x03\x04") || signature.startsWith("PK\x05\x06")) return "zip";
  const words = decodedText(bytes.subarray(0, LOOKED_AT));
  // A text may mention PDFs, for example one about file formats.
  if (signature.includes("%PDF-") && (words === undefined || isCalledPdf(said))) return "pdf";
  const beginning = words ?? "";
  if (isWebPage(beginning, said)) return "web_page";
  return isMail(beginning, said) ? "mail" : undefined;
}

/** Whether the sender calls a file a PDF. */
export function isCalledPdf({ name, mimetype = "" }: SaidOfFile): boolean {
  return /^application\/(?:x-)?pdf\b/.test(mimetype) || /\.pdf$/i.test(name);
}

/**
 * The streams in which Word, Excel and PowerPoint kept their contents, with the zero that ends a name; other programs
 * use the same container.
 */
const OLD_STREAMS = ["WordDocument\0", "Workbook\0", "Book\0", "PowerPoint Document\0"];

/** Office files from before 2007, and the container of present-day locked ones (MS-CFB, MS-OFFCRYPTO). */
export function closedFormat(bytes: Uint8Array): ClosedFormat | undefined {
  const beginning = latin1(bytes.subarray(0, 8));
  if (beginning.startsWith("{\\rtf")) return "old_office";
  if (beginning !== "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") return undefined;
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const holds = (stream: string): boolean => file.includes(Buffer.from(stream, "utf16le"));
  if (holds("EncryptedPackage")) return "locked";
  return OLD_STREAMS.some(holds) ? "old_office" : undefined;
}

/** A file with another name, especially code, is read as plain text. */
function isWebPage(beginning: string, { name, mimetype = "" }: SaidOfFile): boolean {
  const start = beginning.replace(/^(?:\s+|<\?xml[^>]*>|<!--(?:[^-]|-(?!->))*-->)+/, "");
  if (!/^<(?:!doctype html|html|head|body)\b/i.test(start)) {
    return start.startsWith("<") && /\.x?html?$/i.test(name);
  }
  const isSaidSo = /^(?:text\/html|application\/xhtml\+xml)\b/.test(mimetype);
  return isSaidSo || /\.x?html?$/i.test(name) || !/\.\w{1,10}$/.test(name);
}

/** The fields of RFC 5322 that distinguish a mail from other text that begins with words and colons. */
const FIELDS = /^(?:from|date|message-id|received|return-path|mime-version|subject|to):/gim;

function isMail(beginning: string, { name, mimetype = "" }: SaidOfFile): boolean {
  const [header = ""] = beginning.split(/\r?\n\r?\n/, 1);
  if (!/^(?:From .*\r?\n)?[\x21-\x39\x3b-\x7e]+:/.test(header)) return false;
  const isSaidSo = mimetype.startsWith("message/rfc822") || /\.(?:eml|mht|mhtml)$/i.test(name);
  if (isSaidSo) return true;
  const fields = new Set(header.match(FIELDS)?.map((field) => field.toLowerCase()));
  return !/\.\w{1,10}$/.test(name) && fields.size >= 3 && (fields.has("message-id:") || fields.has("received:"));
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
