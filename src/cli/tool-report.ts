import type { McpServerConfig, OwnToolsConfig, StdioToolServer, ToolRules } from "../config/config.ts";
import { decideByRules, type ToolServerSight } from "../doctor/tool-server-sight.ts";
import type { KnownTool, ToolHints } from "../tools/tool-definition.ts";
import { hostOfServer } from "../tools/tool-server.ts";
import type { ToolDecision } from "../tools/tool-policy.ts";
import { counted } from "../language/counted.ts";
import { printable } from "./printable.ts";

/** An entry of `tools`, and the findings about it. */
export type SeenServer = { readonly name: string; readonly sight: ToolServerSight } & (
  { readonly type: "mcp"; readonly config: McpServerConfig } | { readonly type: "own"; readonly config: OwnToolsConfig }
);

const SIGNS = { answered: "✓", personal: "✓", failed: "✗", untried: "–" } as const;

/** A server in a line, and where it can't be reached its remedy in another. */
export function serverInLines(server: SeenServer): readonly string[] {
  const { name, config, sight } = server;
  const traits = [
    config.type,
    config.locality,
    ...hostsOf(server),
    ...(config.type === "stdio" ? boundsOf(config) : []),
  ];
  const line = printable(`${SIGNS[sight.kind]} ${name}: ${traits.join(", ")}; ${outcomeOf(server)}`);
  return sight.kind === "failed" ? [line, printable(`  → ${sight.mend}`)] : [line];
}

/** The rules of a server, and each of its tools. */
export function toolsInLines({ config, sight }: SeenServer): readonly string[] {
  const { agents, rooms, users, approverUsers } = config;
  const lines = [
    `  agents: ${namesOf(agents)}`,
    `  rooms: ${namesOf(rooms)}`,
    `  users: ${namesOf(users)}`,
    ...(approverUsers.length === 0 ? [] : [`  may always agree: ${approverUsers.join(", ")}`]),
    ...(config.type === "stdio" && config.sandbox === "bwrap" ? [`  folders: ${foldersOf(config)}`] : []),
    `  ${destinationOf(config)}`,
  ];
  if (sight.kind === "answered") {
    const width = Math.max(0, ...sight.tools.map((tool) => tool.name.length));
    for (const tool of sight.tools) {
      const approval = inWords(decideByRules(config, tool));
      lines.push(`  ${tool.name.padEnd(width)}  ${hintsInWords(tool.hints)}; ${approval}`);
    }
    for (const { name, fault } of sight.faulty) lines.push(`  ${name}: ${FAULTS[fault]}`);
    if (config.type !== "own") lines.push(...beyondTools(config, sight));
  }
  return lines.map(printable);
}

/** What a server offers beside tools. */
function beyondTools(
  { prompts: areOffered }: McpServerConfig,
  { prompts, mayAsk }: Extract<ToolServerSight, { readonly kind: "answered" }>,
): readonly string[] {
  const offered = areOffered ? "" : ` (not offered; prompts: true offers them)`;
  return [
    ...(prompts.length === 0 ? [] : [`  prompts: ${prompts.join(", ")}${offered}`]),
    `  its tools ${mayAsk ? "may ask people something" : "ask people nothing"}`,
  ];
}

/** A server with its rules and tools, for programs. */
export function serverInJson(server: SeenServer): object {
  const { name, config, sight } = server;
  return {
    name,
    type: config.type,
    locality: config.locality,
    hosts: hostsOf(server),
    ...(config.type === "stdio"
      ? { sandbox: config.sandbox, network: hasNetwork(config), folders: config.folders }
      : {}),
    // An absent list names all.
    agents: config.agents ?? ["*"],
    rooms: config.rooms ?? ["*"],
    users: config.users ?? ["*"],
    approver_users: config.approverUsers,
    state: sight.kind,
    ...(sight.kind === "untried" ? {} : { ms: sight.ms }),
    ...findingsInJson(config, sight),
  };
}

function findingsInJson(rules: ToolRules, sight: ToolServerSight): object {
  switch (sight.kind) {
    case "answered":
      return {
        tools: sight.tools.map((tool) => toolInJson(rules, tool)),
        faulty: sight.faulty,
        prompts: sight.prompts,
        may_ask: sight.mayAsk,
      };
    case "personal":
      return { issuer: sight.issuer };
    case "failed":
      return { reason: sight.reason, mend: sight.mend };
    case "untried":
      return { reason: sight.reason };
  }
}

function toolInJson(rules: ToolRules, tool: KnownTool): object {
  const { isReadOnly, isIdempotent, isOpenWorld } = tool.hints;
  const decision = decideByRules(rules, tool);
  return {
    name: tool.name,
    read_only: isReadOnly,
    idempotent: isIdempotent,
    open_world: isOpenWorld,
    approval: approvalOf(decision),
    ...(decision.may === "ask" ? { deciders: decision.deciders } : {}),
  };
}

/** In the words of the configuration. */
function approvalOf(decision: ToolDecision): "never" | "ask" | "always_ask" | "refuse" {
  if (decision.may === "call") return "never";
  if (decision.may === "refuse") return "refuse";
  return decision.canGrant ? "ask" : "always_ask";
}

/** The hosts that its calls go to. */
function hostsOf({ type, name, config }: SeenServer): readonly string[] {
  if (type === "own") return config.hosts;
  return config.type === "http" ? [hostOfServer(name, config)] : [];
}

function boundsOf(config: StdioToolServer): readonly string[] {
  const sandbox = config.sandbox === "none" ? "no sandbox" : "in a sandbox";
  return [sandbox, hasNetwork(config) ? "with network" : "no network"];
}

/** Only a sandbox keeps a program from the network. */
function hasNetwork({ sandbox, network }: StdioToolServer): boolean {
  return sandbox === "none" || network;
}

function foldersOf({ folders }: StdioToolServer): string {
  if (folders.length === 0) return "none but the program's own";
  return folders.map(({ path, write }) => `${path} (${write ? "read and write" : "read"})`).join(", ");
}

function outcomeOf({ type, config, sight }: SeenServer): string {
  if (sight.kind === "untried") return `not tried: ${sight.reason}`;
  if (sight.kind === "failed") return `can't be reached: ${sight.reason} (${sight.ms} ms)`;
  if (sight.kind === "personal")
    return `people sign in at ${sight.issuer}, and each sees her own tools (${sight.ms} ms)`;
  const { tools, faulty, ms } = sight;
  const offered = tools.filter((tool) => decideByRules(config, tool).may !== "refuse").length;
  const more = faulty.length === 0 ? "" : `, ${faulty.length} can't be used by models`;
  const time = type === "own" ? "" : `answers in ${ms} ms, `;
  return `${time}${counted(tools.length, "tool", "tools")}, ${offered} offered${more}`;
}

function namesOf(globs: readonly string[] | undefined): string {
  return globs === undefined ? "all" : globs.join(", ") || "none";
}

function destinationOf({ type, locality, cloudModels }: McpServerConfig | OwnToolsConfig): string {
  const where = type === "own" ? "a tool that reaches outside" : "it";
  if (locality === "cloud") return `${where} gets words only from rooms that may send words outside your network`;
  if (type === "own") return "it tells nobody outside your network anything";
  return cloudModels ? "all models read its results" : "only models in your network read its results";
}

function hintsInWords({ isReadOnly, isIdempotent, isOpenWorld }: ToolHints): string {
  const effect = isReadOnly ? "only reads" : isIdempotent ? "changes things, twice is as once" : "changes things";
  return isOpenWorld ? `${effect}, reaches outside` : effect;
}

function inWords(decision: ToolDecision): string {
  switch (decision.may) {
    case "call":
      return "nobody has to agree";
    case "refuse":
      return "refused";
    case "ask": {
      const deciders = decision.deciders === "asker" ? "whoever asked, or a moderator, agrees" : "a moderator agrees";
      return `${deciders}, ${decision.canGrant ? "once or for good" : "each time"}`;
    }
  }
}

const FAULTS = {
  name: "models can't use it: its name is not a tool's",
  twice: "models can't use it: another one has its name",
  schema: "models can't use it: its schema is wrong",
  too_large: "models can't use it: its description is too large",
  too_many: "models can't use it: the server has too many",
} as const;
