import { isObject, objectOf, type JsonObject } from "./json.ts";

/** The field of a message that a client has put together from a menu of commands (MSC4391). */
const COMMAND = "org.matrix.msc4391.command";

/** A command that somebody has chosen from a menu. */
export interface MenuCommand {
  readonly name: string;
  /** Its arguments by their keys, as a person would write them. */
  readonly values: ReadonlyMap<string, string>;
}

/** No command has a longer name or takes more arguments, and no event has room for so long a text. */
const LONGEST_NAME = 256;
const MOST_VALUES = 100;
const LONGEST_TEXT = 131_072;

/** Reads the command of a message; undefined where it has none. */
export function menuCommandIn(content: JsonObject): MenuCommand | undefined {
  const chosen = content[COMMAND];
  if (!isObject(chosen) || typeof chosen["command"] !== "string") return undefined;
  const values = Object.entries(objectOf(chosen["arguments"]))
    .slice(0, MOST_VALUES)
    .map(([key, value]): [string, string] => [key.slice(0, LONGEST_NAME), written(value).slice(0, LONGEST_TEXT)]);
  return { name: chosen["command"].slice(0, LONGEST_NAME), values: new Map(values) };
}

function written(value: unknown): string {
  if (Array.isArray(value))
    return value
      .map((one: unknown) => (typeof one === "string" ? one : ""))
      .join(" ")
      .trim();
  return typeof value === "string" ? value.trim() : Number.isSafeInteger(value) ? String(value) : "";
}
