import { isDrawable, pictureExtent, pictureType } from "../providers/pictures.ts";
import { recordingEnding, type RecordingEnding } from "../providers/recordings.ts";
import { decodedText } from "../documents/text-encoding.ts";
import { documentFormat } from "../documents/formats.ts";
import { cleanText } from "../text/clean-text.ts";
import type { CallFile } from "../turns/call-file.ts";

/** A picture, sound or other file in a result. */
export interface ResultFile extends CallFile {
  readonly bytes: Uint8Array;
}

/** A tool server's own words about a file, none of which has to be true. */
export interface SaidOfResultFile {
  /** Base64. */
  readonly data: unknown;
  /** The address of the resource, which is never followed. */
  readonly uri?: unknown;
  readonly isSound: boolean;
}

/** The part that shows whether a file is text. */
const LOOKED_AT = 8_000;

/** The longest name of a file, in characters, and the longest ending in it. */
const LONGEST_NAME = 80;
const LONGEST_ENDING = 12;

/** The types of sounds, by their beginning. The others may be films. */
const SOUNDS: Partial<Record<RecordingEnding, string>> = {
  ogg: "audio/ogg",
  mp3: "audio/mpeg",
  wav: "audio/wav",
  flac: "audio/flac",
};

/**
 * Reads a file of a result; undefined where it holds nothing. Its kind and type are those of its content: whatever is no
 * picture of a usual kind and size, such as a web page or a drawing with scripts (SVG), is a file that people may open.
 *
 * @param nth its number in the result, from 1.
 */
export function readResultFile({ data, uri, isSound }: SaidOfResultFile, nth: number): ResultFile | undefined {
  if (typeof data !== "string") return undefined;
  const bytes = Buffer.from(data, "base64");
  if (bytes.byteLength === 0) return undefined;
  const { kind, type, ending } = kindOf(bytes, isSound);
  return { kind, type, name: nameOf(uri, kind, ending, nth), size: bytes.byteLength, bytes };
}

function kindOf(bytes: Uint8Array, isSound: boolean): Pick<CallFile, "kind" | "type"> & { readonly ending?: string } {
  const picture = pictureType(bytes);
  const extent = pictureExtent(bytes);
  if (picture !== undefined && extent !== undefined && isDrawable(extent))
    return { kind: "picture", type: picture, ending: picture === "image/jpeg" ? "jpg" : picture.slice(6) };
  const recording = isSound ? recordingEnding(bytes) : undefined;
  const sound = recording === undefined ? undefined : SOUNDS[recording];
  if (sound !== undefined) return { kind: "sound", type: sound, ending: recording ?? "" };
  if (documentFormat(bytes.subarray(0, LOOKED_AT), { name: "" }) === "pdf")
    return { kind: "file", type: "application/pdf", ending: "pdf" };
  const isText = picture === undefined && decodedText(bytes.subarray(0, LOOKED_AT)) !== undefined;
  return isText ? { kind: "file", type: "text/plain" } : { kind: "file", type: "application/octet-stream" };
}

/** The last part of the resource's address, as a name; one of ours where there is none. Known kinds have their own ending. */
function nameOf(uri: unknown, kind: CallFile["kind"], ending: string | undefined, nth: number): string {
  const told = typeof uri === "string" ? safeName(lastPartOf(uri.slice(-1_000))) : "";
  const name = told === "" ? `${kind}-${nth}` : told;
  if (ending === undefined || name.toLowerCase().endsWith(`.${ending}`)) return name;
  return `${name.slice(0, LONGEST_NAME)}.${ending}`;
}

function lastPartOf(uri: string): string {
  const [path = ""] = uri.split(/[?#]/, 1);
  const last = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

/** A name without separators, line breaks, and characters that can't be seen or turn the others around; cut, with its ending. */
function safeName(name: string): string {
  const visible = name.slice(0, 500).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "");
  const plain = cleanText(visible)
    .replace(/[/\\:*?"<>|]/g, "_")
    .replace(/^[\s.]+/, "")
    .trim();
  if (plain.length <= LONGEST_NAME) return plain;
  const dot = plain.lastIndexOf(".");
  const ending = dot === -1 || plain.length - dot > LONGEST_ENDING ? "" : plain.slice(dot);
  return (plain.slice(0, LONGEST_NAME - ending.length) + ending).toWellFormed();
}
