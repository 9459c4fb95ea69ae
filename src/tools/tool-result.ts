import { isObject, objectOf } from "../matrix/json.ts";
import { cleanText } from "../text/clean-text.ts";
import { canonicalJson } from "./canonical-json.ts";

/** The result of a call, within bounds. It is a stranger's: nothing in it is acted on. */
export interface ToolResult {
  /** As the model reads it. */
  readonly text: string;
  /** What follows it, which the model may ask for. */
  readonly rest?: string;
  /** Whether the tool itself says that it failed. */
  readonly isError: boolean;
}

/** The longest text of a result that a model reads at once, in characters. */
export const LONGEST_RESULT = 16_000;

/** The longest result that is kept, in characters. */
const LONGEST_KEPT = 262_144;

/** The most parts of a result that are looked at. */
const MOST_PARTS = 64;

/** Stands where a result that is too long to be kept was cut. */
const CUT = "\n[… the rest was left out: ask for less]";

/** Reads the result of a call. Whatever it is, it becomes a text. */
export function readResult(told: unknown): ToolResult {
  const { content, structuredContent, isError } = objectOf(told);
  const parts: string[] = [];
  let length = 0;
  for (const part of (Array.isArray(content) ? (content as readonly unknown[]) : []).slice(0, MOST_PARTS)) {
    const text = textOf(part).slice(0, LONGEST_KEPT + 1);
    parts.push(text);
    length += text.length;
    if (length > LONGEST_KEPT) break;
  }
  const said = parts.filter((part) => part !== "").join("\n");
  const whole = said === "" && structuredContent !== undefined ? (canonicalJson(structuredContent) ?? "") : said;
  return boundedResult({ text: whole, isError: isError === true });
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

/** Pictures, sounds and files are only named. */
function textOf(part: unknown): string {
  const { type, text, mimeType, name, uri, resource } = objectOf(part);
  const named = (...words: readonly unknown[]): string =>
    `[${words
      .filter((word) => typeof word === "string" && word !== "")
      .join(" ")
      .slice(0, 500)}]`;
  switch (type) {
    case "text":
      return typeof text === "string" ? text : "";
    case "image":
    case "audio":
      return named(type, mimeType);
    case "resource_link":
      return named("resource", name, uri);
    case "resource": {
      const inner = isObject(resource) ? resource : {};
      return typeof inner["text"] === "string" ? inner["text"] : named("resource", inner["uri"], inner["mimeType"]);
    }
    default:
      return "";
  }
}
