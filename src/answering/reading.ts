import { isHomeserverError } from "../homeserver/errors.ts";
import type { Attachment } from "../matrix/attachments.ts";
import type { FileOutcome } from "../memory/read-files.ts";
import type { RememberedMessage } from "../memory/remembered-message.ts";
import { joined, named, NOT_READ, shown, UNREADABLE, UNREADABLE_NOW } from "./file-mentions.ts";
import { FileReader, type Contents, type FileSource } from "./file-reader.ts";
import { costOf, type Counting, type PromptMessage } from "./prompt.ts";
import { UnreadableFile } from "./unreadable-file.ts";

/** The most pictures of the latest messages shown to a model; each takes hundreds of tokens. */
const MOST_IMAGES = 3;

/** The most files of the latest messages in a prompt. */
const MOST_FILES = 40;

/** The longest recording, by its sender's word, in ms. */
const LONGEST_RECORDING_MS = 3_600_000;

/** The parts that reading needs. */
export interface ReadingOptions extends FileSource, Counting {
  /** Transcribes a recording of the question, permanently. Rejects with {@link UnreadableFile}. */
  readonly transcribe: (message: RememberedMessage, audio: Uint8Array) => Promise<string>;
  /** The earlier reading of a message's file. */
  readonly find: (message: RememberedMessage) => Promise<FileOutcome | undefined>;
  /** The message that the question replies to: the question is also about its file. */
  readonly repliedTo?: string | undefined;
  /** The most tokens of the messages. */
  readonly budgetTokens: number;
}

/**
 * The latest messages with their files' contents, oldest first, as many as fit into a prompt: older files are not
 * fetched, and older messages not returned. If the question's own file (the last message) can't be read, it throws
 * {@link UnreadableFile}. An earlier unreadable file is only named, and delays the question by at most {@link
 * FileSource.patienceMs}.
 */
export async function readFiles(
  messages: readonly RememberedMessage[],
  options: ReadingOptions,
): Promise<readonly PromptMessage[]> {
  const reader = new MessageReader(options);
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
class MessageReader {
  readonly #options: ReadingOptions;
  readonly #reader: FileReader;
  #files = 0;
  #images = 0;

  constructor(options: ReadingOptions) {
    this.#options = options;
    this.#reader = new FileReader(options);
  }

  /** The question with its file. Rejects with {@link UnreadableFile}. */
  async question(message: RememberedMessage): Promise<PromptMessage> {
    const { attachment } = message;
    if (attachment === undefined) return message;
    this.#files++;
    const known = await this.#options.find(message);
    // A person asks about it now, so a file that did not come before is tried again.
    const isToBeRead = known === undefined || (known.kind === "unreadable" && known.isPassing);
    return isToBeRead ? this.#read(message, attachment, this.#options.signal) : shown(message, known);
  }

  /** The message that the question replies to, with its file. The model is told when the file can't be read. */
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

  /** An earlier message with its file, or with the file's name where it can't be read now. */
  async earlier(message: RememberedMessage): Promise<PromptMessage> {
    const { attachment } = message;
    if (attachment === undefined) return message;
    const { kind } = attachment;
    // After a question about a recording, its words stand in its place.
    if (kind === "other" || kind === "audio") return named(message, UNREADABLE);
    const isTooMany = ++this.#files > MOST_FILES || (kind === "image" && this.#images >= MOST_IMAGES);
    if (isTooMany) return named(message, NOT_READ);
    const { signal } = this.#options;
    try {
      const known = await this.#options.find(message);
      if (known !== undefined) return shown(message, known);
      const { patience } = this.#reader;
      if (patience.aborted || !this.#reader.mayFetch(attachment.size)) return named(message, NOT_READ);
      return await this.#read(message, attachment, AbortSignal.any([signal, patience]));
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof UnreadableFile) return named(message, UNREADABLE);
      if (this.#reader.isOutOfPatience(error)) return named(message, NOT_READ);
      // An old file never keeps a question from its answer.
      if (isHomeserverError(error)) return named(message, NOT_READ);
      throw error;
    }
  }

  async #read(message: RememberedMessage, attachment: Attachment, signal: AbortSignal): Promise<PromptMessage> {
    const { kind, name, durationMs = 0 } = attachment;
    if (kind === "other") throw new UnreadableFile("cant_read");
    if (kind === "audio") {
      if (durationMs > LONGEST_RECORDING_MS) throw new UnreadableFile("too_large");
      const recorded = await this.#reader.recording(message, attachment, signal);
      const words = recorded.kind === "text" ? recorded.text : await this.#options.transcribe(message, recorded.bytes);
      return joined(message, words);
    }
    if (kind === "image") await this.#reader.mustSee();
    const seen = this.#options.pictures.get(message.eventId);
    const contents: Contents =
      seen === undefined ? await this.#reader.contents(message, attachment, signal) : { kind: "picture", bytes: seen };
    if (contents.kind === "text") return joined(message, contents.text);
    // Only now it is known that the file is a picture, and another model may have been asked before.
    await this.#reader.mustSee();
    if (this.#images >= MOST_IMAGES) return named(message, NOT_READ);
    this.#images++;
    return { ...joined(message, `(a picture: “${name}”)`), images: [contents.bytes] };
  }
}
