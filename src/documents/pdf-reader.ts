// Run as a program: reads one PDF from standard input, says on standard output what came of it, and ends.
import { buffer } from "node:stream/consumers";
import { guardEgress } from "../egress/guard.ts";
import type { PdfLimits, PdfOutcome } from "./pdf.ts";

// A document has nobody to talk with.
guardEgress();
const { getDocumentProxy } = await import("unpdf");

async function read(bytes: Uint8Array, limits: PdfLimits): Promise<PdfOutcome> {
  const document = await getDocumentProxy(bytes, {
    // Nothing of the document is run, drawn or fetched.
    disableFontFace: true,
    useSystemFonts: false,
    disableAutoFetch: true,
    verbosity: 0,
  });
  const pages: string[] = [];
  let length = 0;
  const last = Math.min(document.numPages, limits.maxPages);
  for (let number = 1; number <= last && length < limits.maxCharacters; number++) {
    const page = await document.getPage(number);
    const { items } = await page.getTextContent();
    const text = items.map((item) => ("str" in item ? item.str + (item.hasEOL ? "\n" : "") : "")).join("");
    pages.push(text.trim());
    length += text.length;
  }
  const text = pages.filter((page) => page !== "").join("\n\n");
  const isWhole = pages.length === document.numPages && text.length <= limits.maxCharacters;
  return { kind: "text", text: text.slice(0, limits.maxCharacters).toWellFormed(), isWhole };
}

const limits = JSON.parse(process.argv.at(-1) ?? "") as PdfLimits;
const outcome = await buffer(process.stdin)
  .then((bytes) => read(new Uint8Array(bytes), limits))
  // The error's own words may quote the document.
  .catch((error: unknown): PdfOutcome => ({ kind: "failed", error: error instanceof Error ? error.name : "unknown" }));
process.stdout.write(JSON.stringify(outcome));
