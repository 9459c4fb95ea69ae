import type { StdioToolServer } from "../../src/config/config.ts";
import { silentLogger } from "../../src/observability/log.ts";
import { ToolServer } from "../../src/tools/tool-server.ts";
import type { CallContext } from "../../src/tools/tool-source.ts";
import type { Turn } from "../../src/turns/turn.ts";
import { inCheckout } from "./paths.ts";

/** Makes tool servers that are programs of Node, without a sandbox unless said otherwise. */
interface TestToolServers {
  readonly program: (args: readonly string[], more?: Partial<StdioToolServer>) => ToolServer;
  /** One of the reference servers from npm. */
  readonly real: (
    name: "everything" | "filesystem" | "memory",
    args: readonly string[],
    more?: Partial<StdioToolServer>,
  ) => ToolServer;
  /** The misbehaving one; see unkind-tool-server.mjs. */
  readonly unkind: (how: string, more?: Partial<StdioToolServer>) => ToolServer;
  readonly stop: () => Promise<void>;
}

/** The configuration of a program of Node, without a sandbox. */
export function toolProgram(args: readonly string[], more: Partial<StdioToolServer> = {}): StdioToolServer {
  return {
    type: "stdio",
    command: process.execPath,
    args,
    env: {},
    secrets: [],
    folders: [],
    network: false,
    sandbox: "none",
    maxMemoryBytes: 512 * 1_048_576,
    maxProcesses: 64,
    locality: "local",
    cloudModels: false,
    tools: new Map(),
    approvers: "asker",
    approverUsers: [],
    callTimeoutMs: 20_000,
    resources: false,
    questions: true,
    prompts: false,
    idleAfterMs: 600_000,
    ...more,
  };
}

/** The program of a reference server. */
export function realToolServer(name: string): string {
  return inCheckout(`node_modules/@modelcontextprotocol/server-${name}/dist/index.js`);
}

/** For tests without tools of our own, or without servers to which people sign in. */
export function noSuchTools(): never {
  throw new Error("no such tools are configured");
}

/** A question, and an agent's call for it. */
export function contextOf(more: Partial<CallContext> = {}): CallContext {
  const turn: Turn = {
    id: 1,
    ghost: "@agent_llama:hs",
    roomId: "!room:hs",
    eventId: "$question",
    asker: "@alice:hs",
    position: 1_000,
    threadRoot: undefined,
    origin: "$question",
    hops: 0,
    round: 0,
    kind: "answer",
    encrypted: true,
  };
  return { turn, person: turn.asker, encrypted: true, steps: [], callId: "callcall1", ...more };
}

export const UNKIND_TOOL_SERVER = inCheckout("test/support/unkind-tool-server.mjs");

export function toolServers(): TestToolServers {
  const servers: ToolServer[] = [];
  const program: TestToolServers["program"] = (args, more) => {
    const server = new ToolServer("test", toolProgram(args, more), silentLogger());
    servers.push(server);
    return server;
  };
  return {
    program,
    real: (name, args, more) => program([realToolServer(name), ...args], more),
    unkind: (how, more) => program([UNKIND_TOOL_SERVER, how], more),
    stop: async () => {
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}
