import {
  Client,
  ProtocolError,
  ProtocolErrorCode,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  StreamableHTTPClientTransport,
  type StandardSchemaV1,
} from "@modelcontextprotocol/client";
import { Agent, type Dispatcher } from "undici";
import { stat } from "node:fs/promises";
import { rootCertificates } from "node:tls";
import type { McpServerConfig, StdioToolServer } from "../config/config.ts";
import { objectOf } from "../matrix/json.ts";
import { reasonOfNetworkError } from "../observability/network-fault.ts";
import { boundedFetch } from "./http-fetch.ts";
import { launchOf } from "./sandbox.ts";
import { callResourceTool, isResourceTool, RESOURCE_TOOLS } from "./resource-tools.ts";
import { StdioTransport } from "./stdio-transport.ts";
import { readTools, type FaultyTool, type KnownTool } from "./tool-definition.ts";
import { ToolFailure } from "./tool-failure.ts";
import { readResult, type ToolResult } from "./tool-result.ts";

/** The time for the handshake, and for a page of the list, in ms; a program may have to be loaded first. */
const BEGIN_MS = 20_000;

/** The time for which a program is asked whether it speaks the present protocol: an older one may say nothing. */
const PROBE_MS = 3_000;

const CONNECT_MS = 10_000;

/** The most pages of a list of tools. */
const MOST_PAGES = 16;

/** The error of a server that needs what this client does not offer, such as questions to the person (MCP 2026-07-28). */
const WANTS_MORE: number = ProtocolErrorCode.MissingRequiredClientCapability;

/** Accepts anything: what a server says is read by our own functions, which bound it. */
const ANYTHING: StandardSchemaV1<unknown, unknown> = {
  "~standard": { version: 1, vendor: "matrix-agents", validate: (value) => ({ value }) },
};

/** A connection to a tool server. All its methods throw ToolFailure, and the signal's reason. */
export class McpConnection {
  readonly #client: Client;
  readonly #transport: StdioTransport | StreamableHTTPClientTransport;
  readonly #dispatcher: Dispatcher | undefined;
  /** Whether its resources are offered as tools. */
  readonly #offersResources: boolean;
  #isOpen = true;

  private constructor({ client, transport, dispatcher }: Begun, offersResources: boolean) {
    this.#client = client;
    this.#transport = transport;
    this.#dispatcher = dispatcher;
    this.#offersResources = offersResources;
    client.onclose = () => {
      this.#isOpen = false;
    };
  }

  /**
   * Begins a connection: by the present protocol, or by an older one where the server knows only that.
   *
   * @param changed called when the server says that its tools have changed.
   */
  static async open(server: McpServerConfig, changed: () => void, signal: AbortSignal): Promise<McpConnection> {
    const begun =
      server.type === "stdio" ? await openProgram(server, changed, signal) : await openHttp(server, changed, signal);
    return new McpConnection(begun, server.resources);
  }

  /** Whether it can still be used, as far as known. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The server's tools, within bounds. */
  async tools(
    signal: AbortSignal,
  ): Promise<{ readonly tools: readonly KnownTool[]; readonly faulty: readonly FaultyTool[] }> {
    const list: unknown[] = [];
    let cursor: unknown;
    for (let page = 0; page < MOST_PAGES; page++) {
      const params = typeof cursor === "string" ? { cursor } : {};
      const told = objectOf(await this.#ask({ method: "tools/list", params }, BEGIN_MS, signal));
      if (!Array.isArray(told["tools"])) throw new ToolFailure("malformed", "the answer is no list of tools");
      list.push(...(told["tools"] as readonly unknown[]));
      cursor = told["nextCursor"];
      if (typeof cursor !== "string" || cursor === "") break;
    }
    if (!this.#offersResources) return readTools(list);
    const { tools, faulty } = readTools(list);
    const own = tools.filter(({ name }) => !isResourceTool(name));
    const twice = tools
      .filter(({ name }) => isResourceTool(name))
      .map(({ name }) => ({ name, fault: "twice" as const }));
    const hasSome = this.#client.getServerCapabilities()?.resources !== undefined;
    return { tools: [...own, ...(hasSome ? RESOURCE_TOOLS : [])], faulty: [...faulty, ...twice] };
  }

  /** Calls a tool. What the tool itself calls an error is a result. */
  async call(
    name: string,
    given: Readonly<Record<string, unknown>>,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<ToolResult> {
    if (this.#offersResources && isResourceTool(name)) {
      const deadline = performance.now() + timeoutMs;
      return callResourceTool(name, given, (method, asked) => {
        const leftMs = Math.max(1, deadline - performance.now());
        return this.#ask({ method, params: { ...asked } }, leftMs, signal);
      });
    }
    const params = { name, arguments: { ...given } };
    return readResult(await this.#ask({ method: "tools/call", params }, timeoutMs, signal));
  }

  /** Ends it, and the program behind it. Never throws. */
  async close(): Promise<void> {
    this.#isOpen = false;
    // Nothing is left to be done about a connection that can't be ended properly.
    await this.#client.close().catch(() => undefined);
    await this.#dispatcher?.destroy().catch(() => undefined);
  }

  async #ask(
    request: { method: string; params: Record<string, unknown> },
    timeout: number,
    signal: AbortSignal,
  ): Promise<unknown> {
    try {
      return await this.#client.request(request, ANYTHING, { signal, timeout, maxTotalTimeout: timeout });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw failureOf(error, this.#transport, true);
    }
  }
}

interface Begun {
  readonly client: Client;
  readonly transport: StdioTransport | StreamableHTTPClientTransport;
  readonly dispatcher?: Dispatcher;
}

/**
 * Starts a program. Some of older protocols end at the first request of the present one, or say nothing: these are
 * started again.
 */
async function openProgram(server: StdioToolServer, changed: () => void, signal: AbortSignal): Promise<Begun> {
  const { maxMemoryBytes, maxProcesses } = server;
  await checkFolders(server);
  const begin = async (mode: "auto" | "legacy"): Promise<Begun> => {
    const transport = new StdioTransport(launchOf(server), { maxMemoryBytes, maxProcesses });
    const client = clientFor(mode, changed);
    await connect(client, transport, signal);
    return { client, transport };
  };
  try {
    return await begin("auto");
  } catch (error) {
    if (!(error instanceof ToolFailure && (error.code === "ended" || error.code === "timeout"))) throw error;
    return begin("legacy");
  }
}

/** The sandbox itself says nothing of these that a person learns. Throws ToolFailure. */
async function checkFolders({ sandbox, folders }: StdioToolServer): Promise<void> {
  if (sandbox === "none") return;
  for (const [nth, { path }] of folders.entries()) {
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) throw new ToolFailure("unreachable", `its folder ${path} is not there`);
    if (nth === 0 && !found.isDirectory())
      throw new ToolFailure("unreachable", `the first of its folders, in which it starts, is a file: ${path}`);
  }
}

async function openHttp(
  { url, token, ca }: Extract<McpServerConfig, { type: "http" }>,
  changed: () => void,
  signal: AbortSignal,
): Promise<Begun> {
  const dispatcher = new Agent({
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: CONNECT_MS, ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }) },
  });
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    fetch: boundedFetch(url, dispatcher),
    reconnectionOptions: {
      initialReconnectionDelay: 1,
      maxReconnectionDelay: 1,
      reconnectionDelayGrowFactor: 1,
      maxRetries: 0,
    },
    ...(token === undefined ? {} : { requestInit: { headers: { authorization: `Bearer ${token}` } } }),
  });
  const client = clientFor("auto", changed);
  try {
    await connect(client, transport, signal);
  } catch (error) {
    await dispatcher.destroy();
    throw error;
  }
  return { client, transport, dispatcher };
}

/** It can do nothing for servers: no model answers them, nobody is asked, and they see no folder. */
function clientFor(mode: "auto" | "legacy", changed: () => void): Client {
  const client = new Client(
    { name: "matrix-agents", version: "1" },
    {
      capabilities: {},
      versionNegotiation: { mode, probe: { timeoutMs: PROBE_MS } },
      inputRequired: { autoFulfill: false },
    },
  );
  client.setNotificationHandler("notifications/tools/list_changed", changed);
  return client;
}

async function connect(client: Client, transport: Begun["transport"], signal: AbortSignal): Promise<void> {
  try {
    await client.connect(transport, { signal, timeout: BEGIN_MS });
  } catch (error) {
    await client.close().catch(() => undefined);
    await transport.close().catch(() => undefined);
    if (signal.aborted) throw signal.reason;
    throw failureOf(error, transport, false);
  }
}

/** The meaning of the client's errors. Their words may be the server's, so they are dropped. */
function failureOf(error: unknown, transport: Begun["transport"], mayBeDone: boolean): ToolFailure {
  const own = transport instanceof StdioTransport ? transport.failure : undefined;
  if (own !== undefined) return own;
  for (let inner = error; inner instanceof Error; inner = inner.cause) if (inner instanceof ToolFailure) return inner;
  if (error instanceof ProtocolError) {
    if (error.code === WANTS_MORE) return new ToolFailure("wants_input", "it wants something in return");
    return new ToolFailure("refused", `it answered with the error ${error.code}`);
  }
  if (error instanceof SdkHttpError) {
    const { status } = error;
    const hint = status === 401 || status === 403 ? " (is the token right?)" : "";
    return new ToolFailure(status >= 500 ? "unreachable" : "refused", `HTTP ${status}${hint}`);
  }
  // The pipe to a program is no network.
  const reason = transport instanceof StdioTransport ? undefined : reasonOfNetworkError(error);
  if (error instanceof SdkError) {
    const { code } = error;
    if (code === SdkErrorCode.RequestTimeout) return new ToolFailure("timeout", "it took too long", { mayBeDone });
    if (code === SdkErrorCode.UnsupportedResultType || code === SdkErrorCode.InputRequiredRoundsExceeded)
      return new ToolFailure("wants_input", "it wants something in return");
    if (code === SdkErrorCode.InvalidResult)
      return new ToolFailure("malformed", "its answer can't be read", { mayBeDone });
    const how = mayBeDone || transport instanceof StdioTransport ? "ended" : "unreachable";
    return new ToolFailure(how, reason ?? `the connection ended (${code})`, { mayBeDone });
  }
  return new ToolFailure(mayBeDone ? "ended" : "unreachable", reason ?? "the connection failed", {
    mayBeDone,
    cause: error,
  });
}
