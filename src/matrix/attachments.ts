import { objectOf } from "./json.ts";
/** A file that somebody sent (spec "m.room.message msgtypes"). */
export interface Attachment {
  readonly kind: AttachmentKind;
  readonly name: string;
  /** `mxc://…` */
  readonly url: string;
  /** The keys of an encrypted file: `file` of the message. */
  readonly encrypted?: unknown;
  /** By the sender's word, in bytes. */
  readonly size?: number;
  /** By the sender's word. */
  readonly mimetype?: string;
  /** Its playing time, by the sender's word, in ms. */
  readonly durationMs?: number;
}

/**
 * The use of the file: `text` may be read and an `image` shown, if the bytes allow it; `audio` is transcribed; `other`
 * is unusable. Memories from before documents were told apart by their bytes may say `pdf`, which counts as `text`.
 */
export type AttachmentKind = "text" | "image" | "audio" | "other";

const MSGTYPES: ReadonlySet<unknown> = new Set(["m.file", "m.image", "m.audio", "m.video"]);

/** The types that clients give a file of unknown type. */
const NO_TYPES: ReadonlySet<string> = new Set(["", "application/octet-stream", "binary/octet-stream"]);

/** Only a model that sees may be asked for a picture, which is decided before the file is fetched. */
const PICTURE_NAMES = /\.(?:png|jpe?g|jfif|gif|webp|hei[cf]|avif|tiff?|bmp)$/i;

/** Systems mistake TypeScript code for film. */
const FILM = /^video\/(?!mp2t$|vnd\.dlna\.mpeg-tts$)/;

/** Systems also mistake a Go module's file and playlists for music, and plans for pictures. */
const TEXT_TYPES = /^(?:audio\/(?:x-mod|(?:x-)?mpegurl|x-scpls)|image\/(?:vnd\.|x-)?dxf)(?:;|$)/;

/** A file with such a name is a document, whatever its type: every model can be asked about it. */
const DOCUMENT_NAMES = /\.(?:pdf|docx|xlsx|pptx|od[tsp]|epub|eml|txt|md|csv|json)$/i;

const LONGEST_NAME = 200;

/** The file of a message; undefined when there is none, or it has no address. */
export function attachmentOf(content: Readonly<Record<string, unknown>>): Attachment | undefined {
  if (!MSGTYPES.has(content["msgtype"])) return undefined;
  const file = objectOf(content["file"]);
  const info = objectOf(content["info"]);
  const url = file["url"] ?? content["url"];
  if (typeof url !== "string" || !url.startsWith("mxc://")) return undefined;
  const name = nameOf(content);
  const mimetype = typeof info["mimetype"] === "string" ? info["mimetype"].slice(0, LONGEST_NAME).toLowerCase() : "";
  const { size, duration } = info;
  return {
    kind: kindOf(content["msgtype"], mimetype, name),
    name,
    url,
    ...(content["file"] === undefined ? {} : { encrypted: file }),
    ...(typeof size === "number" && size >= 0 ? { size } : {}),
    ...(mimetype === "" ? {} : { mimetype }),
    ...(typeof duration === "number" && duration >= 0 ? { durationMs: duration } : {}),
  };
}

/** The words that accompany a file: the body, unless that is the file's own name (spec "Media captions"). */
export function captionOf(content: Readonly<Record<string, unknown>>): string | undefined {
  const { filename, body } = content;
  return typeof filename === "string" && typeof body === "string" && body !== filename && body.trim() !== ""
    ? body
    : undefined;
}

/** The words of a file as a model gets them, in a fence that they can't close. */
export function quotedText(name: string, words: string): string {
  const text = words.replaceAll("\0", "");
  const longestFence = (text.match(/`{3,}/g) ?? []).reduce((longest, { length }) => Math.max(longest, length), 2);
  const fence = "`".repeat(longestFence + 1);
  return `The file “${name}”:\n\n${fence}\n${text.trimEnd()}\n${fence}`;
}

/** Invisible characters, and those that reverse text, except the joiners of letters and emoji (U+200C, U+200D). */
const UNSEEN = /(?:[^\P{C}\u200c\u200d]|\s)+/gu;

function nameOf({ filename, body }: Readonly<Record<string, unknown>>): string {
  const name = typeof filename === "string" ? filename : body;
  const words =
    typeof name === "string"
      ? name
          .slice(0, 4 * LONGEST_NAME)
          .replace(UNSEEN, " ")
          .trim()
      : "";
  // A name must not end in half a character.
  const short = words.slice(0, LONGEST_NAME).replace(/[\ud800-\udbff]$/, "");
  return short === "" ? "unnamed" : short.toWellFormed();
}

function kindOf(msgtype: unknown, mimetype: string, name: string): AttachmentKind {
  if (msgtype === "m.video" || FILM.test(mimetype)) return "other";
  if (TEXT_TYPES.test(mimetype)) return "text";
  if (msgtype === "m.audio") return "audio";
  if (DOCUMENT_NAMES.test(name)) return "text";
  if (msgtype === "m.image") return "image";
  if (mimetype.startsWith("audio/")) return "audio";
  const isPicture = mimetype.startsWith("image/") || (NO_TYPES.has(mimetype) && PICTURE_NAMES.test(name));
  return isPicture ? "image" : "text";
}
