import {
  CLIENT_CAPABILITIES_META_KEY,
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
import { reasonOfNetworkError, wasNeverSent } from "../observability/network-fault.ts";
import { responsesTo, type CallInput } from "../turns/call-input.ts";
import { boundedFetch } from "./http-fetch.ts";
import { readInputRequest, WantsInput } from "./input-request.ts";
import { authorizedFetch, type Bearer } from "./sign-in/authorized-fetch.ts";
import { isConfined, launchOf } from "./sandbox.ts";
import { callResourceTool, isResourceTool, RESOURCE_TOOLS } from "./resource-tools.ts";
import { readPrompts, readPromptWords, type KnownPrompt } from "./server-prompt.ts";
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

/** The most times that a call is made again at once because its server asks for that, and asks nobody anything. */
const MOST_REPEATS = 3;

const IS_TOKEN_RIGHT = " (is the token right?)";
const IS_URL_RIGHT = " (is its url right? That of streamable HTTP often ends in /mcp)";

/** What may be wrong, by the status of an answer. */
const HINTS: Readonly<Record<number, string>> = {
  401: IS_TOKEN_RIGHT,
  403: IS_TOKEN_RIGHT,
  404: IS_URL_RIGHT,
  405: IS_URL_RIGHT,
};

/**
 * The answers that come in the middle of a call: a fault of the server, or of what stands before it, which does not know how far
 * the server came. Others of 5xx say that it was not begun.
 */
const BREAKS_OFF: ReadonlySet<number> = new Set([500, 502, 504]);

/** Tells a server that it may ask the person, by a form (MCP 2026-07-28, "Elicitation"). */
const MAY_ASK = { [CLIENT_CAPABILITIES_META_KEY]: { elicitation: { form: {} } } };

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
  /** Whether its tools reach nothing outside. */
  readonly #isConfined: boolean;
  #isOpen = true;

  private constructor({ client, transport, dispatcher }: Begun, server: McpServerConfig) {
    this.#client = client;
    this.#transport = transport;
    this.#dispatcher = dispatcher;
    this.#offersResources = server.resources;
    this.#isConfined = isConfined(server);
    client.onclose = () => {
      this.#isOpen = false;
    };
  }

  /**
   * Begins a connection: by the present protocol, or by an older one where the server knows only that.
   *
   * @param changed called when the server says that its tools have changed.
   * @param bearer has the tokens of the person for whom it is used; undefined where the server's own token is used.
   */
  static async open(
    server: McpServerConfig,
    changed: () => void,
    signal: AbortSignal,
    bearer?: Bearer,
  ): Promise<McpConnection> {
    const begun =
      server.type === "stdio"
        ? await openProgram(server, changed, signal)
        : await openHttp(server, changed, signal, bearer);
    return new McpConnection(begun, server);
  }

  /** Whether it can still be used, as far as known. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether its protocol has questions that outlive the call in which they are asked: older ones ask in its middle. */
  get knowsQuestions(): boolean {
    return this.#client.getProtocolEra() === "modern";
  }

  /** The server's tools, within bounds. */
  async tools(
    signal: AbortSignal,
  ): Promise<{ readonly tools: readonly KnownTool[]; readonly faulty: readonly FaultyTool[] }> {
    const list = await this.#pages("tools/list", "tools", signal);
    const { tools, faulty } = readTools(list, this.#isConfined);
    if (!this.#offersResources) return { tools, faulty };
    const own = tools.filter(({ name }) => !isResourceTool(name));
    const twice = tools
      .filter(({ name }) => isResourceTool(name))
      .map(({ name }) => ({ name, fault: "twice" as const }));
    const hasSome = this.#client.getServerCapabilities()?.resources !== undefined;
    return { tools: [...own, ...(hasSome ? RESOURCE_TOOLS : [])], faulty: [...faulty, ...twice] };
  }

  /** The server's prompts, within bounds; none where it offers none. */
  async prompts(signal: AbortSignal): Promise<readonly KnownPrompt[]> {
    if (this.#client.getServerCapabilities()?.prompts === undefined) return [];
    const list = await this.#pages("prompts/list", "prompts", signal);
    return readPrompts(list);
  }

  /** The words of a prompt. */
  async prompt(
    name: string,
    given: Readonly<Record<string, string>>,
    { timeoutMs, signal }: Pick<OneCall, "timeoutMs" | "signal">,
  ): Promise<string> {
    const params = { name, arguments: { ...given } };
    return readPromptWords(await this.#ask({ method: "prompts/get", params }, timeoutMs, signal));
  }

  /** Calls a tool. What the tool itself calls an error is a result. Throws WantsInput where it asks the person first. */
  async call(name: string, given: Readonly<Record<string, unknown>>, call: OneCall): Promise<ToolResult> {
    const deadline = performance.now() + call.timeoutMs;
    const ask = (method: string, asked: Readonly<Record<string, unknown>>, mayAsk = false): Promise<unknown> => {
      const leftMs = Math.max(1, deadline - performance.now());
      return this.#ask({ method, params: { ...asked } }, leftMs, call.signal, mayAsk);
    };
    if (this.#offersResources && isResourceTool(name)) return callResourceTool(name, given, ask);
    const params = { name, arguments: { ...given } };
    if (call.mayAsk !== true || !this.knowsQuestions) return readResult(await ask("tools/call", params));
    const { input } = call;
    let answers = input && { inputResponses: responsesTo(input), ...stateOf(input) };
    for (let repeats = 0; repeats <= MOST_REPEATS; repeats++) {
      const told = objectOf(await ask("tools/call", { ...params, ...answers, _meta: MAY_ASK }, true));
      if (told["resultType"] !== "input_required") return readResult(told);
      const request = readInputRequest(told);
      if (request.forms.length > 0) throw new WantsInput(request);
      answers = { inputResponses: {}, ...stateOf(request) };
    }
    throw new ToolFailure("wants_input", "it wants the same call again and again");
  }

  /** Ends it, and the program behind it. Never throws. */
  async close(): Promise<void> {
    this.#isOpen = false;
    // Nothing is left to be done about a connection that can't be ended properly.
    await this.#client.close().catch(() => undefined);
    await this.#dispatcher?.destroy().catch(() => undefined);
  }

  /** The entries of a list, of as many pages as are read. */
  async #pages(method: string, field: string, signal: AbortSignal): Promise<readonly unknown[]> {
    const list: unknown[] = [];
    let cursor: unknown;
    for (let page = 0; page < MOST_PAGES; page++) {
      const params = typeof cursor === "string" ? { cursor } : {};
      const told = objectOf(await this.#ask({ method, params }, BEGIN_MS, signal));
      const entries = told[field];
      if (!Array.isArray(entries)) throw new ToolFailure("malformed", `the answer is no list of ${field}`);
      list.push(...(entries as readonly unknown[]));
      cursor = told["nextCursor"];
      if (typeof cursor !== "string" || cursor === "") break;
    }
    return list;
  }

  async #ask(
    request: { method: string; params: Record<string, unknown> },
    timeout: number,
    signal: AbortSignal,
    allowInputRequired = false,
  ): Promise<unknown> {
    try {
      return await this.#client.request(request, ANYTHING, {
        signal,
        timeout,
        maxTotalTimeout: timeout,
        allowInputRequired,
      });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw failureOf(error, this.#transport, true);
    }
  }
}

/** One call of a tool. */
export interface OneCall {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Whether its server may ask the person something. */
  readonly mayAsk?: boolean;
  /** What it has asked before, with the answers. */
  readonly input?: CallInput | undefined;
}

function stateOf({ state }: { readonly state?: string }): { readonly requestState?: string } {
  return state === undefined ? {} : { requestState: state };
}

interface Begun {
  readonly client: Client;
  readonly transport: StdioTransport | StreamableHTTPClientTransport;
  readonly dispatcher?: Dispatcher;
}

/** The programs that have taken the first request of the present protocol. One that ends at it later was ended by something else. */
const answeredProbe = new WeakSet<StdioToolServer>();

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
    const begun = await begin("auto");
    answeredProbe.add(server);
    return begun;
  } catch (error) {
    if (!(error instanceof ToolFailure && (error.code === "ended" || error.code === "timeout"))) throw error;
    return begin(answeredProbe.has(server) ? "auto" : "legacy");
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
  bearer: Bearer | undefined,
): Promise<Begun> {
  const dispatcher = new Agent({
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: CONNECT_MS, ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }) },
  });
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    fetch: authorizedFetch(boundedFetch(url, dispatcher), bearer),
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

/**
 * It can do nothing for servers by itself: no model answers them, and they see no folder. Calls say that the person may be asked:
 * see {@link MAY_ASK}.
 */
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
    const words = `HTTP ${status}${HINTS[status] ?? ""}`;
    if (status < 500) return new ToolFailure("refused", words);
    return mayBeDone && BREAKS_OFF.has(status)
      ? new ToolFailure("ended", words, { mayBeDone })
      : new ToolFailure("unreachable", words);
  }
  // The pipe to a program is no network.
  const reason = transport instanceof StdioTransport ? undefined : reasonOfNetworkError(error);
  if (reason !== undefined && wasNeverSent(error)) return new ToolFailure("unreachable", reason);
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
