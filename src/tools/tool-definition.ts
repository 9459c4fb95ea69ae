import { createHash } from "node:crypto";
import { isObject, objectOf } from "../matrix/json.ts";
import { cleanText } from "../text/clean-text.ts";
import { canonicalJson } from "./canonical-json.ts";
import { readToolSchema, type ToolSchema } from "./tool-schema.ts";

/** A tool of a server, as it described it, within bounds. */
export interface KnownTool {
  readonly name: string;
  readonly description: string;
  readonly schema: ToolSchema;
  readonly hints: ToolHints;
  /** SHA-256 of its whole description, in hexadecimal digits: another one is another tool. */
  readonly hash: string;
}

/** What a tool does: a server's own claims, which nobody has proved, but for what its sandbox sees to. */
export interface ToolHints {
  /** It changes nothing. */
  readonly isReadOnly: boolean;
  /** To use it twice is the same as to use it once. */
  readonly isIdempotent: boolean;
  /** It reaches things outside, such as the web. MCP's own default is that it does, unless it is confined. */
  readonly isOpenWorld: boolean;
  /** A sandbox lets it reach nothing outside, whatever it says. */
  readonly isConfined: boolean;
}

/** A tool that can't be offered, and why. */
export interface FaultyTool {
  /** Its name, cut. */
  readonly name: string;
  readonly fault: "name" | "twice" | "schema" | "too_large" | "too_many";
}

/** The most tools of a server. A model chooses badly among more than a few dozen. */
export const MOST_TOOLS = 128;

/** The longest description that is told to models, in characters, and the longest schema, in characters of JSON. */
const LONGEST_DESCRIPTION = 2_000;
const LONGEST_SCHEMA = 32_768;

/** MCP 2026-07-28, "Tool Names". */
const NAME = /^[A-Za-z0-9_.-]{1,128}$/;

/**
 * The tools of a server's list, in its order; each faulty one has its reason.
 *
 * @param isConfined whether a sandbox keeps the server from all that is outside.
 */
export function readTools(
  list: readonly unknown[],
  isConfined = false,
): {
  readonly tools: readonly KnownTool[];
  readonly faulty: readonly FaultyTool[];
} {
  const tools = new Map<string, KnownTool>();
  const faulty: FaultyTool[] = [];
  for (const told of list.slice(0, MOST_TOOLS + 1)) {
    const { name: given } = objectOf(told);
    const name = typeof given === "string" ? given : "";
    const fail = (fault: FaultyTool["fault"]): number => faulty.push({ name: cleanText(name.slice(0, 64)), fault });
    if (tools.size === MOST_TOOLS) fail("too_many");
    else if (!NAME.test(name)) fail("name");
    // A second one could stand for the first in an approval.
    else if (tools.has(name)) fail("twice");
    else {
      const tool = readTool(name, objectOf(told), isConfined);
      if (typeof tool === "string") fail(tool);
      else tools.set(name, tool);
    }
  }
  return { tools: [...tools.values()], faulty };
}

function readTool(
  name: string,
  told: Readonly<Record<string, unknown>>,
  isConfined: boolean,
): KnownTool | "schema" | "too_large" {
  const { description, inputSchema, annotations, title } = told;
  const written = canonicalJson(inputSchema);
  if (written === undefined || written.length > LONGEST_SCHEMA) return "too_large";
  const schema = readToolSchema(inputSchema);
  if (schema === undefined) return "schema";
  const text = typeof description === "string" ? description : typeof title === "string" ? title : "";
  const { readOnlyHint, idempotentHint, openWorldHint } = objectOf(annotations);
  const whole = canonicalJson({
    name,
    description: text.slice(0, LONGEST_SCHEMA),
    inputSchema: written,
    annotations: isObject(annotations) ? { readOnlyHint, idempotentHint, openWorldHint } : null,
  });
  return {
    name,
    description: cleanText(text.slice(0, LONGEST_DESCRIPTION)),
    schema,
    hints: {
      isReadOnly: readOnlyHint === true,
      isIdempotent: idempotentHint === true || readOnlyHint === true,
      isOpenWorld: !isConfined && openWorldHint !== false,
      isConfined,
    },
    hash: createHash("sha256")
      .update(whole ?? "")
      .digest("hex"),
  };
}
