import { runBounded, ProcessEnded } from "./bounded-process.ts";
import type { DocumentFormat } from "./formats.ts";
import { READER_PROGRAM } from "./reader-program.ts";

/** How much of a document is read. */
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
 * Why a document is not read: a password is needed, it is of a kind that is not read (a zip of other things), or it is damaged or
 * made to keep its reader busy.
 */
export type Unreadability = (typeof UNREADABILITIES)[number];

const UNREADABILITIES = ["locked", "unknown_kind", "damaged"] as const;

/** The text of a document. */
export interface DocumentText {
  /** Page after page, slide after slide, sheet after sheet; empty when it is made of pictures. */
  readonly text: string;
  /** False when there are more pages or characters than are read. */
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

/** So much memory may reading one document take, the reader itself included, which is some 100 MiB. */
const MAX_MEMORY_BYTES = 400 * 1024 * 1024;

/** All characters may take six bytes in JSON. */
const MAX_OUTPUT_BYTES = 6 * LIMITS.maxCharacters + 1_000;

/**
 * Reads the text of a document in a process of its own, which is killed when it takes too long or too much memory: two
 * kilobytes that are packed twice may unpack to gigabytes, and no limit inside a process holds that back. Nothing in
 * the document is run, and nothing that it refers to is fetched. The caller decides how many are read at once. Throws
 * {@link UnreadableDocument}, ProcessNotStarted, or the signal's reason.
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

/** The reader's answer. It is checked, because a document may have taken the reader over. */
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
    // The parser's message quotes what it read.
  }
  return { kind: "failed", why: "damaged", error: "its reader said something else" };
}
