import { parentPort, workerData } from "node:worker_threads";
import { getDocumentProxy } from "unpdf";
import { guardEgress } from "../egress/guard.ts";
import type { PdfLimits, PdfOutcome } from "./pdf.ts";

// A document has nobody to talk with.
guardEgress();

/** Reads one document, says what came of it, and ends. */
async function read({ bytes, limits }: { bytes: Uint8Array; limits: PdfLimits }): Promise<PdfOutcome> {
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

const outcome = await read(workerData as { bytes: Uint8Array; limits: PdfLimits }).catch(
  // The error's own words may quote the document.
  (error: unknown): PdfOutcome => ({ kind: "failed", error: error instanceof Error ? error.name : "unknown" }),
);
parentPort?.postMessage(outcome);
