import { extname } from "node:path";
import { Worker } from "node:worker_threads";

/** How much of a document is read. */
export interface PdfLimits {
  readonly maxPages: number;
  readonly maxCharacters: number;
}

/** What the worker says. */
export type PdfOutcome =
  | { readonly kind: "text"; readonly text: string; readonly isWhole: boolean }
  | { readonly kind: "failed"; readonly error: string };

/** The text of a document. */
export interface PdfText {
  /** Page after page; empty when it is made of pictures. */
  readonly text: string;
  /** False when there are more pages or characters than are read. */
  readonly isWhole: boolean;
}

/** A document can't be read: it is locked, damaged, or made to keep its reader busy. The message holds none of its text. */
export class UnreadablePdf extends Error {
  override readonly name = "UnreadablePdf";
}

/** A book; what is beyond fits into few models' windows anyhow. */
const LIMITS: PdfLimits = { maxPages: 300, maxCharacters: 500_000 };

const TIMEOUT_MS = 20_000;

/** So much memory may one document take, in MiB. */
const MAX_MEMORY_MB = 256;

/** One after the other: documents come from anybody. */
let queue: Promise<unknown> = Promise.resolve();

/**
 * Reads the text of a PDF, in a thread of its own that is ended when it takes too long or too much memory. Nothing in the
 * document is run, and nothing that it refers to is fetched. Throws {@link UnreadablePdf}.
 */
export function textOfPdf(bytes: Uint8Array, { timeoutMs = TIMEOUT_MS } = {}): Promise<PdfText> {
  const read = queue.then(() => readInWorker(bytes, timeoutMs));
  queue = read.catch(() => undefined);
  return read;
}

async function readInWorker(bytes: Uint8Array, timeoutMs: number): Promise<PdfText> {
  // Built, it is JavaScript like this file.
  const worker = new Worker(new URL(`./pdf-worker${extname(import.meta.url)}`, import.meta.url), {
    workerData: { bytes, limits: LIMITS },
    resourceLimits: { maxOldGenerationSizeMb: MAX_MEMORY_MB },
    env: {},
    stdout: true,
    stderr: true,
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    const outcome = await new Promise<PdfOutcome>((resolve, reject) => {
      timer = setTimeout(() => reject(new UnreadablePdf("the document takes too long to read")), timeoutMs);
      worker.once("message", resolve);
      worker.once("error", (error: Error) => reject(new UnreadablePdf(`the reader ended: ${error.name}`)));
      worker.once("exit", () => reject(new UnreadablePdf("the reader ended without a word")));
    });
    if (outcome.kind === "failed") throw new UnreadablePdf(`the document can't be read: ${outcome.error}`);
    return { text: outcome.text, isWhole: outcome.isWhole };
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}
