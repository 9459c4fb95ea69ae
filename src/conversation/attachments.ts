/** A file that somebody sent (spec "m.room.message msgtypes"). */
export interface Attachment {
  readonly kind: AttachmentKind;
  readonly name: string;
  /** `mxc://…` */
  readonly url: string;
  /** How it is opened when it is encrypted: `file` of the message. */
  readonly encrypted?: unknown;
  /** By the sender's word, in bytes. */
  readonly size?: number;
  /** By the sender's word. */
  readonly mimetype?: string;
  /** How long it plays, by the sender's word, in ms. */
  readonly durationMs?: number;
}

/** `text` and `pdf` are read, `image` is looked at, `audio` is written down, `other` is none of it. */
export type AttachmentKind = "text" | "pdf" | "image" | "audio" | "other";

const MSGTYPES: ReadonlySet<unknown> = new Set(["m.file", "m.image", "m.audio", "m.video"]);

/** What models of today look at. */
const IMAGES: ReadonlySet<string> = new Set(["image/png", "image/jpeg", "image/webp", "image/gif"]);

/** Types that are text though their names do not begin with `text/`. */
const TEXT_TYPES =
  /^application\/(?:json|xml|yaml|toml|x-(?:sh|yaml|tex|httpd-php)|javascript|typescript|sql|graphql|.*\+(?:json|xml))$/;

/** Clients send code as what their system takes its name for, often as no type at all. */
const TEXT_NAMES =
  /\.(?:txt|md|markdown|rst|csv|tsv|log|json|jsonl|xml|html?|css|scss|ya?ml|toml|ini|cfg|conf|env|sh|bash|zsh|ps1|bat|py|rb|pl|php|js|mjs|cjs|ts|mts|tsx|jsx|vue|svelte|java|kt|kts|scala|groovy|c|h|cc|cpp|hpp|cs|go|rs|swift|m|mm|lua|r|jl|dart|ex|exs|erl|hs|ml|clj|lisp|el|sql|graphql|proto|tex|bib|diff|patch|dockerfile|makefile|gradle|nix|tf|srt|vtt|ics|vcf)$/i;

const LONGEST_NAME = 200;

/** A text has no zero at its beginning, and nearly everything else has one: as git tells them apart. */
const LOOKED_AT = 8_000;

/** The file of a message; undefined when there is none, or nothing says where it is. */
export function attachmentOf(content: Readonly<Record<string, unknown>>): Attachment | undefined {
  if (!MSGTYPES.has(content["msgtype"])) return undefined;
  const file = record(content["file"]);
  const info = record(content["info"]);
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

/** What is said to the file: the body, where it is not the file's own name (spec "Media captions"). */
export function captionOf(content: Readonly<Record<string, unknown>>): string | undefined {
  const { filename, body } = content;
  return typeof filename === "string" && typeof body === "string" && body !== filename && body.trim() !== ""
    ? body
    : undefined;
}

/** The words of a text file, as a model is shown them; undefined when its bytes are none of a text. */
export function textOfFile(name: string, bytes: Uint8Array): string | undefined {
  const [first, second] = bytes;
  const isLittle = first === 0xff && second === 0xfe;
  if (isLittle || (first === 0xfe && second === 0xff)) {
    return quotedText(name, new TextDecoder(isLittle ? "utf-16le" : "utf-16be").decode(bytes));
  }
  return bytes.subarray(0, LOOKED_AT).includes(0) ? undefined : quotedText(name, new TextDecoder().decode(bytes));
}

/** The words of a file, as a model is shown them, in a fence that nothing in them ends. */
export function quotedText(name: string, words: string): string {
  const text = words.replaceAll("\0", "");
  const longestFence = (text.match(/`{3,}/g) ?? []).reduce((longest, { length }) => Math.max(longest, length), 2);
  const fence = "`".repeat(longestFence + 1);
  return `The file “${name}”:\n\n${fence}\n${text.trimEnd()}\n${fence}`;
}

function nameOf({ filename, body }: Readonly<Record<string, unknown>>): string {
  const name = typeof filename === "string" ? filename : body;
  const words =
    typeof name === "string"
      ? name
          .slice(0, 4 * LONGEST_NAME)
          .replace(/[\p{C}\s]+/gu, " ")
          .trim()
      : "";
  return (words === "" ? "unnamed" : words.slice(0, LONGEST_NAME)).toWellFormed();
}

function kindOf(msgtype: unknown, mimetype: string, name: string): AttachmentKind {
  if (IMAGES.has(mimetype) || (msgtype === "m.image" && mimetype === "")) return "image";
  if (msgtype === "m.audio" || (msgtype === "m.file" && mimetype.startsWith("audio/"))) return "audio";
  if (msgtype !== "m.file") return "other";
  if (mimetype === "application/pdf" || /\.pdf$/i.test(name)) return "pdf";
  return mimetype.startsWith("text/") || TEXT_TYPES.test(mimetype) || TEXT_NAMES.test(name) ? "text" : "other";
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
