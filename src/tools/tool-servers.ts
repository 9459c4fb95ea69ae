import { isDeepStrictEqual } from "node:util";
import type { OwnToolsConfig, ToolRules, ToolServerConfig } from "../config/config.ts";
import type { Logger } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import { READ_MORE, readMore } from "./read-more.ts";
import { hasSignIn, type SignInServer } from "./sign-in/authorization-server.ts";
import { ToolFailure } from "./tool-failure.ts";
import type { ToolResult } from "./tool-result.ts";
import { hostOfServer, ToolServer } from "./tool-server.ts";
import type { Behalf, CallContext, ServedPrompts, ServedTool, ToolSource } from "./tool-source.ts";

/** The time for which a question waits for lists of tools, in ms. A server that takes longer has none for it. */
const LISTS_MS = 5_000;

/** Makes a server to which each person signs in, for an entry of the configuration. */
export type MakePersonal = (name: string, config: SignInServer) => ToolSource;

/** Makes the bridge's own tools for an entry of the configuration. */
export type MakeOwnTools = (name: string, config: OwnToolsConfig) => ToolSource;

/** The configured servers of tools, and the bridge's own tools. */
export class ToolServers {
  readonly #log: Logger;
  readonly #metrics: Metrics | undefined;
  readonly #makeOwn: MakeOwnTools;
  readonly #makePersonal: MakePersonal;
  #servers: ReadonlyMap<string, ToolSource>;

  constructor(
    configs: ReadonlyMap<string, ToolServerConfig>,
    options: {
      readonly makeOwn: MakeOwnTools;
      readonly makePersonal: MakePersonal;
      readonly log: Logger;
      readonly metrics?: Metrics | undefined;
    },
  ) {
    this.#log = options.log;
    this.#metrics = options.metrics;
    this.#makeOwn = options.makeOwn;
    this.#makePersonal = options.makePersonal;
    this.#servers = new Map([...configs].map(([name, config]) => [name, this.#make(name, config)]));
  }

  /** Whether none is configured. */
  get isEmpty(): boolean {
    return this.#servers.size === 0;
  }

  /** Whether one of the bridge's own tools is turned on for any agent. */
  hasOwn(name: string): boolean {
    return [...this.#servers.values()].some(
      ({ config }) => config.type === "own" && (config.tools.get(name) ?? "refuse") !== "refuse",
    );
  }

  /** The tools of all servers that can be reached now, as a person has them. */
  async tools(person: Behalf): Promise<readonly ServedTool[]> {
    const signal = AbortSignal.timeout(LISTS_MS);
    const lists = await Promise.all(
      [...this.#servers.values()].map(async (server): Promise<readonly ServedTool[]> => {
        try {
          return await server.served(signal, person);
        } catch (error) {
          if (!(error instanceof ToolFailure) && !signal.aborted) throw error;
          this.#log.warn({ server: server.name, error }, "a tool server can't be used");
          return [];
        }
      }),
    );
    return lists.flat();
  }

  /** Whether people may use prompts of any server. */
  get hasPrompts(): boolean {
    return [...this.#servers.values()].some(({ config }) => config.type !== "own" && config.prompts);
  }

  /** The prompts of all servers that can be reached now and have some for a person. */
  async prompts(person: Behalf): Promise<readonly ServedPrompts[]> {
    const signal = AbortSignal.timeout(LISTS_MS);
    const lists = await Promise.all(
      [...this.#servers.values()].map(async (server): Promise<readonly ServedPrompts[]> => {
        const { name, config } = server;
        if (config.type === "own") return [];
        try {
          const prompts = (await server.prompts?.(signal, person)) ?? [];
          return prompts.length === 0
            ? []
            : [{ server: name, host: hostOfServer(name, config), rules: config, prompts }];
        } catch (error) {
          if (!(error instanceof ToolFailure) && !signal.aborted) throw error;
          this.#log.warn({ server: name, error }, "the prompts of a tool server can't be used");
          return [];
        }
      }),
    );
    return lists.flat();
  }

  /** The words of a server's prompt, for a person. Throws ToolFailure, and the signal's reason. */
  async prompt(
    server: string,
    name: string,
    given: Readonly<Record<string, string>>,
    signal: AbortSignal,
    person: Behalf,
  ): Promise<string> {
    const source = this.#named(server);
    if (source.prompt === undefined) throw new ToolFailure("refused", "it has no prompts");
    return this.#measured(server, source.prompt(name, given, signal, person), () => "done");
  }

  /** The admin's rules for a server; undefined where it is not configured any more. */
  rulesOf(server: string): ToolRules | undefined {
    return this.#servers.get(server)?.config;
  }

  /** Connects to a server, for a person. Throws ToolFailure, and the signal's reason. */
  reach(server: string, signal: AbortSignal, person: Behalf): Promise<void> {
    if (server === READ_MORE.server) return Promise.resolve();
    return this.#named(server).reach(signal, person);
  }

  /** Calls a tool. Throws ToolFailure, and the signal's reason. */
  async call(
    server: string,
    tool: string,
    given: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
    context: CallContext,
  ): Promise<ToolResult> {
    if (server === READ_MORE.server) return readMore(given, context.steps);
    const calling = this.#named(server).call(tool, given, signal, context);
    return this.#measured(server, calling, ({ isError }) => (isError ? "error" : "done"));
  }

  /** Counts and times a call. */
  async #measured<T>(server: string, calling: Promise<T>, outcomeOf: (result: T) => string): Promise<T> {
    const started = performance.now();
    let outcome = "cancelled";
    try {
      const result = await calling;
      outcome = outcomeOf(result);
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
        return [name, known && isDeepStrictEqual(known.config, config) ? known : this.#make(name, config)];
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

  #make(name: string, config: ToolServerConfig): ToolSource {
    if (config.type === "own") return this.#makeOwn(name, config);
    return hasSignIn(config) ? this.#makePersonal(name, config) : new ToolServer(name, config, this.#log);
  }

  #named(name: string): ToolSource {
    const server = this.#servers.get(name);
    if (server === undefined) throw new ToolFailure("unreachable", "it is not configured any more");
    return server;
  }
}
