import { isDeepStrictEqual } from "node:util";
import { unlessAborted } from "../concurrency/unless-aborted.ts";
import type { McpServerConfig } from "../config/config.ts";
import type { Logger } from "../observability/log.ts";
import type { Bearer } from "./sign-in/authorized-fetch.ts";
import type { McpConnection } from "./mcp-connection.ts";
import type { FaultyTool, KnownTool } from "./tool-definition.ts";
import type { KnownPrompt } from "./server-prompt.ts";
import { ToolFailure } from "./tool-failure.ts";
import type { ToolResult } from "./tool-result.ts";
import type { CallContext, ServedTool, ToolSource } from "./tool-source.ts";

/** The time for which a list of tools counts, in ms, where the server says nothing of a change. */
const LIST_MS = 300_000;

/** The time after a failed start, or a list that did not come in time, in ms, in which nobody waits for another one. */
const REST_MS = 15_000;

/** What a server has. */
interface ToolList {
  readonly tools: readonly KnownTool[];
  /** Those that can't be offered. */
  readonly faulty: readonly FaultyTool[];
}

/** One server of tools: connected when it is needed, and no longer than that. Its methods throw ToolFailure. */
export class ToolServer implements ToolSource {
  readonly name: string;
  readonly config: McpServerConfig;
  readonly #log: Logger;
  readonly #bearer: Bearer | undefined;
  readonly #stopping = new AbortController();
  #connection: Promise<McpConnection> | undefined;
  #list: (ToolList & { readonly at: number }) | undefined;
  #listing: Promise<ToolList> | undefined;
  /** When somebody last waited for the list in vain. */
  #lateAt: number | undefined;
  #failed: { readonly failure: ToolFailure; readonly at: number } | undefined;
  /** The calls and lists under way. */
  #users = 0;
  #idle: NodeJS.Timeout | undefined;

  /** @param bearer has the tokens of the one person for whom it is used; see {@link PersonalToolServer}. */
  constructor(name: string, config: McpServerConfig, log: Logger, bearer?: Bearer) {
    this.name = name;
    this.config = config;
    this.#log = log.child({ server: name });
    this.#bearer = bearer;
  }

  /** Its address, for people to read. */
  get host(): string {
    return hostOfServer(this.name, this.config);
  }

  /** Whether a connection is there, or begins. */
  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  /**
   * Its tools, as it described them within the last minutes. Where it does not tell them before the signal times out,
   * the next ones don't wait.
   */
  async tools(signal: AbortSignal): Promise<ToolList> {
    const [known, now] = [this.#list, performance.now()];
    if (known !== undefined && now - known.at < LIST_MS) return known;
    if (this.#lateAt !== undefined && now - this.#lateAt < REST_MS)
      throw new ToolFailure("timeout", "it did not tell its tools in time");
    this.#listing ??= this.#askForTools(known);
    try {
      return await unlessAborted(this.#listing, signal);
    } catch (error) {
      if (signal.aborted && (signal.reason as Error).name === "TimeoutError") this.#lateAt = performance.now();
      throw error;
    }
  }

  async served(signal: AbortSignal): Promise<readonly ServedTool[]> {
    const { name: server, host, config: rules } = this;
    return (await this.tools(signal)).tools.map((known) => ({ server, host, rules, known }));
  }

  /** Connects, if it is not connected. */
  async reach(signal: AbortSignal): Promise<void> {
    await this.#use(signal, () => Promise.resolve());
  }

  /** Calls a tool; without a question behind the call, nobody can be asked anything. Throws the signal's reason, too. */
  call(
    name: string,
    given: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
    context?: Pick<CallContext, "input">,
  ): Promise<ToolResult> {
    const { callTimeoutMs: timeoutMs, questions } = this.config;
    const call = { timeoutMs, signal, mayAsk: questions && context !== undefined, input: context?.input };
    return this.#use(signal, (connection) => connection.call(name, given, call));
  }

  async prompts(signal: AbortSignal): Promise<readonly KnownPrompt[]> {
    if (!this.config.prompts) return [];
    return this.#use(signal, (connection) => connection.prompts(signal));
  }

  async prompt(name: string, given: Readonly<Record<string, string>>, signal: AbortSignal): Promise<string> {
    const { callTimeoutMs: timeoutMs } = this.config;
    return this.#use(signal, (connection) => connection.prompt(name, given, { timeoutMs, signal }));
  }

  /** Whether its tools may ask people something: the admin lets them, and the server's protocol has such questions. */
  async mayAsk(signal: AbortSignal): Promise<boolean> {
    return (
      this.config.questions && (await this.#use(signal, (connection) => Promise.resolve(connection.knowsQuestions)))
    );
  }

  /** Ends the connection, and calls under way. */
  async stop(): Promise<void> {
    this.#stopping.abort(new ToolFailure("cancelled", "the bridge is stopping"));
    await this.#end();
  }

  /** One list for all who ask meanwhile. */
  #askForTools(known: ToolList | undefined): Promise<ToolList> {
    const listing = this.#use(this.#stopping.signal, async (connection) => {
      const told = await connection.tools(this.#stopping.signal);
      if (known !== undefined && !isDeepStrictEqual(hashesOf(known), hashesOf(told)))
        this.#log.warn({ tools: told.tools.length }, "a tool server has changed its tools");
      for (const { name, fault } of told.faulty) this.#log.warn({ tool: name, fault }, "a tool can't be offered");
      this.#list = { ...told, at: performance.now() };
      this.#lateAt = undefined;
      return told;
    }).finally(() => {
      this.#listing = undefined;
    });
    // Whoever still waits for it is told.
    listing.catch(() => undefined);
    return listing;
  }

  async #use<T>(signal: AbortSignal, work: (connection: McpConnection) => Promise<T>): Promise<T> {
    clearTimeout(this.#idle);
    this.#users++;
    try {
      return await work(await this.#connected(signal));
    } finally {
      this.#users--;
      if (this.#users === 0) this.#idle = setTimeout(() => this.#rest(), this.config.idleAfterMs).unref();
    }
  }

  async #connected(signal: AbortSignal): Promise<McpConnection> {
    this.#stopping.signal.throwIfAborted();
    const before = this.#connection;
    const now =
      before === undefined
        ? undefined
        : await unlessAborted(
            before.catch(() => undefined),
            signal,
          );
    if (now?.isOpen === true) return now;
    if (now !== undefined && this.#connection === before) await this.#end();
    const failed = this.#failed;
    if (failed !== undefined && performance.now() - failed.at < REST_MS) throw failed.failure;
    // The first to come connects for all: only the end of the bridge stops that.
    return unlessAborted((this.#connection ??= this.#open()), signal);
  }

  async #open(): Promise<McpConnection> {
    const began = performance.now();
    try {
      const changed = (): void => {
        this.#list = undefined;
      };
      // MCP's client is loaded when the first server is used: most bridges have none.
      const { McpConnection: Connection } = await import("./mcp-connection.ts");
      const connection = await Connection.open(this.config, changed, this.#stopping.signal, this.#bearer);
      this.#failed = undefined;
      this.#log.info({ ms: Math.round(performance.now() - began) }, "a tool server is connected");
      return connection;
    } catch (error) {
      this.#connection = undefined;
      if (error instanceof ToolFailure) this.#failed = { failure: error, at: performance.now() };
      throw error;
    }
  }

  /** Ends the connection that nobody has used for a while. */
  #rest(): void {
    if (this.#users > 0) return;
    this.#end().catch((error: unknown) => this.#log.warn({ error }, "a tool server could not be ended"));
  }

  async #end(): Promise<void> {
    clearTimeout(this.#idle);
    const connection = this.#connection;
    this.#connection = undefined;
    // A failed start was told to whoever waited for it.
    await (await connection?.catch(() => undefined))?.close();
  }
}

/** A server's address, for people to read; of a program, its name in the configuration. */
export function hostOfServer(name: string, config: McpServerConfig): string {
  return config.type === "http" ? new URL(config.url).host : `tools.${name}`;
}

function hashesOf({ tools }: { readonly tools: readonly KnownTool[] }): readonly string[] {
  return tools.map(({ hash }) => hash).toSorted();
}
