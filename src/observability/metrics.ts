import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/*
 * Every metric of ours, declared: docs/metrics.md is made of this file (`npm run docs`), and the dashboard in docker/ is
 * checked against it. Labels hold names that the admin chose (agents, providers, tool servers) and words from short lists; never the id
 * of a user, a room or an event. Times are in seconds.
 */

const AGENT = "the agent's name; `bot` for the bridge's own, `other` for one that is no agent any more";
const PROVIDER = "the provider's name in config.yaml";
const EVERYWHERE = "Of the whole database: each process that shares it tells the same.";

/** From a call on the same machine to a call that reached its time limit. */
const CALLS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** From a loaded small model to a large one that must be loaded first. */
const MODELS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60, 120, 300, 600, 900];
const QUERIES = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 20];

/** All our metrics, by their names in the code. */
export const METRICS = {
  build: gauge("matrix_agents_build_info", "Always 1; says what runs.", {
    version: "of matrix-agents",
    node: "the version of Node.js",
  }),

  appserviceRequests: histogram(
    "matrix_agents_appservice_request_duration_seconds",
    "Requests of the homeserver to the bridge, with how long they took. A transaction with status 200 is stored; any other is refused, and 5xx comes again.",
    {
      endpoint: "`transactions`, `ping`, `users`, `rooms`, `thirdparty`, `other`",
      status: "the HTTP status; `aborted` where the homeserver hung up first",
    },
    CALLS,
  ),
  events: counter("matrix_agents_events_total", "Events of transactions, by outcome.", {
    outcome: "`stored`; `repeated`: known by its id already; `malformed`: stored aside",
  }),
  mail: counter("matrix_agents_mail_total", "Items of agents' mailboxes, by outcome.", {
    outcome:
      "`handled`; `awaiting_key`: waits for its key; `set_aside`: `matrix-agents mailbox` shows it; `dropped`: the sender or the server had too many items that wait or are set aside",
  }),
  decryptions: counter("matrix_agents_decryptions_total", "Encrypted events that agents read, by outcome.", {
    outcome:
      "`decrypted`; `missing_key`; `refused`: forged or malformed; `replayed`: said before under another id; `distrusted`: from a device that is not trusted enough",
  }),
  mailboxItems: gauge("matrix_agents_mailbox_items", `Items in agents' mailboxes now. ${EVERYWHERE}`, {
    state: "`ready`, `awaiting_key`, `set_aside`",
  }),
  mailboxLag: gauge(
    "matrix_agents_mailbox_oldest_ready_seconds",
    `Age of the oldest item that could be handled; 0 when there is none. ${EVERYWHERE}`,
    {},
  ),
  malformed: gauge(
    "matrix_agents_malformed_parts",
    `Parts of transactions that are stored aside because they could not be understood. ${EVERYWHERE}`,
    {},
  ),

  turns: counter("matrix_agents_turns_total", "Questions that came to their end, by agent.", {
    agent: AGENT,
    outcome:
      "`answered`; `failed`: with a notice; `stopped`: by a person; `not_sent`: the agent could not send to the room",
  }),
  turnFailures: counter("matrix_agents_turn_failures_total", "Questions that failed, by kind of failure.", {
    failure: "the kind of failure, such as `unreachable` or `timeout`; `other` for failures of no kind",
  }),
  turnWait: histogram(
    "matrix_agents_turn_wait_seconds",
    "Time that questions waited for their turn.",
    { agent: AGENT },
    MODELS,
  ),
  turnDuration: histogram(
    "matrix_agents_turn_duration_seconds",
    "Time from the beginning of a turn to the whole answer in the room.",
    { agent: AGENT },
    MODELS,
  ),
  turnTokens: counter("matrix_agents_turn_tokens_total", "Tokens of answered questions, as providers count them.", {
    agent: AGENT,
    kind: "`prompt`, `answer`",
  }),
  turnsOpen: gauge("matrix_agents_turns_open", `Questions that are not answered yet. ${EVERYWHERE}`, {
    state: "`queued`, `running`, `waiting` (for people to agree to a call of a tool), `sending`",
  }),

  providerRequests: counter("matrix_agents_provider_requests_total", "Requests to providers, by outcome.", {
    provider: PROVIDER,
    kind: "`chat`, also for summaries; `picture`; `recording`, which is written down",
    outcome:
      "`answered`; `paused`: not asked, because it failed again and again; or the failure: `unreachable`, `model_missing`, `timeout`, `cut_off`, `malformed`, `busy`, `unpaid`, `refused`, `empty`, `thought_only`, `declined`, `too_long`, `cancelled`",
  }),
  providerFirstToken: histogram(
    "matrix_agents_provider_first_token_seconds",
    "Time from the request's start to the first token of the answer.",
    { provider: PROVIDER },
    MODELS,
  ),
  providerAnswer: histogram(
    "matrix_agents_provider_answer_seconds",
    "Time from the request's start to the end of the answer.",
    { provider: PROVIDER },
    MODELS,
  ),
  providerTokens: counter(
    "matrix_agents_provider_tokens_total",
    "Tokens of all requests, as the provider counts them.",
    {
      provider: PROVIDER,
      kind: "`prompt`, `answer`",
    },
  ),
  providerWaiting: gauge("matrix_agents_provider_waiting", "Requests that wait for a place at the provider.", {
    provider: PROVIDER,
  }),
  providerPaused: gauge(
    "matrix_agents_provider_paused",
    "Whether requests to the provider pause because it failed again and again: 0 no, 0.5 one request tries, 1 yes.",
    { provider: PROVIDER },
  ),

  toolCalls: histogram(
    "matrix_agents_tool_call_seconds",
    "Calls of tools, with how long they took.",
    {
      server: "the tool server's name in config.yaml",
      outcome:
        "`done`; `error`: in the tool's own words; or the failure: `unreachable`, `ended`, `timeout`, `malformed`, `too_much`, `refused`, `wants_input`, `sign_in`, `needs_rights`: the person has to agree to further ones, `unknown_bridge`: the client's name or secret is wrong, `cancelled`",
    },
    CALLS,
  ),

  toDeviceRefused: counter(
    "matrix_agents_to_device_refused_total",
    "Messages to agents' devices that were refused, by reason.",
    {
      why: "`malformed`: without a user id, or a verification by a user of another server who may not use the agent; `stranger`: from a user who may not use the agent and shares no room with it; `quota`: too many in an hour; `too_large`: a whole /sync that could not be read, counted as one",
    },
  ),
  sends: counter("matrix_agents_sends_total", "Events that agents sent, by outcome.", {
    encrypted: "`yes`, `no`",
    outcome:
      "`sent`; `refused`: the answer to an encrypted message would have gone in clear; `failed`: tried again where that may help, and counted also when a stop of the bridge ended it",
  }),
  sendsPending: gauge(
    "matrix_agents_sends_pending",
    `Events that are stored to be sent and are not known to have arrived. ${EVERYWHERE}`,
    {},
  ),
  homeserverRequests: histogram(
    "matrix_agents_homeserver_request_duration_seconds",
    "Requests to the homeserver, and their duration. A repeat counts again.",
    {
      endpoint: "the kind of call, such as `sync` or `send`",
      outcome:
        "`ok`; `rate_limited` (429); `client_error` (other 4xx); `server_error` (5xx); `unreachable`; `unexpected`: the answer is not a homeserver's; `aborted`: by us",
    },
    CALLS,
  ),
  homeserverRetries: counter(
    "matrix_agents_homeserver_retries_total",
    "Requests to the homeserver that were made again after a failure.",
    { endpoint: "the kind of call, such as `sync` or `send`" },
  ),

  agentsPaused: gauge("matrix_agents_agents_paused", `Agents that are paused and answer nothing. ${EVERYWHERE}`, {}),
  ghostsLoaded: gauge("matrix_agents_ghosts_loaded", "Agents that are in this process's memory.", {}),
  oneTimeKeys: gauge(
    "matrix_agents_one_time_keys",
    "One-time keys of the agent's device on the homeserver, by its last /sync. Below 1 people can begin new encrypted sessions with it only by its fallback key.",
    { agent: AGENT },
  ),
  leasesHeld: gauge("matrix_agents_leases_held", "Agents that this process alone may act as.", {}),
  leasesLost: counter("matrix_agents_leases_lost_total", "Agents that another process took over from this one.", {}),
  processes: gauge("matrix_agents_processes", "Running processes that share the database, as this one last saw.", {}),

  databaseQueries: histogram(
    "matrix_agents_database_query_duration_seconds",
    "Statements and whole transactions of the database, and their duration with the wait for a connection.",
    {
      kind: "`statement`, `transaction`",
      outcome:
        "`ok`; `retryable`: the database is away or too busy; `failed`: the statement itself, or the work in the transaction",
    },
    QUERIES,
  ),
  databaseConnections: gauge(
    "matrix_agents_database_connections",
    "Connections of this process's pool; absent for the embedded database.",
    { state: "`used`, `idle`; `awaited`: work waits for one" },
  ),
  unread: gauge(
    "matrix_agents_readings_failed",
    "1 where the metrics that are read from the database could not be read; they are left out then.",
    {},
  ),
} as const;

/** The metrics of this process. */
export interface Metrics extends Instruments {
  /** The value of the label `agent` for a Matrix user. */
  agent(userId: string): string;
  /** All metrics, in Prometheus' text form. */
  text(): Promise<string>;
  /** All metrics, including those of the process and of Node.js. */
  describe(): Promise<readonly { readonly name: string; readonly kind: string; readonly help: string }[]>;
}

/**
 * Makes the metrics, including those of the process and of Node.js.
 *
 * @param agentName the name of the agent behind a user id; undefined when there is none. The names must form a bounded
 * set, because they become labels.
 */
export function createMetrics(agentName: (userId: string) => string | undefined): Metrics {
  const registry = new Registry();
  const instruments = Object.fromEntries(
    Object.entries<Declaration>(METRICS).map(([key, declared]) => [key, instrument(declared, registry)]),
  ) as unknown as Instruments;
  collectDefaultMetrics({ register: registry });
  return {
    ...instruments,
    agent: (userId) => agentName(userId) ?? "other",
    text: () => registry.metrics(),
    describe: async () =>
      (await registry.getMetricsAsJSON()).map(({ name, type, help }) => ({ name, kind: String(type), help })),
  };
}

/** The content type of {@link Metrics.text}. */
export const METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

/** One metric as it is declared. */
export interface Declared<K extends Kind, L extends string> {
  readonly kind: K;
  readonly name: string;
  readonly help: string;
  /** Each label, with the meaning of its values. */
  readonly labels: Readonly<Record<L, string>>;
  readonly buckets?: readonly number[];
}

/** Any metric as it is declared. */
export type Declaration = Declared<Kind, string>;

type Kind = "counter" | "gauge" | "histogram";

type InstrumentOf<D> =
  D extends Declared<infer K, infer L>
    ? { readonly counter: Counter<L>; readonly gauge: Gauge<L>; readonly histogram: Histogram<L> }[K]
    : never;

type Instruments = { readonly [Key in keyof typeof METRICS]: InstrumentOf<(typeof METRICS)[Key]> };

function instrument({ kind, name, help, labels, buckets }: Declaration, registry: Registry): unknown {
  const options = { name, help, labelNames: Object.keys(labels), registers: [registry] };
  switch (kind) {
    case "counter":
      return new Counter(options);
    case "gauge":
      return new Gauge(options);
    case "histogram":
      return new Histogram({ ...options, buckets: [...(buckets ?? CALLS)] });
  }
}

function counter<L extends string = never>(
  name: string,
  help: string,
  labels: Record<L, string>,
): Declared<"counter", L> {
  return { kind: "counter", name, help, labels };
}

function gauge<L extends string = never>(name: string, help: string, labels: Record<L, string>): Declared<"gauge", L> {
  return { kind: "gauge", name, help, labels };
}

function histogram<L extends string = never>(
  name: string,
  help: string,
  labels: Record<L, string>,
  buckets: readonly number[],
): Declared<"histogram", L> {
  return { kind: "histogram", name, help, labels, buckets };
}
