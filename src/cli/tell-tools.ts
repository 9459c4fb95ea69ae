import type { ToolServerConfig } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import { nearName } from "../config/near-name.ts";
import { bridgeUser } from "../doctor/owner.ts";
import { lookAtToolServer } from "../doctor/tool-server-sight.ts";
import { addressesOf, endpointOf } from "../egress/endpoints.ts";
import type { EgressGuard } from "../egress/guard.ts";
import type { SystemUser } from "../observability/user-name.ts";
import { ownTools } from "../tools/own/all.ts";
import { OwnTools } from "../tools/own/own-tools.ts";
import { launchesOf } from "../tools/sandbox.ts";
import { serverInJson, serverInLines, toolsInLines, type SeenServer } from "./tool-report.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Prints the tool servers of a configuration, or one of them with its tools. Returns 0, or 1 where a server can't be
 * reached. Throws UsageError and ConfigError.
 */
export async function tellTools(
  file: string,
  args: readonly string[],
  { isJson }: { readonly isJson: boolean },
  guard: EgressGuard,
): Promise<number> {
  const config = await loadConfig(file);
  const only = wantedServer(args, [...config.tools.keys()]);
  const wanted = [...config.tools].filter(([name]) => only === undefined || name === only);
  const urls = wanted.flatMap(([, server]) => (server.type === "http" ? addressesOf(server) : []));
  guard.allow(
    urls.map((url) => endpointOf(new URL(url))),
    (what) => process.stderr.write(`${what} is not configured, and was not reached\n`),
    launchesOf(new Map(wanted)),
  );
  const user = await bridgeUser(config);
  const servers = await Promise.all(wanted.map(([name, server]) => look(name, server, user)));
  process.stdout.write(`${isJson ? JSON.stringify(servers.map(serverInJson), null, 2) : inWords(servers, only)}\n`);
  return servers.some((server) => server.sight.kind === "failed") ? 1 : 0;
}

/** The server that somebody named; undefined for all. Throws UsageError. */
function wantedServer(args: readonly string[], known: readonly string[]): string | undefined {
  const [name, ...more] = args;
  if (more.length > 0) throw new UsageError(`name one server, or none for all: matrix-agents tools [SERVER]`);
  if (name === undefined || (name === "list" && !known.includes(name))) return undefined;
  if (known.includes(name)) return name;
  const near = nearName(name, known);
  const list = known.length === 0 ? "the configuration names none" : `the servers are ${known.join(", ")}`;
  throw new UsageError(
    `there is no tool server "${name}": ${list}${near === undefined ? "" : `; did you mean ${near}?`}`,
  );
}

async function look(name: string, config: ToolServerConfig, user: SystemUser | undefined): Promise<SeenServer> {
  if (config.type !== "own") return { type: "mcp", name, config, sight: await lookAtToolServer(name, config, user) };
  const tools = await new OwnTools(name, config, ownTools(config, DESCRIBED_ONLY)).served();
  return {
    type: "own",
    name,
    config,
    sight: { kind: "answered", tools: tools.map(({ known }) => known), faulty: [], prompts: [], mayAsk: false, ms: 0 },
  };
}

/** The bridge's own tools are described here, and never called. */
const DESCRIBED_ONLY: Parameters<typeof ownTools>[1] = {
  search: { find: neverCalled },
  reminders: { add: neverCalled },
};

function neverCalled(): never {
  throw new Error("this process only describes tools");
}

function inWords(servers: readonly SeenServer[], only: string | undefined): string {
  if (servers.length === 0) return "config.yaml names no tools";
  return servers
    .flatMap((server) => [...serverInLines(server), ...(only === undefined ? [] : toolsInLines(server))])
    .join("\n");
}
