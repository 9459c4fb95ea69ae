import { ProcessNotStarted } from "../documents/bounded-process.ts";
import { textOfDocument, UnreadableDocument } from "../documents/document.ts";
import { closedFormat, documentFormat, isCalledPdf, type DocumentFormat } from "../documents/formats.ts";
import { decodedText } from "../documents/text-encoding.ts";
import { isHomeserverError } from "../homeserver/errors.ts";
import { FairQueue } from "../concurrency/fair-queue.ts";
import { foreignPicture, pictureExtent, pictureType } from "../providers/pictures.ts";
import { recordingEnding } from "../providers/recordings.ts";
import { quotedText, type Attachment } from "../matrix/attachments.ts";
import type { RememberedMessage } from "../memory/remembered-message.ts";
import { costOf, type Counting, type PromptMessage } from "./prompt.ts";
import type { FileOutcome, Unreadable } from "../memory/read-files.ts";
import { UnreadableFile } from "./unreadable-file.ts";

/** The largest file that is read, and the largest that is text as it is, in bytes. */
const LARGEST = 20_000_000;
const LARGEST_TEXT = 1_000_000;

/** So much tells whether what is too large is text at all. */
const LOOKED_AT = 8_000;

/** So many pictures of the latest ones are shown to a model; each takes hundreds of tokens. */
const MOST_IMAGES = 3;

/** So many of the latest files are in a prompt, and so many bytes are fetched for it. */
const MOST_FILES = 40;
const MOST_BYTES = 40_000_000;

/** What a picture may become where it is drawn, over all its frames: 400 MB, a photo of today's largest sensors. */
const MOST_PIXELS = 100_000_000;
const MOST_FRAMES = 1_000;

/** The longest recording, by its sender's word, in ms. */
const LONGEST_RECORDING_MS = 3_600_000;

/** How long a question waits for the files of earlier messages in all; what is not there by then is left out. */
const PATIENCE_MS = 10_000;

/** So many files are fetched or read in the process at once, and so many documents in processes of their own. */
const FILES_AT_ONCE = 4;
const DOCUMENTS_AT_ONCE = 2;

/**
 * Where files are read: so many at once in the process, and of one person one after the other, so that whose files are slow
 * waits alone.
 */
export class ReadingRoom {
  readonly files = new FairQueue(FILES_AT_ONCE, { each: 1 });
  readonly documents = new FairQueue(DOCUMENTS_AT_ONCE, { each: 1 });
}

/** What reading needs. */
export interface ReadingOptions extends Counting {
  readonly room: ReadingRoom;
  readonly canSee: () => Promise<boolean>;
  /** The file's contents. Rejects with {@link UnreadableFile}, with a HomeserverError, or with the signal's reason. */
  readonly download: (attachment: Attachment, maxBytes: number, signal: AbortSignal) => Promise<Uint8Array>;
  /** Writes a recording of the question down, for good. Rejects with {@link UnreadableFile}. */
  readonly transcribe: (message: RememberedMessage, audio: Uint8Array) => Promise<string>;
  /** What came of reading the file of a message before. */
  readonly find: (message: RememberedMessage) => Promise<FileOutcome | undefined>;
  readonly keep: (message: RememberedMessage, outcome: FileOutcome) => Promise<void>;
  /** Pictures that this question has fetched already, by the messages' events: nothing else keeps them. */
  readonly pictures: Map<string, Uint8Array>;
  /** What the question replies to: its file is asked about as well. */
  readonly repliedTo?: string | undefined;
  /** What the messages may take at the most, in tokens. */
  readonly budgetTokens: number;
  /** Nobody waits for the answer any more: what is fetched and read is ended. */
  readonly signal: AbortSignal;
  /** @see PATIENCE_MS; for tests. */
  readonly patienceMs?: number;
}

/** Why a file can't be read, whoever reads it with whatever model. */
const LASTING: ReadonlySet<Unreadable> = new Set([
  ...["cant_read", "no_text", "locked", "old_office", "heic", "svg", "foreign_picture", "mislabelled"],
  ...["too_large", "no_file"],
] as const);

/** What a file turns out to be. */
type Contents = Words | { readonly kind: "picture"; readonly bytes: Uint8Array };
type Recorded = Words | { readonly kind: "recording"; readonly bytes: Uint8Array };

interface Words {
  readonly kind: "text";
  readonly text: string;
}

/**
 * The latest messages with what their files hold, oldest first, as many as a prompt has place for: what is older is neither
 * fetched nor returned. Of the question's own file (the last message) it is said when it can't be read, by an
 * {@link UnreadableFile}; an earlier one is named only, and holds the question up for {@link PATIENCE_MS} at the most.
 */
export async function readFiles(
  messages: readonly RememberedMessage[],
  options: ReadingOptions,
): Promise<readonly PromptMessage[]> {
  const reader = new Reader(options);
  const read: PromptMessage[] = [];
  let left = options.budgetTokens;
  for (const message of messages.toReversed()) {
    const whole =
      read.length === 0
        ? await reader.question(message)
        : message.eventId === options.repliedTo
          ? await reader.repliedTo(message)
          : await reader.earlier(message);
    read.push(whole);
    left -= costOf(whole, options);
    if (left <= 0) break;
  }
  return read.reverse();
}

/** Reads the files of one prompt, the latest first. */
class Reader {
  readonly #options: ReadingOptions;
  #files = 0;
  #images = 0;
  #bytesLeft = MOST_BYTES;
  #patience: AbortSignal | undefined;
  #sees: Promise<boolean> | undefined;

  constructor(options: ReadingOptions) {
    this.#options = options;
  }

  /** The question with its file. Rejects with {@link UnreadableFile}. */
  async question(message: RememberedMessage): Promise<PromptMessage> {
    const { attachment } = message;
    if (attachment === undefined) return message;
    this.#files++;
    const known = await this.#options.find(message);
    // Somebody asks for it now: what did not come before may be there.
    const isToBeRead = known === undefined || (known.kind === "unreadable" && known.isPassing);
    return isToBeRead ? this.#read(message, attachment, this.#options.signal) : shown(message, known);
  }

  /** What the question replies to, with its file; where that can't be read, the model is told so. */
  async repliedTo(message: RememberedMessage): Promise<PromptMessage> {
    try {
      return await this.question(message);
    } catch (error) {
      this.#options.signal.throwIfAborted();
      if (error instanceof UnreadableFile) return named(message, UNREADABLE_NOW);
      if (isHomeserverError(error)) return named(message, NOT_READ);
      throw error;
    }
  }

  /** An earlier message with its file, or with its name where it can't be read, or not now. */
  async earlier(message: RememberedMessage): Promise<PromptMessage> {
    const { attachment } = message;
    if (attachment === undefined) return message;
    const { kind } = attachment;
    // Once a recording was asked about, its words stand in its place.
    if (kind === "other" || kind === "audio") return named(message, UNREADABLE);
    const isTooMany = ++this.#files > MOST_FILES || (kind === "image" && this.#images >= MOST_IMAGES);
    if (isTooMany) return named(message, NOT_READ);
    const { signal, patienceMs = PATIENCE_MS } = this.#options;
    try {
      const known = await this.#options.find(message);
      if (known !== undefined) return shown(message, known);
      this.#patience ??= AbortSignal.timeout(patienceMs);
      if (this.#patience.aborted || Math.min(attachment.size ?? LARGEST, LARGEST) > this.#bytesLeft)
        return named(message, NOT_READ);
      return await this.#read(message, attachment, AbortSignal.any([signal, this.#patience]));
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof UnreadableFile) return named(message, UNREADABLE);
      if (this.#patience?.aborted === true && error === this.#patience.reason) return named(message, NOT_READ);
      // No old file keeps a question from its answer.
      if (isHomeserverError(error)) return named(message, NOT_READ);
      throw error;
    }
  }

  async #read(message: RememberedMessage, attachment: Attachment, signal: AbortSignal): Promise<PromptMessage> {
    const { kind, name, durationMs = 0 } = attachment;
    if (kind === "other") throw new UnreadableFile("cant_read");
    if (kind === "audio") {
      if (durationMs > LONGEST_RECORDING_MS) throw new UnreadableFile("too_large");
      const recorded = await this.#recording(message, attachment, signal);
      const words = recorded.kind === "text" ? recorded.text : await this.#options.transcribe(message, recorded.bytes);
      return joined(message, words);
    }
    if (kind === "image") await this.#mustSee();
    const seen = this.#options.pictures.get(message.eventId);
    const contents: Contents =
      seen === undefined ? await this.#contents(message, attachment, signal) : { kind: "picture", bytes: seen };
    if (contents.kind === "text") return joined(message, contents.text);
    // Those that came as any file are known only now, and another model may have been asked before.
    await this.#mustSee();
    if (this.#images >= MOST_IMAGES) return named(message, NOT_READ);
    this.#images++;
    return { ...joined(message, `(a picture: “${name}”)`), images: [contents.bytes] };
  }

  async #mustSee(options: { readonly isPassing?: boolean } = {}): Promise<void> {
    if (!(await (this.#sees ??= this.#options.canSee()))) throw new UnreadableFile("cant_see", options);
  }

  /** A recording, or the words of what systems only call one: a playlist. */
  #recording(message: RememberedMessage, file: Attachment, signal: AbortSignal): Promise<Recorded> {
    return this.#made<Recorded>(message, file, signal, (bytes) =>
      recordingEnding(bytes) === undefined
        ? this.#wordsInstead(message, file, bytes, signal)
        : { kind: "recording", bytes },
    );
  }

  /** A picture, which is shown, or words, which are remembered. */
  #contents(message: RememberedMessage, file: Attachment, signal: AbortSignal): Promise<Contents> {
    return this.#made(message, file, signal, async (bytes) => {
      const isPicture = pictureType(bytes) !== undefined;
      if (file.kind === "image" && !isPicture && foreignPicture(bytes) === undefined) {
        return this.#wordsInstead(message, file, bytes, signal);
      }
      if (file.kind === "image" || isPicture) {
        // It was fetched for nothing, and is not fetched again for every question.
        await this.#mustSee({ isPassing: true });
        this.#options.pictures.set(message.eventId, pictureIn(bytes));
        return { kind: "picture", bytes };
      }
      return this.#words(message, file, bytes, signal);
    });
  }

  async #words(message: RememberedMessage, file: Attachment, bytes: Uint8Array, signal: AbortSignal): Promise<Words> {
    const text = await this.#text(message, file, bytes, signal);
    await this.#options.keep(message, { kind: "text", text });
    return { kind: "text", text };
  }

  /** The words of what came as a picture or a recording and is neither. */
  async #wordsInstead(
    message: RememberedMessage,
    file: Attachment,
    bytes: Uint8Array,
    signal: AbortSignal,
  ): Promise<Words> {
    const isPicture = pictureType(bytes) !== undefined || foreignPicture(bytes) !== undefined;
    // A page in the place of a picture tells of an error, as where one was to be saved.
    if (isPicture || documentFormat(bytes, { name: "" }) === "web_page") throw new UnreadableFile("mislabelled");
    return this.#words(message, file, bytes, signal).catch((error: unknown) => {
      const isNone = error instanceof UnreadableFile && (error.why === "cant_read" || error.why === "no_text");
      throw isNone ? new UnreadableFile("mislabelled", { cause: error }) : error;
    });
  }

  /** The words of a text or a document. */
  async #text(message: RememberedMessage, file: Attachment, bytes: Uint8Array, signal: AbortSignal): Promise<string> {
    const { documents } = this.#options.room;
    const closed = closedFormat(bytes);
    if (closed !== undefined) throw new UnreadableFile(closed);
    const format = documentFormat(bytes, file);
    return format === undefined
      ? quotedText(file.name, plainText(bytes))
      : documents.run(message.sender, signal, () => textIn(file, format, bytes, signal));
  }

  /** What is made of a file's contents. That it can't be read is remembered. */
  #made<T>(
    message: RememberedMessage,
    file: Attachment,
    signal: AbortSignal,
    make: (bytes: Uint8Array) => T | Promise<T>,
  ): Promise<T> {
    const { room, keep } = this.#options;
    return room.files.run(message.sender, signal, async () => {
      try {
        return await make(await this.#fetched(file, signal));
      } catch (error) {
        const failure = this.#lasting(error);
        if (failure !== undefined) await keep(message, failure);
        throw error;
      }
    });
  }

  /** However large it is said to be: nobody knows before it is fetched. */
  async #fetched(file: Attachment, signal: AbortSignal): Promise<Uint8Array> {
    // One that breaks off may have been almost all of it.
    this.#bytesLeft -= LARGEST;
    const bytes = await this.#options.download(file, LARGEST, signal);
    this.#bytesLeft += LARGEST - bytes.byteLength;
    return bytes;
  }

  /** What is to be remembered of a failure; undefined when it says nothing of the file. */
  #lasting(error: unknown): FileOutcome | undefined {
    if (this.#options.signal.aborted) return undefined;
    // It keeps others waiting, and is left alone for a while.
    if (this.#patience?.aborted === true) return { kind: "unreadable", why: "no_file", isPassing: true };
    if (!(error instanceof UnreadableFile) || !(error.isPassing || LASTING.has(error.why))) return undefined;
    return { kind: "unreadable", why: error.why, isPassing: error.isPassing };
  }
}

/** The picture, if it is one to look at. Throws {@link UnreadableFile}. */
function pictureIn(bytes: Uint8Array): Uint8Array {
  const extent = pictureExtent(bytes);
  if (extent === undefined) throw new UnreadableFile(FOREIGN[foreignPicture(bytes) ?? "none"]);
  const { w, h, frames } = extent;
  if (w * h * frames > MOST_PIXELS || frames > MOST_FRAMES) throw new UnreadableFile("too_large");
  return bytes;
}

/** What is said of a picture that no model looks at. */
const FOREIGN = { heic: "heic", svg: "svg", other: "foreign_picture", none: "mislabelled" } as const;

/** The words of a file that is text as it is. Throws {@link UnreadableFile}. */
function plainText(bytes: Uint8Array): string {
  const foreign = foreignPicture(bytes);
  // A drawing that came as any file is its source.
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

/** Why a document is not read, in the words that are said of it. */
const UNREADABLE_DOCUMENT = { locked: "locked", unknown_kind: "cant_read", damaged: "no_text" } as const;

/** The words of a document, as a model is shown them. Throws {@link UnreadableFile}, or the signal's reason. */
async function textIn(
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
      // It may be a text that only begins like one.
      const words = format === "pdf" && cause.why === "damaged" && !isCalledPdf(file) ? shortText(bytes) : undefined;
      if (words !== undefined) return quotedText(file.name, words);
      throw new UnreadableFile(UNREADABLE_DOCUMENT[cause.why], { cause });
    }
    if (cause instanceof ProcessNotStarted) throw new UnreadableFile("no_file", { cause, isPassing: true });
    throw cause;
  }
}

/** What stands for a file that is not in a prompt. */
const UNREADABLE = "a file that can't be read any more";
const UNREADABLE_NOW = "a file that you can't read, see or hear";
const NOT_READ = "a file that was not read this time";

function named(message: RememberedMessage, what: string): PromptMessage {
  return joined(message, `(${what}: “${message.attachment?.name ?? ""}”)`);
}

/** A message with what was read before. Throws {@link UnreadableFile}. */
function shown(message: RememberedMessage, outcome: FileOutcome): PromptMessage {
  if (outcome.kind === "unreadable") throw new UnreadableFile(outcome.why, { isPassing: outcome.isPassing });
  return joined(message, outcome.text);
}

function joined(message: RememberedMessage, more: string): PromptMessage {
  return { ...message, body: message.body === "" ? more : `${message.body}\n\n${more}` };
}
