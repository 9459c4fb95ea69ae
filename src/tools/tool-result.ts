import { isObject, objectOf } from "../matrix/json.ts";
import { cleanText } from "../text/clean-text.ts";
import { MOST_CALL_FILES } from "../turns/call-file.ts";
import { canonicalJson } from "./canonical-json.ts";
import { readResultFile, type ResultFile, type SaidOfResultFile } from "./result-file.ts";

/** The result of a call, within bounds. It is a stranger's: nothing in it is acted on. */
export interface ToolResult {
  /** As the model reads it. */
  readonly text: string;
  /** What follows it, which the model may ask for. */
  readonly rest?: string;
  /** Whether the tool itself says that it failed. */
  readonly isError: boolean;
  /** The pictures and files in it, at most {@link MOST_CALL_FILES}; the text names each. Absent where there is none. */
  readonly files?: readonly ResultFile[];
}

/** The longest text of a result that a model reads at once, in characters. */
export const LONGEST_RESULT = 16_000;

/** The longest result that is kept, in characters. */
const LONGEST_KEPT = 262_144;

/** The most parts of a result that are looked at. */
const MOST_PARTS = 64;

/** Stands where a result that is too long to be kept was cut. */
const CUT = "\n[… the rest was left out: ask for less]";

/** Reads the result of a call. Whatever it is, it becomes a text, and perhaps files. */
export function readResult(told: unknown): ToolResult {
  const { content, structuredContent, isError } = objectOf(told);
  const parts: string[] = [];
  const files: ResultFile[] = [];
  let length = 0;
  for (const part of (Array.isArray(content) ? (content as readonly unknown[]) : []).slice(0, MOST_PARTS)) {
    const text = textOf(part, files).slice(0, LONGEST_KEPT + 1);
    parts.push(text);
    length += text.length;
    if (length > LONGEST_KEPT) break;
  }
  const said = parts.filter((part) => part !== "").join("\n");
  const whole = said === "" && structuredContent !== undefined ? (canonicalJson(structuredContent) ?? "") : said;
  const bounded = boundedResult({ text: whole, isError: isError === true });
  return files.length === 0 ? bounded : { ...bounded, files };
}

/** A result within bounds: cleaned, with the part that is read at once, and the part that follows. */
export function boundedResult({ text, isError }: ToolResult): ToolResult {
  const whole = cleanText(text.slice(0, LONGEST_KEPT)) + (text.length > LONGEST_KEPT ? CUT : "");
  if (whole.length <= LONGEST_RESULT) return { text: whole === "" ? "(nothing)" : whole, isError };
  return {
    text: whole.slice(0, LONGEST_RESULT).toWellFormed(),
    rest: whole.slice(LONGEST_RESULT).toWellFormed(),
    isError,
  };
}

/** A whole result. */
export function wholeOf({ text, rest = "" }: Pick<ToolResult, "text" | "rest">): string {
  return text + rest;
}

/** The words of a part. Its picture, sound or file is added to `files`; what lies elsewhere is only named. */
function textOf(part: unknown, files: ResultFile[]): string {
  const { type, text, data, name, uri, resource } = objectOf(part);
  switch (type) {
    case "text":
      return typeof text === "string" ? text : "";
    case "image":
    case "audio":
      return take({ data, isSound: type === "audio" }, files);
    case "resource_link":
      return named("resource", name, uri);
    case "resource": {
      const { text: words, blob, uri: address } = isObject(resource) ? resource : {};
      return typeof words === "string" ? words : take({ data: blob, uri: address, isSound: false }, files);
    }
    default:
      return "";
  }
}

/** Takes a file, unless there are too many; returns its name for the model. */
function take(said: SaidOfResultFile, files: ResultFile[]): string {
  const size = files.reduce((sum, file) => sum + file.size, 0);
  if (files.length >= MOST_CALL_FILES.count || size >= MOST_CALL_FILES.bytes) return "[a file, left out: too many]";
  const file = readResultFile(said, files.length + 1);
  if (file === undefined) return "[a file that can't be read]";
  files.push(file);
  return named(`${file.kind} ${files.length}:`, `${file.name},`, `${file.type},`, `${file.size} bytes`);
}

function named(...words: readonly unknown[]): string {
  return `[${words
    .filter((word) => typeof word === "string" && word !== "")
    .join(" ")
    .slice(0, 500)}]`;
}
