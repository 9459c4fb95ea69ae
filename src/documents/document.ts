import { runBounded, ProcessEnded } from "./bounded-process.ts";
import type { DocumentFormat } from "./formats.ts";
import { READER_PROGRAM } from "./reader-program.ts";

/** The limits of reading a document. */
export interface ReadingLimits {
  readonly maxPages: number;
  readonly maxCharacters: number;
}

/** The request to the reader. */
export interface ReadingRequest extends ReadingLimits {
  readonly format: DocumentFormat;
}

/** The reader's answer. */
export type DocumentOutcome =
  | { readonly kind: "text"; readonly text: string; readonly isWhole: boolean }
  | { readonly kind: "failed"; readonly why: Unreadability; readonly error: string };

/**
 * The reason for not reading a document: it needs a password, it is of an unsupported kind (a zip of other things), or
 * it is damaged or made to keep its reader busy.
 */
export type Unreadability = (typeof UNREADABILITIES)[number];

const UNREADABILITIES = ["locked", "unknown_kind", "damaged"] as const;

/** The text of a document. */
export interface DocumentText {
  /** Page by page, slide by slide, sheet by sheet; empty when it consists of pictures. */
  readonly text: string;
  /** False when the document has more pages or characters than the limits. */
  readonly isWhole: boolean;
}

/** A document can't be read. The message holds none of its text. */
export class UnreadableDocument extends Error {
  override readonly name = "UnreadableDocument";
  readonly why: Unreadability;

  constructor(why: Unreadability, error: string, options?: ErrorOptions) {
    super(`the document can't be read: ${error}`, options);
    this.why = why;
  }
}

/** The size of a book: few models' windows hold more. */
const LIMITS: ReadingLimits = { maxPages: 300, maxCharacters: 500_000 };

const TIMEOUT_MS = 20_000;

/** The most memory for reading one document, including the reader itself, which takes about 100 MiB. */
const MAX_MEMORY_BYTES = 400 * 1024 * 1024;

/** Each character may take six bytes in JSON. */
const MAX_OUTPUT_BYTES = 6 * LIMITS.maxCharacters + 1_000;

/**
 * Reads the text of a document in a separate process, which is killed when it takes too long or too much memory: two
 * doubly packed kilobytes may unpack to gigabytes, and no limit inside a process prevents that. Nothing in the document
 * is run, and none of its references are fetched. The caller limits how many run at once. Throws {@link
 * UnreadableDocument}, ProcessNotStarted, or the signal's reason.
 */
export async function textOfDocument(
  bytes: Uint8Array,
  format: DocumentFormat,
  { timeoutMs = TIMEOUT_MS, signal }: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
): Promise<DocumentText> {
  const request: ReadingRequest = { ...LIMITS, format };
  const program = { file: READER_PROGRAM.file, args: [...READER_PROGRAM.args, JSON.stringify(request)] };
  const limits = { timeoutMs, maxMemoryBytes: MAX_MEMORY_BYTES, maxOutputBytes: MAX_OUTPUT_BYTES };
  const output = await runBounded(program, bytes, limits, signal).catch((error: unknown) => {
    if (!(error instanceof ProcessEnded)) throw error;
    throw new UnreadableDocument("damaged", error.message, { cause: error });
  });
  const outcome = outcomeIn(output.toString());
  if (outcome.kind === "failed") throw new UnreadableDocument(outcome.why, outcome.error);
  return { text: outcome.text, isWhole: outcome.isWhole };
}

/** The reader's answer. It is checked, because a document may have taken control of the reader. */
function outcomeIn(output: string): DocumentOutcome {
  try {
    const said = JSON.parse(output) as Partial<Record<string, unknown>> | null;
    const { kind, text, isWhole, error, ...more } = said ?? {};
    if (kind === "text" && typeof text === "string" && typeof isWhole === "boolean") {
      return { kind, text: text.slice(0, LIMITS.maxCharacters), isWhole };
    }
    const why = UNREADABILITIES.find((one) => one === more["why"]);
    if (kind === "failed" && typeof error === "string" && why !== undefined) {
      return { kind, why, error: error.slice(0, 100) };
    }
  } catch {
    // The parser's message would quote its input.
  }
  return { kind: "failed", why: "damaged", error: "its reader said something else" };
}
