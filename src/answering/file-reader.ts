import { closedFormat, documentFormat } from "../documents/formats.ts";
import type { FileFailure } from "../language/failures.ts";
import { quotedText, type Attachment } from "../matrix/attachments.ts";
import type { FileOutcome } from "../memory/read-files.ts";
import type { RememberedMessage } from "../memory/remembered-message.ts";
import { foreignPicture, pictureType } from "../providers/pictures.ts";
import { recordingEnding } from "../providers/recordings.ts";
import { plainText, textIn } from "./file-words.ts";
import { pictureIn } from "./picture-bytes.ts";
import type { ReadingRoom } from "./reading-room.ts";
import { UnreadableFile } from "./unreadable-file.ts";

/** The largest file that is read, in bytes. */
const LARGEST = 20_000_000;

/** The most bytes fetched for a prompt. */
const MOST_BYTES = 40_000_000;

/**
 * The total time that a question waits for the files of earlier messages, in ms; files that come later are left out.
 */
const PATIENCE_MS = 10_000;

/** The source of a prompt's files, and the store of their contents. */
export interface FileSource {
  readonly room: ReadingRoom;
  readonly canSee: () => Promise<boolean>;
  /**
   * Returns the file's contents. Rejects with {@link UnreadableFile}, with a HomeserverError, or with the signal's
   * reason.
   */
  readonly download: (attachment: Attachment, maxBytes: number, signal: AbortSignal) => Promise<Uint8Array>;
  readonly keep: (message: RememberedMessage, outcome: FileOutcome) => Promise<void>;
  /** Pictures already fetched for this question, by the messages' events: nothing else keeps them. */
  readonly pictures: Map<string, Uint8Array>;
  /** Aborted when the answer is no longer needed: fetching and reading then stop. */
  readonly signal: AbortSignal;
  /** The time that a question waits for the files of earlier messages, in ms; by default {@link PATIENCE_MS}. */
  readonly patienceMs?: number;
}

/** The failures that are the same for every reader and model. */
const LASTING: ReadonlySet<FileFailure> = new Set([
  ...["cant_read", "no_text", "locked", "old_office", "heic", "svg", "foreign_picture", "mislabelled"],
  ...["too_large", "no_file"],
] as const);

/** The contents of a file. */
export type Contents = Words | { readonly kind: "picture"; readonly bytes: Uint8Array };
export type Recorded = Words | { readonly kind: "recording"; readonly bytes: Uint8Array };

interface Words {
  readonly kind: "text";
  readonly text: string;
}

/** Fetches and reads the files of one prompt, within limits of bytes and time. */
export class FileReader {
  readonly #source: FileSource;
  #bytesLeft = MOST_BYTES;
  #patience: AbortSignal | undefined;
  #sees: Promise<boolean> | undefined;

  constructor(source: FileSource) {
    this.#source = source;
  }

  /** Aborted when the question stops waiting for files of earlier messages. The time begins with the first call. */
  get patience(): AbortSignal {
    this.#patience ??= AbortSignal.timeout(this.#source.patienceMs ?? PATIENCE_MS);
    return this.#patience;
  }

  /** Whether an error means that the question stopped waiting for files of earlier messages. */
  isOutOfPatience(error: unknown): boolean {
    return this.#patience?.aborted === true && error === this.#patience.reason;
  }

  /** Whether a file of this size (by its sender's word, in bytes) may still be fetched for the prompt. */
  mayFetch(size = LARGEST): boolean {
    return Math.min(size, LARGEST) <= this.#bytesLeft;
  }

  /** Throws {@link UnreadableFile} where the model accepts no pictures. */
  async mustSee(options: { readonly isPassing?: boolean } = {}): Promise<void> {
    this.#sees ??= this.#source.canSee();
    if (!(await this.#sees)) throw new UnreadableFile("cant_see", options);
  }

  /** A recording, or the words of a file that systems mistake for one: a playlist. */
  recording(message: RememberedMessage, file: Attachment, signal: AbortSignal): Promise<Recorded> {
    return this.#made<Recorded>(message, file, signal, (bytes) =>
      recordingEnding(bytes) === undefined
        ? this.#wordsInstead(message, file, bytes, signal)
        : { kind: "recording", bytes },
    );
  }

  /** A picture, which is shown, or words, which are remembered. */
  contents(message: RememberedMessage, file: Attachment, signal: AbortSignal): Promise<Contents> {
    return this.#made(message, file, signal, async (bytes) => {
      const isPicture = pictureType(bytes) !== undefined;
      if (file.kind === "image" && !isPicture && foreignPicture(bytes) === undefined) {
        return this.#wordsInstead(message, file, bytes, signal);
      }
      if (file.kind === "image" || isPicture) {
        // The file was fetched in vain, and must not be fetched again for every question.
        await this.mustSee({ isPassing: true });
        this.#source.pictures.set(message.eventId, pictureIn(bytes));
        return { kind: "picture", bytes };
      }
      return this.#words(message, file, bytes, signal);
    });
  }

  async #words(message: RememberedMessage, file: Attachment, bytes: Uint8Array, signal: AbortSignal): Promise<Words> {
    const text = await this.#text(message, file, bytes, signal);
    await this.#source.keep(message, { kind: "text", text });
    return { kind: "text", text };
  }

  /** The words of a file that came as a picture or a recording and is neither. */
  async #wordsInstead(
    message: RememberedMessage,
    file: Attachment,
    bytes: Uint8Array,
    signal: AbortSignal,
  ): Promise<Words> {
    const isPicture = pictureType(bytes) !== undefined || foreignPicture(bytes) !== undefined;
    // A web page in place of a picture is an error page, for example from a failed download.
    if (isPicture || documentFormat(bytes, { name: "" }) === "web_page") throw new UnreadableFile("mislabelled");
    return this.#words(message, file, bytes, signal).catch((error: unknown) => {
      const isNone = error instanceof UnreadableFile && (error.why === "cant_read" || error.why === "no_text");
      throw isNone ? new UnreadableFile("mislabelled", { cause: error }) : error;
    });
  }

  /** The words of a text or a document. */
  async #text(message: RememberedMessage, file: Attachment, bytes: Uint8Array, signal: AbortSignal): Promise<string> {
    const { documents } = this.#source.room;
    const closed = closedFormat(bytes);
    if (closed !== undefined) throw new UnreadableFile(closed);
    const format = documentFormat(bytes, file);
    return format === undefined
      ? quotedText(file.name, plainText(bytes))
      : documents.run(message.sender, signal, () => textIn(file, format, bytes, signal));
  }

  /** Processes a file's contents, and remembers when the file can't be read. */
  #made<T>(
    message: RememberedMessage,
    file: Attachment,
    signal: AbortSignal,
    make: (bytes: Uint8Array) => T | Promise<T>,
  ): Promise<T> {
    const { room, keep } = this.#source;
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

  /** Ignores the stated size, because the real one is known only after the fetch. */
  async #fetched(file: Attachment, signal: AbortSignal): Promise<Uint8Array> {
    // A fetch that broke off may have read almost everything.
    this.#bytesLeft -= LARGEST;
    const bytes = await this.#source.download(file, LARGEST, signal);
    this.#bytesLeft += LARGEST - bytes.byteLength;
    return bytes;
  }

  /** The part of a failure to remember; undefined when it says nothing about the file. */
  #lasting(error: unknown): FileOutcome | undefined {
    if (this.#source.signal.aborted) return undefined;
    // The file delays others, so it is left alone for a while.
    if (this.#patience?.aborted === true) return { kind: "unreadable", why: "no_file", isPassing: true };
    if (!(error instanceof UnreadableFile) || !(error.isPassing || LASTING.has(error.why))) return undefined;
    return { kind: "unreadable", why: error.why, isPassing: error.isPassing };
  }
}
