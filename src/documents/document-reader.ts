// A program: reads one document from standard input, writes the outcome to standard output, and ends.
import { buffer } from "node:stream/consumers";
import { guardEgress } from "../egress/guard.ts";
import type { DocumentOutcome, ReadingRequest } from "./document.ts";
import { DocumentClosed } from "./readers/document-closed.ts";
import { WrittenText } from "./readers/written-text.ts";

// Reading a document needs no connection.
guardEgress();

async function read(bytes: Buffer, { format, ...limits }: ReadingRequest): Promise<DocumentOutcome> {
  const written = new WrittenText(limits);
  // Each reader is loaded only on demand, because every document starts a process.
  switch (format) {
    case "pdf":
      await (await import("./readers/pdf.ts")).readPdf(bytes, written);
      break;
    case "zip":
      await (await import("./readers/package.ts")).readPackage(bytes, written);
      break;
    case "web_page":
      (await import("./readers/web-page.ts")).readWebPage(bytes, written);
      break;
    case "mail":
      await (await import("./readers/mail.ts")).readMail(bytes, written);
  }
  return { kind: "text", ...written.end() };
}

const request = JSON.parse(process.argv.at(-1) ?? "") as ReadingRequest;
const outcome = await buffer(process.stdin)
  .then((bytes) => read(bytes, request))
  // The error's own words may quote the document.
  .catch((error: unknown): DocumentOutcome => {
    const name = error instanceof Error ? error.name : "unknown";
    return { kind: "failed", why: error instanceof DocumentClosed ? error.why : "damaged", error: name };
  });
process.stdout.write(JSON.stringify(outcome));
