import { isDeepStrictEqual } from "node:util";
import type { ToolRules, ToolServerConfig } from "../config/config.ts";
import type { Logger } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { KnownTool } from "./tool-definition.ts";
import { ToolFailure } from "./tool-failure.ts";
import type { ToolResult } from "./tool-result.ts";
import { ToolServer } from "./tool-server.ts";

/** A tool with its server. */
export interface ServedTool {
  readonly server: string;
  /** The server's address, for people to read. */
  readonly host: string;
  readonly rules: ToolRules;
  readonly known: KnownTool;
}

/** The time for which a question waits for lists of tools, in ms. A server that takes longer has none for it. */
const LISTS_MS = 5_000;

/** The configured servers of tools. */
export class ToolServers {
  readonly #log: Logger;
  readonly #metrics: Metrics | undefined;
  #servers: ReadonlyMap<string, ToolServer>;

  constructor(configs: ReadonlyMap<string, ToolServerConfig>, log: Logger, metrics?: Metrics) {
    this.#log = log;
    this.#metrics = metrics;
    this.#servers = new Map([...configs].map(([name, config]) => [name, new ToolServer(name, config, log)]));
  }

  /** Whether none is configured. */
  get isEmpty(): boolean {
    return this.#servers.size === 0;
  }

  /** The tools of all servers that can be reached now. */
  async tools(): Promise<readonly ServedTool[]> {
    const signal = AbortSignal.timeout(LISTS_MS);
    const lists = await Promise.all(
      [...this.#servers.values()].map(async (server): Promise<ServedTool[]> => {
        const { name, host, config: rules } = server;
        try {
          const { tools } = await server.tools(signal);
          return tools.map((known) => ({ server: name, host, rules, known }));
        } catch (error) {
          if (!(error instanceof ToolFailure) && !signal.aborted) throw error;
          this.#log.warn({ server: name, error }, "a tool server can't be used");
          return [];
        }
      }),
    );
    return lists.flat();
  }

  /** Connects to a server. Throws ToolFailure, and the signal's reason. */
  reach(server: string, signal: AbortSignal): Promise<void> {
    return this.#named(server).reach(signal);
  }

  /** Calls a tool. Throws ToolFailure, and the signal's reason. */
  async call(
    server: string,
    tool: string,
    given: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<ToolResult> {
    const started = performance.now();
    let outcome = "cancelled";
    try {
      const result = await this.#named(server).call(tool, given, signal);
      outcome = result.isError ? "error" : "done";
      return result;
    } catch (error) {
      if (error instanceof ToolFailure) outcome = error.code;
      throw error;
    } finally {
      this.#metrics?.toolCalls.observe({ server, outcome }, (performance.now() - started) / 1_000);
    }
  }

  /** Takes another configuration: a server with the same settings keeps its connection. */
  reconfigure(configs: ReadonlyMap<string, ToolServerConfig>): void {
    const before = this.#servers;
    this.#servers = new Map(
      [...configs].map(([name, config]) => {
        const known = before.get(name);
        return [
          name,
          known && isDeepStrictEqual(known.config, config) ? known : new ToolServer(name, config, this.#log),
        ];
      }),
    );
    const kept = new Set(this.#servers.values());
    for (const server of before.values()) {
      if (kept.has(server)) continue;
      server.stop().catch((error: unknown) => this.#log.warn({ error }, "a tool server could not be ended"));
    }
  }

  /** Ends all connections. */
  async stop(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.stop()));
  }

  #named(name: string): ToolServer {
    const server = this.#servers.get(name);
    if (server === undefined) throw new ToolFailure("unreachable", "it is not configured any more");
    return server;
  }
}
