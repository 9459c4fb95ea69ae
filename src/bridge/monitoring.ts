import type { AgentPauses } from "../agents/pauses.ts";
import type { Config } from "../config/config.ts";
import type { Database } from "../database/database.ts";
import type { Ghosts } from "../ghost/ghosts.ts";
import type { Outbox } from "../ghost/outbox.ts";
import { versions } from "../homeserver/calls.ts";
import type { HomeserverClient } from "../homeserver/client.ts";
import { knowsNoPings } from "../homeserver/ping.ts";
import type { HomeserverReach } from "../homeserver/reach.ts";
import type { Processes } from "../leases/processes.ts";
import type { Mailbox } from "../mailbox/mailbox.ts";
import type { Logger } from "../observability/log.ts";
import { createMetrics, type Metrics } from "../observability/metrics.ts";
import { listenForMonitoring } from "../observability/monitoring-listener.ts";
import { readinessOf, type Check, type Readiness } from "../observability/readiness.ts";
import { packageVersion } from "../observability/version.ts";
import type { Provider } from "../providers/provider.ts";
import { whyNoneUsable } from "../providers/usable.ts";
import type { TurnStore } from "../turns/turn-store.ts";

/** The time limit for the homeserver's part of a check, in ms: less than the whole check's. */
const HOMESERVER_LIMIT_MS = 3_000;

/** The parts of a bridge that monitoring looks at. */
export interface WatchedParts {
  readonly database: Database;
  readonly processes: Pick<Processes, "isAlive" | "count">;
  readonly client: HomeserverClient;
  readonly reach: Pick<HomeserverReach, "lately">;
  readonly mailbox: Pick<Mailbox, "backlog">;
  readonly turns: Pick<TurnStore, "openByState">;
  readonly outbox: Pick<Outbox, "pending">;
  readonly ghosts: Pick<Ghosts, "loaded" | "leased">;
  readonly pauses: Pick<AgentPauses, "all">;
  /** Read anew each time, because a reload replaces them. */
  readonly providers: () => ReadonlyMap<string, Provider>;
  /** The name of the agent behind a user id, for metrics. */
  readonly agentName: (userId: string) => string | undefined;
  readonly isListening: () => boolean;
  /** Whether agents handle their mail. */
  readonly isStarted: () => boolean;
}

/** The configured monitoring. */
export interface Monitoring {
  /** Undefined without monitoring. */
  readonly metrics: Metrics | undefined;
  /** Called when the parts are made. */
  watch(parts: WatchedParts): void;
  close(): Promise<void>;
}

/**
 * Starts the monitoring listener, before there is anything to report. Throws ListenerFailure.
 *
 * @param options.stopping aborted when the bridge starts to stop.
 */
export async function startMonitoring(options: {
  readonly address: Config["monitoring"];
  readonly stopping: AbortSignal;
  readonly log: Logger;
}): Promise<Monitoring> {
  const { address, stopping, log } = options;
  if (address === undefined) {
    return { metrics: undefined, watch: () => undefined, close: () => Promise.resolve() };
  }
  let parts: WatchedParts | undefined;
  const metrics = createMetrics((userId) => parts?.agentName(userId));
  metrics.build.set({ version: await packageVersion(), node: process.version }, 1);
  const listener = await listenForMonitoring(
    address,
    {
      readiness: () => {
        if (stopping.aborted) return Promise.resolve(notReady("it is stopping"));
        return parts === undefined ? Promise.resolve(notReady("it is starting")) : readinessOf(checksOf(parts));
      },
      metrics: async () => {
        if (parts !== undefined && !stopping.aborted) await read(parts, metrics, log);
        return metrics.text();
      },
    },
    log,
  );
  return {
    metrics,
    watch: (made) => {
      parts = made;
    },
    close: () => listener.close(),
  };
}

function notReady(why: string): Readiness {
  return { ready: false, checks: { process: why } };
}

function checksOf(parts: WatchedParts): Readonly<Record<string, Check>> {
  const { database, processes, client, providers } = parts;
  const held =
    (isHeld: boolean, why: string): Check =>
    () =>
      Promise.resolve(isHeld ? undefined : why);
  return {
    process: held(parts.isStarted(), "it is starting, or waits for the homeserver"),
    listening: held(parts.isListening(), "it does not listen for the homeserver"),
    lease: held(processes.isAlive, "it gives the database no sign of life, and other processes may take its agents"),
    database: async () => {
      await database.query("select 1");
      return undefined;
    },
    homeserver: async () => {
      await versions(client, { timeoutMs: HOMESERVER_LIMIT_MS });
      return undefined;
    },
    reached: () => whyNotReached(parts),
    providers: () => whyNoneUsable([...providers().values()]),
  };
}

async function whyNotReached({ reach }: WatchedParts): Promise<string | undefined> {
  // The fault of a failed ping may be fixed by now.
  const last = await reach.lately(HOMESERVER_LIMIT_MS);
  if (last === undefined) return "the homeserver has not been asked to reach us yet";
  if (last.kind === "answered") {
    return last.reachedUs ? undefined : "another bridge with this registration answers at the registration's url";
  }
  // Whether it reaches us is unknown.
  if (knowsNoPings(last.error)) return undefined;
  return last.reason;
}

/** Sets the metrics that are read on demand instead of being counted. */
async function read(parts: WatchedParts, metrics: Metrics, log: Logger): Promise<void> {
  const { database, processes, ghosts, providers } = parts;
  metrics.ghostsLoaded.set(ghosts.loaded);
  metrics.leasesHeld.set(ghosts.leased);
  metrics.processes.set(processes.count);
  for (const [state, count] of Object.entries(database.connections?.() ?? {})) {
    metrics.databaseConnections.set({ state }, count);
  }
  for (const [name, provider] of providers()) {
    const load = provider.load?.();
    if (load === undefined) continue;
    metrics.providerWaiting.set({ provider: name }, load.waiting);
    metrics.providerPaused.set({ provider: name }, { no: 0, trying: 0.5, yes: 1 }[load.paused]);
  }
  metrics.agentsPaused.set(parts.pauses.all.length);
  try {
    await readDatabase(parts, metrics);
    metrics.unread.set(0);
  } catch (error) {
    log.warn({ error }, "the numbers for monitoring could not be read from the database");
    metrics.unread.set(1);
    // No value is better than an outdated one.
    for (const gauge of [metrics.mailboxItems, metrics.turnsOpen]) gauge.reset();
    for (const gauge of [metrics.mailboxLag, metrics.malformed, metrics.sendsPending]) gauge.remove();
  }
}

async function readDatabase({ mailbox, turns, outbox }: WatchedParts, metrics: Metrics): Promise<void> {
  const { items, oldestReadySeconds, malformed } = await mailbox.backlog();
  for (const [state, count] of Object.entries(items)) metrics.mailboxItems.set({ state }, count);
  metrics.mailboxLag.set(oldestReadySeconds);
  metrics.malformed.set(malformed);
  for (const [state, count] of Object.entries(await turns.openByState())) metrics.turnsOpen.set({ state }, count);
  metrics.sendsPending.set(await outbox.pending());
}
