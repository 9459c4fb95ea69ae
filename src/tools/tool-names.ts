import { createHash } from "node:crypto";

/** A tool of a server. */
export interface ToolAddress {
  /** Empty: the tool is of no server. */
  readonly server: string;
  readonly tool: string;
}

/** The longest name that every protocol takes. */
const LONGEST = 64;

/** The digits that distinguish names that would be the same. */
const DIGITS = 6;

/**
 * The names by which a model calls tools, one to one: the server's name and the tool's. The same tools have the same
 * names in each request.
 */
export function namesFor<T extends ToolAddress>(tools: readonly T[]): ReadonlyMap<string, T> {
  const byName = new Map<string, T[]>();
  for (const tool of tools) {
    const name = plain(tool);
    byName.set(name, [...(byName.get(name) ?? []), tool]);
  }
  const names = new Map<string, T>();
  const distinguished: [string, T][] = [];
  for (const [name, all] of byName) {
    const [first, ...others] = all;
    // All of them: otherwise a new tool could take the name of another one.
    if (first !== undefined && others.length === 0 && name.length <= LONGEST) names.set(name, first);
    else for (const tool of all) distinguished.push([withDigits(name, tool), tool]);
  }
  // A tool that is called like one of these is the same server's.
  for (const [name, tool] of distinguished) if (!names.has(name)) names.set(name, tool);
  return names;
}

function plain({ server, tool }: ToolAddress): string {
  return (server === "" ? tool : `${server}__${tool}`).replace(/[^A-Za-z0-9_-]/g, "_");
}

function withDigits(name: string, { server, tool }: ToolAddress): string {
  const digits = createHash("sha256").update(`${server} ${tool}`).digest("hex").slice(0, DIGITS);
  return `${name.slice(0, LONGEST - DIGITS - 1)}_${digits}`;
}
