import PostalMime, { type Address } from "postal-mime";
import { decodedText } from "../text-encoding.ts";
import { textOfHtml } from "./web-page.ts";
import type { WrittenText } from "./written-text.ts";

/** The most receivers of a mail, and the most attachments, that are named. */
const MOST_NAMED = 50;

/** A text part this many times shorter than the page beside it says something else. */
const SHORTER = 4;

/** In characters. */
const LONGEST_HEADER = 5_000;

/** Reads the sender, the receivers, the date and the text of a mail, and names its attachments. */
export async function readMail(bytes: Uint8Array, written: WrittenText): Promise<void> {
  const mail = await PostalMime.parse(unmarked(bytes), { maxNestingDepth: 20, maxHeadersSize: 1_000_000 });
  const header = (name: string, value: string | undefined): void => {
    const words = (value ?? "").slice(0, LONGEST_HEADER).replace(/\s+/g, " ").trim();
    if (words !== "") written.line(`${name}: ${words}`);
  };
  header("From", mail.from && addressed([mail.from]));
  header("To", addressed(mail.to ?? []));
  header("Cc", addressed(mail.cc ?? []));
  header("Date", mail.date);
  header("Subject", mail.subject);
  const { text = "", html = "" } = mail;
  written.block(isStandIn(text, html) ? textOfHtml(html, "mail") : text);
  const names = mail.attachments.map(({ filename, mimeType }) => `${filename ?? "unnamed"} (${mimeType})`);
  if (names.length > 0) written.block(`Attachments, not read: ${named(names)}`);
}

/** Whether the text part only says that there is another part, as in many mails. */
function isStandIn(text: string, html: string): boolean {
  const isShort = (other: string): boolean => lengthOf(text) * SHORTER < lengthOf(other);
  // A page has no more words than characters.
  return html !== "" && (lengthOf(text) === 0 || (isShort(html) && isShort(textOfHtml(html))));
}

function lengthOf(text: string): number {
  return text.replace(/\s+/g, "").length;
}

/** The bytes of a mail without a byte order mark, which would join its first header's name. */
function unmarked(bytes: Uint8Array): Uint8Array {
  const [first, second, third] = bytes;
  if (first === 0xef && second === 0xbb && third === 0xbf) return bytes.subarray(3);
  const isUtf16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  return isUtf16 ? Buffer.from(decodedText(bytes) ?? "") : bytes;
}

function addressed(all: readonly Address[]): string {
  const people = all.flatMap((one) => one.group ?? [one]);
  return named(people.map(({ name, address }) => (name === "" ? address : `${name} <${address}>`)));
}

function named(names: readonly string[]): string {
  const more = names.length - MOST_NAMED;
  return names.slice(0, MOST_NAMED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
