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

/** The file of a message; undefined when there is none, or nothing says where it is. */
export function attachmentOf(content: Readonly<Record<string, unknown>>): Attachment | undefined {
  if (!MSGTYPES.has(content["msgtype"])) return undefined;
  const file = record(content["file"]);
  const info = record(content["info"]);
  const url = file["url"] ?? content["url"];
  if (typeof url !== "string" || !url.startsWith("mxc://")) return undefined;
  const name = nameOf(content);
  const mimetype = typeof info["mimetype"] === "string" ? info["mimetype"].toLowerCase() : "";
  const { size } = info;
  return {
    kind: kindOf(content["msgtype"], mimetype, name),
    name,
    url,
    ...(content["file"] === undefined ? {} : { encrypted: file }),
    ...(typeof size === "number" && size >= 0 ? { size } : {}),
    ...(mimetype === "" ? {} : { mimetype }),
  };
}

/** What is said to the file: the body, where it is not the file's own name (spec "Media captions"). */
export function captionOf(content: Readonly<Record<string, unknown>>): string | undefined {
  const { filename, body } = content;
  return typeof filename === "string" && typeof body === "string" && body !== filename && body.trim() !== ""
    ? body
    : undefined;
}

/** What recordings are called that servers take, by their types. */
const RECORDINGS: ReadonlyMap<string, string> = new Map([
  ["audio/ogg", "ogg"],
  ["audio/opus", "ogg"],
  ["audio/mpeg", "mp3"],
  ["audio/mp3", "mp3"],
  ["audio/mp4", "m4a"],
  ["audio/m4a", "m4a"],
  ["audio/x-m4a", "m4a"],
  ["audio/aac", "m4a"],
  ["audio/webm", "webm"],
  ["audio/wav", "wav"],
  ["audio/x-wav", "wav"],
  ["audio/flac", "flac"],
]);

/** The name under which a recording is sent to be written down: its ending tells what it is, and nothing more is told. */
export function recordingName({ mimetype = "", name }: Attachment): string {
  const known = new Set(RECORDINGS.values());
  const ending = RECORDINGS.get(mimetype.split(";")[0]?.trim() ?? "") ?? name.toLowerCase().split(".").at(-1) ?? "";
  return `voice.${known.has(ending) ? ending : "ogg"}`;
}

/** The words of a text file, as a model is shown them. */
export function textOfFile(name: string, bytes: Uint8Array): string {
  return quotedText(name, new TextDecoder().decode(bytes));
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
  const words = typeof name === "string" ? name.replace(/[\p{C}\s]+/gu, " ").trim() : "";
  return (words === "" ? "unnamed" : words.slice(0, LONGEST_NAME)).toWellFormed();
}

function kindOf(msgtype: unknown, mimetype: string, name: string): AttachmentKind {
  if (IMAGES.has(mimetype)) return "image";
  if (msgtype === "m.audio" || (msgtype === "m.file" && mimetype.startsWith("audio/"))) return "audio";
  if (msgtype !== "m.file") return "other";
  if (mimetype === "application/pdf" || /\.pdf$/i.test(name)) return "pdf";
  return mimetype.startsWith("text/") || TEXT_TYPES.test(mimetype) || TEXT_NAMES.test(name) ? "text" : "other";
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
