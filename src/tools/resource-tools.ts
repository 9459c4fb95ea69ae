import { objectOf } from "../matrix/json.ts";
import { notDone } from "./own/own-tool.ts";
import { readTools, type KnownTool } from "./tool-definition.ts";
import { ToolFailure } from "./tool-failure.ts";
import { boundedResult, readResult, type ToolResult } from "./tool-result.ts";

/** Sends a request of MCP to a server. Throws ToolFailure, and the signal's reason. */
export type AskServer = (method: string, params: Readonly<Record<string, unknown>>) => Promise<unknown>;

const LIST = "list_resources";
const READ = "read_resource";
const ANNOTATIONS = { readOnlyHint: true, openWorldHint: false };

/**
 * The resources of a server, as tools: models know tools, and one decision is made about both. Whether a server tells the
 * truth about its own resources is as little known as about its tools.
 */
export const RESOURCE_TOOLS: readonly KnownTool[] = readTools([
  {
    name: LIST,
    description: "Lists the documents and other resources of this server, and the forms of their addresses.",
    inputSchema: { type: "object", properties: {}, additionalProperties: false },
    annotations: ANNOTATIONS,
  },
  {
    name: READ,
    description: `Reads a resource of this server by its address, as ${LIST} tells it.`,
    inputSchema: {
      type: "object",
      properties: { uri: { type: "string", description: "The address." } },
      required: ["uri"],
      additionalProperties: false,
    },
    annotations: ANNOTATIONS,
  },
]).tools;

/** The most pages of a list, and the most entries that are told. */
const MOST_PAGES = 16;
const MOST_LISTED = 500;

/** The longest address, and the longest line of the list, in characters. */
const LONGEST_URI = 2_000;
const LONGEST_LINE = 2_500;

/** Whether a tool is one of {@link RESOURCE_TOOLS}. */
export function isResourceTool(name: string): boolean {
  return RESOURCE_TOOLS.some((tool) => tool.name === name);
}

/** Calls one of {@link RESOURCE_TOOLS}. */
export async function callResourceTool(
  name: string,
  given: Readonly<Record<string, unknown>>,
  ask: AskServer,
): Promise<ToolResult> {
  if (name === LIST) return listed(ask);
  const { uri } = given;
  if (typeof uri !== "string" || uri === "" || uri.length > LONGEST_URI) return notDone('"uri" must be an address.');
  const { contents } = objectOf(await ask("resources/read", { uri }));
  if (!Array.isArray(contents)) throw new ToolFailure("malformed", "the answer is no resource");
  return readResult({ content: contents.map((resource: unknown) => ({ type: "resource", resource })) });
}

async function listed(ask: AskServer): Promise<ToolResult> {
  const resources = await entriesOf("resources", "resources/list", ask);
  const templates = await entriesOf("resourceTemplates", "resources/templates/list", ask).catch((error: unknown) => {
    // Many servers have none, and say so by an error.
    if (error instanceof ToolFailure && error.code === "refused") return [];
    throw error;
  });
  const all = [...resources, ...templates];
  const lines = all.slice(0, MOST_LISTED).map(lineOf);
  const more = all.length > lines.length ? ["(There are more.)"] : [];
  return boundedResult({ text: [...lines, ...more].join("\n"), isError: false });
}

async function entriesOf(field: string, method: string, ask: AskServer): Promise<readonly unknown[]> {
  const entries: unknown[] = [];
  let cursor: unknown;
  for (let page = 0; page < MOST_PAGES && entries.length <= MOST_LISTED; page++) {
    const told = objectOf(await ask(method, typeof cursor === "string" ? { cursor } : {}));
    const list = told[field];
    if (!Array.isArray(list)) throw new ToolFailure("malformed", "the answer is no list of resources");
    entries.push(...(list as readonly unknown[]).slice(0, MOST_LISTED + 1));
    cursor = told["nextCursor"];
    if (typeof cursor !== "string" || cursor === "") break;
  }
  return entries;
}

/** A resource, or a form of addresses, in one line. */
function lineOf(entry: unknown): string {
  const { uri, uriTemplate, name, title, description, mimeType } = objectOf(entry);
  const [address = "(no address)", ...about] = [uri ?? uriTemplate, title ?? name, mimeType, description].map((word) =>
    typeof word === "string" ? word.slice(0, LONGEST_URI).replace(/\s+/g, " ") : "",
  );
  return `- ${[address, ...about.filter((word) => word !== "")].join(" · ")}`.slice(0, LONGEST_LINE);
}
