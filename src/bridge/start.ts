import { AgentTurnWork } from "../answering/agent-turn-work.ts";
import { Answering } from "../answering/answering.ts";
import type { Actor } from "../audit/audit-entry.ts";
import type { Config } from "../config/config.ts";
import { LiveConfig } from "../config/live.ts";
import type { Registration } from "../config/registration.ts";
import type { Ghosts } from "../ghost/ghosts.ts";
import { HomeserverReach } from "../homeserver/reach.ts";
import { RecentPings } from "../homeserver/recent-pings.ts";
import { pause } from "../homeserver/retry.ts";
import type { Transaction } from "../homeserver/transaction.ts";
import { Mailbox } from "../mailbox/mailbox.ts";
import type { Logger } from "../observability/log.ts";
import { isCiphertext, NOTE_TOLD } from "../rooms/encrypted-by-message.ts";
import { isLine } from "../rooms/line.ts";
import { TurnRunner } from "../turns/turn-runner.ts";
import { makeReminderClock } from "./reminders.ts";
import { answeringOptions } from "./answering.ts";
import { Closers } from "./closers.ts";
import { takeOrders } from "./control.ts";
import { makeConversation } from "./conversation.ts";
import { layFoundation, type Foundation, type Given } from "./foundation.ts";
import { loadGhosts, makeGhosts } from "./ghosts.ts";
import { HeldBack } from "./held-back.ts";
import { startMonitoring, type Monitoring } from "./monitoring.ts";
import { Online, type OnlineParts } from "./online.ts";
import { Presence } from "./presence.ts";
import { beginPruning } from "./pruning.ts";
import { listen, makeAppService } from "./receiving.ts";
import { Recovery } from "./recovery.ts";
import { Reloader, type ConfigurationFile, type ReloaderOptions } from "./reloader.ts";
import { serveWeb } from "./web.ts";
import { openStores, type Stores } from "./stores.ts";

/** A running bridge. */
export interface RunningBridge {
  /** Reads the configuration again and applies it, whole or not at all. */
  readonly reloader: Reloader;
  /** Stops everything in order: no new transactions, turns parked, devices closed, database closed. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Makes all parts, joins them, and starts them in order. Transactions are accepted (and stored) as soon as it listens,
 * even while the homeserver can't be reached. Throws faults that waiting can't fix: a database in use or away, a wrong
 * master key, a taken port.
 */
export async function startBridge(
  config: Config,
  file: ConfigurationFile,
  registration: Registration,
  log: Logger,
): Promise<RunningBridge> {
  const closers = new Closers(log);
  const stopping = new AbortController();
  const stop = async (): Promise<void> => {
    stopping.abort(new Error("the bridge is stopping"));
    await closers.closeAll();
  };
  try {
    const monitoring = await startMonitoring({ address: config.monitoring, stopping: stopping.signal, log });
    closers.add(() => monitoring.close());
    const live = new LiveConfig(config);
    const { metrics } = monitoring;
    const parts = await startParts(
      { live, registration, closers, stopping: stopping.signal, log, metrics },
      monitoring,
    );
    const reloader = new Reloader({ file, now: () => live.now(), prepare: parts.prepare, log });
    const { dataDir, appservice } = config;
    closers.add(await takeOrders({ dataDir, port: appservice.port, reloader, log }));
    await parts.serveWeb(reloader);
    return { stop, reloader };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Running parts. */
interface StartedParts {
  /** Prepares another configuration, and resolves with the function that applies it. */
  readonly prepare: ReloaderOptions["prepare"];
  /** Serves the page, where it is switched on. */
  readonly serveWeb: (reloader: Reloader) => Promise<void>;
}

/** Makes and starts the parts, in order: each uses only earlier ones. */
async function startParts(given: Given, monitoring: Monitoring): Promise<StartedParts> {
  const foundation = await layFoundation(given);
  const { settings, processes, background, closers } = foundation;
  const stores = await openStores(foundation);
  const runner = makeRunner(foundation, stores);
  const ghosts = makeGhosts(foundation, stores, runner);
  const mailbox = makeMailbox(foundation, stores, ghosts);
  const forAnswers = answeringOptions(foundation, stores, ghosts);
  const answering = new Answering(forAnswers);
  const conversation = makeConversation(foundation, stores, forAnswers, { mailbox, ghosts, runner });
  beginPruning(foundation, stores, mailbox);
  const presence = new Presence(foundation, ghosts);
  await loadGhosts(ghosts, foundation, stores, { mailbox, conversation, runner });
  runner.start(new AgentTurnWork(answering, (userId) => ghosts.of(userId), background));
  closers.add(() => runner.stop(settings().turns.drainMs));

  const deliver = async (transaction: Transaction): Promise<void> => {
    ghosts.deliver(await mailbox.store(transaction));
    stores.banLists.stored();
  };
  const pings = new RecentPings();
  const reach = new HomeserverReach({
    client: foundation.client,
    appservice: foundation.registration,
    pings,
    isAlone: () => processes.alone,
    log: foundation.log,
    signal: foundation.stopping,
  });
  const recovery = new Recovery(foundation, stores, ghosts, reach, deliver);
  const heldBack = new HeldBack(foundation, { reach, deliver, pause, find: () => recovery.findStranded() });
  const appService = makeAppService(foundation, stores, ghosts, pings, (sent) => heldBack.receive(sent));
  const clock = makeReminderClock(foundation, stores, forAnswers, () => {
    runner.kick();
    ghosts.beat();
  });
  closers.add(() => clock.stop());
  const online = new Online(foundation, stores, { ghosts, presence, recovery, runner, clock });
  monitoring.watch({
    database: foundation.database,
    processes,
    client: foundation.client,
    reach,
    mailbox,
    turns: stores.turns,
    outbox: stores.outbox,
    pauses: stores.pauses,
    ghosts,
    providers: () => foundation.providers.now,
    agentName: (userId) => agentName(userId, foundation),
    isListening: () => appService.port !== undefined,
    isStarted: () => online.isStarted,
  });
  await listen(foundation, appService);
  online.begin();
  return {
    prepare: (next, changed, by) => reconfigure(foundation, stores, { presence, runner }, next, { changed, by }),
    serveWeb: (configuration) => serveWeb(foundation, stores, { ghosts, pings, configuration }),
  };
}

function makeRunner({ database, processes, settings, log, metrics }: Foundation, { turns }: Stores): TurnRunner {
  return new TurnRunner({
    database,
    store: turns,
    process: processes.self,
    limits: () => {
      const { maxWaitMs, maxDurationMs, retryModelForMs: retryForMs, approvalMs } = settings().turns;
      const { maxToolCalls, maxToolTimeMs } = settings().turns;
      return { maxWaitMs, maxDurationMs, retryForMs, approvalMs, calls: { calls: maxToolCalls, ms: maxToolTimeMs } };
    },
    log,
    metrics,
  });
}

function makeMailbox(
  { database, log, metrics }: Foundation,
  { seals, rooms, banLists }: Stores,
  ghosts: Ghosts,
): Mailbox {
  return new Mailbox({
    database,
    seals,
    // Both at once, because a statement that starts later is refused.
    noteState: async (tx, events, options) => {
      await Promise.all([rooms.note(tx, events, options), banLists.note(tx, events)]);
    },
    messages: { isLine, isCiphertext, noteTold: NOTE_TOLD },
    isGhost: (userId) => ghosts.isGhost(userId),
    log,
    metrics,
  });
}

function agentName(userId: string, { botUserId, directory }: Foundation): string | undefined {
  return userId === botUserId ? "bot" : directory.agentOf(userId)?.name;
}

async function reconfigure(
  { live, providers, settings, database, directory, background, log, metrics }: Foundation,
  { audit, banLists, tools }: Stores,
  { presence, runner }: Pick<OnlineParts, "presence" | "runner">,
  next: Config,
  { changed, by }: { readonly changed: readonly string[]; readonly by: Actor | undefined },
): Promise<() => void> {
  // Before any change: making a provider reveals its faults.
  const changeProviders = await providers.prepare(settings(), next, log, metrics);
  return () => {
    changeProviders();
    tools.reconfigure(next.tools);
    live.replace(next);
    background.run("the audit log", () => audit.record(database, { kind: "config.reloaded", changed, by }));
    banLists.refresh();
    background.run("the new agents", async () => {
      await directory.reconfigured();
      await presence.announceAnew(presence.agents);
      runner.kick();
    });
  };
}
