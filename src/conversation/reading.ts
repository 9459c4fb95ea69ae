import { textOfPdf, UnreadablePdf } from "../documents/pdf.ts";
import { quotedText, textOfFile, type Attachment, type AttachmentKind } from "./attachments.ts";
import type { RememberedMessage } from "./history.ts";

/** Why a file that a question came with can't be read. Each has words in notices.ts. */
export type Unreadable = "cant_see" | "cant_hear" | "cant_read" | "no_text" | "too_large" | "no_file";

/** The largest file of each kind that is read, in bytes. */
const LARGEST: Readonly<Record<Exclude<AttachmentKind, "other">, number>> = {
  text: 1_000_000,
  pdf: 20_000_000,
  image: 20_000_000,
  audio: 20_000_000,
};

/** So many pictures of the latest ones are shown to a model; each takes hundreds of tokens. */
const MOST_IMAGES = 3;

/** A message with what its file holds. */
export interface ReadMessage extends RememberedMessage {
  readonly images?: readonly Uint8Array[];
}

/** What reading needs. */
export interface ReadingOptions {
  readonly canSee: () => Promise<boolean>;
  /** The file's contents. Rejects with {@link UnreadableFile}, or as it is when the same may work later. */
  readonly download: (attachment: Attachment, maxBytes: number) => Promise<Uint8Array>;
  /** Writes a recording of the question down, for good. Rejects with {@link UnreadableFile}. */
  readonly transcribe: (message: RememberedMessage, attachment: Attachment, audio: Uint8Array) => Promise<string>;
}

/** A file can't be read; `name` of the file is for people to see. */
export class UnreadableFile extends Error {
  override readonly name = "UnreadableFile";
  readonly why: Unreadable;

  constructor(why: Unreadable, options?: ErrorOptions) {
    super(`a file can't be read: ${why}`, options);
    this.why = why;
  }
}

/**
 * The messages of a prompt with what their files hold. Of the question's own file (the last message) it is said when it
 * can't be read, by an {@link UnreadableFile}; an earlier one is named only.
 */
export async function readFiles(
  messages: readonly RememberedMessage[],
  options: ReadingOptions,
): Promise<readonly ReadMessage[]> {
  const read: ReadMessage[] = [];
  let images = 0;
  for (const [index, message] of [...messages.entries()].reverse()) {
    const { attachment } = message;
    if (attachment === undefined) {
      read.unshift(message);
      continue;
    }
    const isQuestion = index === messages.length - 1;
    const isTooMany = attachment.kind === "image" && images >= MOST_IMAGES;
    try {
      read.unshift(isTooMany ? named(message, attachment) : await withFile(message, attachment, isQuestion, options));
      if (attachment.kind === "image") images++;
    } catch (error) {
      if (isQuestion || !(error instanceof UnreadableFile)) throw error;
      read.unshift(named(message, attachment));
    }
  }
  return read;
}

async function withFile(
  message: RememberedMessage,
  attachment: Attachment,
  isQuestion: boolean,
  { canSee, download, transcribe }: ReadingOptions,
): Promise<ReadMessage> {
  const { kind, name, size = 0 } = attachment;
  if (kind === "other") throw new UnreadableFile("cant_read");
  if (kind === "image" && !(await canSee())) throw new UnreadableFile("cant_see");
  // Once a recording was asked about, its words stand in its place.
  if (kind === "audio" && !isQuestion) throw new UnreadableFile("cant_hear");
  if (size > LARGEST[kind]) throw new UnreadableFile("too_large");
  const bytes = await download(attachment, LARGEST[kind]);
  switch (kind) {
    case "text":
      return { ...message, body: joined(message.body, textOfFile(name, bytes)) };
    case "pdf":
      return { ...message, body: joined(message.body, await textOfDocument(name, bytes)) };
    case "audio":
      return { ...message, body: joined(message.body, await transcribe(message, attachment, bytes)) };
    case "image":
      return { ...message, body: joined(message.body, `(a picture: “${name}”)`), images: [bytes] };
  }
}

async function textOfDocument(name: string, bytes: Uint8Array): Promise<string> {
  try {
    const { text, isWhole } = await textOfPdf(bytes);
    if (text === "") throw new UnreadableFile("no_text");
    return joined(quotedText(name, text), isWhole ? "" : "(The file goes on; the rest was not read.)");
  } catch (error) {
    if (error instanceof UnreadablePdf) throw new UnreadableFile("no_text", { cause: error });
    throw error;
  }
}

function named(message: RememberedMessage, { name }: Attachment): ReadMessage {
  return { ...message, body: joined(message.body, `(a file that can't be read any more: “${name}”)`) };
}

function joined(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join("\n\n");
}
