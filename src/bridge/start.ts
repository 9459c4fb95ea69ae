import type { Config } from "../config/config.ts";
import { LiveConfig } from "../config/live.ts";
import type { Registration } from "../config/registration.ts";
import { CommandMenus } from "../commands/command-menus.ts";
import { Conversation } from "../conversation/conversation.ts";
import { History } from "../memory/history.ts";
import { Pulls } from "../commands/pulls.ts";
import { Retention } from "../memory/retention.ts";
import { SpokenLanguages } from "../rooms/spoken-languages.ts";
import { RoomLanguage } from "../answering/room-language.ts";
import { Summaries } from "../memory/summaries.ts";
import { MasterKey } from "../sealing/master-key.ts";
import { createCryptoStore } from "../crypto/store/crypto-store.ts";
import { locationOf, openDatabase } from "../database/open.ts";
import { serveDoctor } from "../doctor/endpoint.ts";
import { profileName } from "../agents/agents.ts";
import { Avatars } from "../avatars/avatars.ts";
import { observedDatabase } from "../database/observed.ts";
import { AgentDirectory } from "../agents/agent-directory.ts";
import { GivenNames } from "../agents/given-names.ts";
import { KnownMembers } from "../ghost/known-members.ts";
import { isRetryable } from "../observability/retryable.ts";
import { GhostHalted, HALTED_WAIT_MS } from "../ghost/halted.ts";
import type { GhostServices } from "../ghost/ghost-services.ts";
import { GhostStore } from "../ghost/ghost-store.ts";
import { Background } from "../concurrency/background.ts";
import { Ghosts } from "../ghost/ghosts.ts";
import { MissingKeys } from "../ghost/missing-keys.ts";
import { Outbox } from "../ghost/outbox.ts";
import { Semaphore } from "../concurrency/semaphore.ts";
import { TrustNotices } from "../ghost/trust-notices.ts";
import { AgentsAppService } from "../homeserver/app-service.ts";
import { startAppService } from "../homeserver/appservice-bridge.ts";
import { AnswerTooLarge, askedToWaitMs, isAway } from "../homeserver/errors.ts";
import { createHomeserverClient } from "../homeserver/client.ts";
import { RecentPings } from "../homeserver/recent-pings.ts";
import { missingSupport } from "../homeserver/support.ts";
import { awaitHomeserver, pingHomeserver, type PingResult } from "../homeserver/ping.ts";
import { roomState } from "../homeserver/room-calls.ts";
import { Processes } from "../leases/processes.ts";
import { pause } from "../homeserver/retry.ts";
import type { Transaction } from "../homeserver/transaction.ts";
import { watchHomeserver } from "../homeserver/watch.ts";
import { Mailbox } from "../mailbox/mailbox.ts";
import { MissedEvents } from "../mailbox/missed-events.ts";
import { MissedMemberships } from "../mailbox/missed-memberships.ts";
import { startPruning } from "../mailbox/pruning.ts";
import { startMonitoring } from "./monitoring.ts";
import type { Logger } from "../observability/log.ts";
import { confirmSealed } from "../sealing/seal-existing.ts";
import { Seals } from "../sealing/seals.ts";
import { BanLists } from "../permissions/ban-lists.ts";
import { InviteQuota } from "../permissions/invite-quota.ts";
import { auditOfRefusal, Permissions } from "../permissions/permissions.ts";
import { trustIn } from "../permissions/trust.ts";
import { AuditLog } from "../audit/audit-log.ts";
import { Consents } from "../privacy/consents.ts";
import { PrivacyGate } from "../privacy/gate.ts";
import { ProviderRequests } from "../privacy/provider-requests.ts";
import { KnownModels } from "../providers/model-facts.ts";
import { changedProviders, providersOf } from "../providers/providers.ts";
import { READ_STATE, Rooms } from "../rooms/rooms.ts";
import { ReadFiles } from "../memory/read-files.ts";
import { UnreadableFile } from "../answering/unreadable-file.ts";
import { Closers } from "./closers.ts";
import { pruners } from "./pruners.ts";
import { configuredDefaults } from "../rooms/settings.ts";
import { RoomSettingsStore } from "../rooms/settings-store.ts";
import { stepOf } from "../turns/turn.ts";
import { DRAFT_STEP, TurnRunner } from "../turns/turn-runner.ts";
import { Allowances } from "../turns/allowances.ts";
import { Exchanges } from "../turns/exchanges.ts";
import { TurnStore } from "../turns/turn-store.ts";

/** A running bridge. */
export interface RunningBridge {
  /**
   * Takes over what may change while it runs (config/changes.ts), whole. Throws, with nothing taken over, when it can't.
   *
   * @param changed names of the settings that differ, for the audit log.
   */
  reconfigure(config: Config, changed: readonly string[]): void;
  /** Ends everything in order: no new transactions, turns parked, devices closed, database closed. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Makes every part, joins them, and starts them in order. Transactions are taken (and stored) as soon as it listens,
 * even while the homeserver itself can't be reached yet. Throws what can't be mended by waiting: a database in use or
 * away, a master key that does not fit, a port that is taken.
 */
export async function startBridge(atStart: Config, registration: Registration, log: Logger): Promise<RunningBridge> {
  const live = new LiveConfig(atStart);
  const config = live.now;
  const closers = new Closers(log);
  const stopping = new AbortController();
  const botUserId = `@${config.appservice.bot}:${config.homeserver.domain}`;
  const closeAll = async (): Promise<void> => {
    stopping.abort(new Error("the bridge is stopping"));
    await closers.closeAll();
  };

  try {
    const monitoring = await startMonitoring({
      address: config.monitoring,
      agentName: (userId) => (userId === botUserId ? "bot" : directory.agentOf(userId)?.name),
      stopping: stopping.signal,
      log,
    });
    closers.add(() => monitoring.close());
    const { metrics } = monitoring;
    const opened = await openDatabase(locationOf(config), log);
    const database = metrics === undefined ? opened : observedDatabase(opened, metrics);
    closers.add(() => database.close());
    const processes = await Processes.join(database, { expireAfterMs: config.leases.expireAfterMs, log });
    closers.add(() => processes.leave());
    const client = createHomeserverClient({
      url: config.homeserver.url,
      asToken: registration.asToken,
      log,
      metrics,
      onReturn: () => {
        returned();
      },
    });
    closers.add(() => client.close());
    let providers = providersOf(config, log, metrics);
    const directory = new AgentDirectory(config, () => providers, new GivenNames(database), log);
    closers.add(() => directory.stop());
    await directory.refresh();

    const background = new Background(log);
    closers.add(() => background.idle());
    const pings = new RecentPings();
    // Of several processes on one database any may be reached.
    const hasReached = (transactionId: string): boolean => pings.has(transactionId) || !processes.alone;
    let lastPing: PingResult | undefined;
    const ping = async (): Promise<void> => {
      lastPing = await pingHomeserver(client, registration, log, { signal: stopping.signal }, hasReached);
    };

    const audit = new AuditLog(database);
    const rooms = new Rooms(database, log);
    const masterKey = await MasterKey.open(config.encryption.masterKey, database);
    const seals = new Seals(database, masterKey, log);
    await confirmSealed(database, seals, log);
    const banLists = new BanLists({ database, client, config, botUserId, log });
    closers.add(() => banLists.stop());
    await banLists.load();
    const permissions = new Permissions({
      config,
      botUserId,
      bans: () => banLists.bans,
      refused: (refused) => {
        const entry = auditOfRefusal(refused);
        if (entry !== undefined) background.run("the audit log", () => audit.record(database, entry));
      },
    });
    const invites = new InviteQuota(database, config);
    const turns = new TurnStore(database, seals);
    const mailbox = new Mailbox({
      database,
      seals,
      noteState: async (tx, events, options) => {
        await rooms.note(tx, events, options);
        await banLists.note(tx, events);
      },
      isGhost: (userId) => ghosts.isGhost(userId),
      log,
      metrics,
    });
    const outbox = new Outbox(database, seals);
    const history = new History(database, seals);
    const readFiles = new ReadFiles(database, seals);
    const exchanges = new Exchanges(database, seals);
    const settings = new RoomSettingsStore(database, seals, (name) => permissions.settersOf(name) === "nobody");
    const language = new RoomLanguage({ settings, history, spoken: new SpokenLanguages(database), config });
    const store = new GhostStore(database);
    const models = new KnownModels();
    const consents = new Consents(database);
    const requests = new ProviderRequests(database);
    const menus = new CommandMenus(database);
    const isEncrypted = (roomId: string): Promise<boolean> => rooms.isEncrypted(roomId);
    const privacy = new PrivacyGate({ config, consents, requests, models, isEncrypted });
    const pulls = new Pulls({
      permissions,
      note: (entry) => audit.record(database, entry),
      providers: () => [...providers.values()],
      installed: () => background.run("the list of models", () => directory.refresh()),
    });
    closers.add(() => pulls.stop());
    const summaries = new Summaries(database, seals, history, log);
    closers.add(() => summaries.stop());
    const retention = new Retention({
      rooms,
      history,
      mailbox,
      maxAgeMs: () => config.memory.retentionMs,
      read: async (roomId) => {
        const [userId] = await store.ghostsIn(roomId);
        if (userId !== undefined)
          await rooms.view(roomId, (room) => roomState(client, { userId }, room, { types: READ_STATE }));
      },
      log,
    });
    closers.add(
      startPruning(
        database,
        pruners(database, {
          mailbox,
          outbox,
          turns,
          exchanges,
          readFiles,
          requests,
          invites,
          menus,
          seals,
          retention,
          forgetKeysAfterMs: config.encryption.forgetKeysAfterMs,
        }),
        log,
      ),
    );
    const conversation: Conversation = new Conversation({
      history,
      turns,
      exchanges,
      get exchangeLimits() {
        return config.exchanges;
      },
      allowances: new Allowances(database, config),
      pulls,
      menus,
      models,
      privacy,
      consents,
      requests,
      isEncrypted,
      senderOf: (roomId, eventId) => mailbox.senderOf(roomId, eventId),
      isLatest: async ({ ghost: userId, roomId, eventId }) => {
        const called = (await store.membership(userId, roomId))?.calledDirect === true;
        return called && (await rooms.soleCompanion(roomId, userId)) !== undefined && rooms.isLatest(roomId, eventId);
      },
      summaries,
      language,
      get defaults() {
        return configuredDefaults(config);
      },
      agentsIn: async (roomId) =>
        (await store.ghostsIn(roomId)).flatMap((userId) => {
          const agent = directory.agentOf(userId);
          return agent === undefined ? [] : [{ userId, agent }];
        }),
      turnQueued: () => runner.kick(),
      stopTurns: (ids, how) => runner.stopTurns(ids, how),
      isAgent: (userId) => ghosts.isGhost(userId),
      agentOf: (userId) => directory.agentOf(userId),
      agents: () => directory.list(),
      agentNamed: (name) => directory.list().find(({ agent }) => agent.name === name)?.agent,
      provider: (name) => providers.get(name),
      permissions,
      get limits() {
        return config.turns;
      },
      get answers() {
        return config.answers;
      },
      settings,
      get transcription() {
        return config.transcription;
      },
      upload: (userId, roomId, bytes, mimetype, form) => ghost(userId).upload(roomId, bytes, mimetype, form),
      readFiles,
      readEvent: async (userId, roomId, eventId, signal) => {
        const event = await ghost(userId).read(roomId, eventId, signal);
        return event && { ...event, speaker: await ghost(userId).speakerOf(roomId, event.sender) };
      },
      download: (userId, attachment, maxBytes, signal) =>
        ghost(userId)
          .download(attachment, maxBytes, signal)
          .catch((error: unknown) => {
            signal.throwIfAborted();
            // The homeserver answers for other servers' files, and may wait for them: it is not away itself.
            if (isAway(error)) throw error;
            const why = error instanceof AnswerTooLarge ? "too_large" : "no_file";
            throw new UnreadableFile(why, { cause: error, isPassing: isRetryable(error) });
          }),
      log,
    });
    const services: GhostServices = {
      database,
      audit,
      client,
      process: processes.self,
      mailbox,
      rooms,
      store,
      outbox,
      missingKeys: new MissingKeys({
        database,
        seals,
        client,
        outbox,
        tellAfterMs: config.sync.missingKeyNoticeMs,
        isGhost: (userId) => ghosts.isGhost(userId),
        notices: conversation.notices,
      }),
      trustNotices: new TrustNotices(database),
      knownMembers: new KnownMembers(database),
      cryptoStore: createCryptoStore(database, log),
      masterKey,
      handler: conversation,
      notices: conversation.notices,
      places: new Semaphore(config.ghosts.maxLoaded, () => ghosts.makeRoom()),
      loading: new Semaphore(MAX_LOADING),
      syncing: new Semaphore(MAX_SYNCING),
      suspects: new Semaphore(1),
      loaded: () => runner.kick(),
      unneeded: () => ghosts.makeRoom(),
      elsewhere: (userId) => ghosts.elsewhere(userId),
      profileOf: (userId) => {
        if (userId === botUserId) return BOT_PROFILE;
        const agent = directory.agentOf(userId);
        return agent && { ...agent, displayName: profileName(agent) };
      },
      verification: config.encryption.verification,
      mode: config.encryption.mode,
      forgetKeysAfterMs: config.encryption.forgetKeysAfterMs,
      trustIn: (userId, roomId) => trustIn(config.encryption.trust, directory.agentOf(userId)?.name, roomId),
      words: () => language.elsewhere,
      permissions,
      isGhost: (userId) => ghosts.isGhost(userId),
      invites,
      log,
      metrics,
    };
    const avatars = new Avatars({
      database,
      client,
      configured: (userId) => directory.agentOf(userId)?.avatar,
      log,
    });
    closers.add(() => avatars.stop());
    const ghosts: Ghosts = new Ghosts({
      services,
      processes,
      botUserId,
      exists: (userId) => directory.agentOf(userId) !== undefined,
      listed: () => [botUserId, ...directory.list().map(({ userId }) => userId)],
      hasTurn: (userId) => runner.isBusy(userId),
      ghostsWithTurns: () => turns.ghostsWithOpenTurns(processes.self),
      idleAfterMs: config.ghosts.idleAfterMs,
      log,
    });
    closers.add(async () => {
      // A homeserver that does not answer must not hold up the stop: then what is under way ends unanswered.
      const impatience = setTimeout(() => {
        client.close().catch((error: unknown) => log.error({ error }, "connections could not be ended"));
      }, STOP_GRACE_MS);
      await ghosts.stop();
      clearTimeout(impatience);
    });
    await ghosts.load();

    const runner: TurnRunner = new TurnRunner({
      database,
      store: turns,
      process: processes.self,
      get limits() {
        const { maxWaitMs, maxDurationMs, retryModelForMs: retryForMs } = config.turns;
        return { maxWaitMs, maxDurationMs, retryForMs };
      },
      log,
      metrics,
    });
    runner.start({
      respond: async (turn, show, signal) =>
        conversation.answering.respond(turn, await ghost(turn.ghost).isDirect(turn.roomId), show, signal),
      giveUp: (turn, why) => conversation.answering.giveUp(turn, why),
      drafting: (turn) => conversation.answering.drafting(turn),
      former: async (turn, content, options) => {
        const answer = await conversation.answering.toBeEdited(turn);
        if (answer.length > 0) return answer;
        const step = stepOf(turn, DRAFT_STEP);
        const draft = await ghost(turn.ghost).resend(turn.roomId, "m.room.message", content, step, options);
        return draft === undefined ? [] : [draft];
      },
      begin: async (turn) => {
        const { lease, release } = await ghost(turn.ghost).hold();
        const endTyping = ghost(turn.ghost).startTyping(turn.roomId);
        return {
          lease,
          end: () => {
            endTyping();
            release();
          },
        };
      },
      send: (turn, step, content, options) =>
        ghost(turn.ghost).send(turn.roomId, "m.room.message", content, stepOf(turn, step), options),
      redact: (turn, step, eventId) => ghost(turn.ghost).redact(turn.roomId, eventId, stepOf(turn, step)),
      remember: (tx, turn, eventId, text) => conversation.answering.remember(tx, turn, eventId, text),
      ended: (turn, reply) => background.run("what follows an answer", () => conversation.answering.ended(turn, reply)),
      retryAfterMs: (error) => {
        if (error instanceof GhostHalted) return HALTED_WAIT_MS;
        return isRetryable(error) ? askedToWaitMs(error) : undefined;
      },
    });
    closers.add(() => runner.stop(config.turns.drainMs));

    const deliver = async (transaction: Transaction): Promise<void> => {
      ghosts.deliver(await mailbox.store(transaction));
      banLists.stored();
    };
    const missedMemberships = new MissedMemberships({
      client,
      ghosts: () => ghosts.userIds().filter((userId) => processes.prefers(userId)),
      deliver,
      isInvited: async (userId, roomId) => (await services.store.membership(userId, roomId))?.membership === "invite",
      reconcile: (userId, signal) => ghost(userId).reconcileRooms(signal),
      log,
    });
    const missedEvents = new MissedEvents({
      database,
      client,
      deliver,
      isOurs: (userId) => processes.prefers(userId),
      isGhost: (userId) => ghosts.isGhost(userId),
      log,
    });

    const appService = new AgentsAppService({
      hsToken: registration.hsToken,
      maxTransactionBytes: config.appservice.maxTransactionBytes,
      onTransaction: deliver,
      onUserQuery: async (userId) => {
        if (!ghosts.isGhost(userId)) await directory.refresh();
        if (userId !== botUserId && directory.agentOf(userId) === undefined) return false;
        if (!permissions.decide({ act: "query", userId: undefined, ghost: userId }).allowed) return false;
        await ghost(userId).announce();
        return true;
      },
      onPing: (transactionId) => pings.note(transactionId),
      log,
      metrics,
    });
    serveDoctor(appService.expressApp, { hsToken: registration.hsToken, database, pings });
    const running = await startAppService({
      registration: registration.raw,
      homeserverUrl: config.homeserver.url,
      domain: config.homeserver.domain,
      bindAddress: config.appservice.bind,
      port: config.appservice.port,
      appService,
      log,
    });
    closers.add(() => running.close());
    let isStarted = false;
    monitoring.watch({
      database,
      processes,
      client,
      registration,
      mailbox,
      turns,
      outbox,
      ghosts,
      providers: () => providers,
      isListening: () => appService.port !== undefined,
      lastPing: () => lastPing,
      isStarted: () => isStarted,
    });

    function ghost(userId: string): NonNullable<ReturnType<Ghosts["get"]>> {
      const found = ghosts.get(userId);
      if (found === undefined) throw new Error(`${userId} is not one of this bridge's users`);
      return found;
    }

    async function announce(userIds: readonly string[], options?: { readonly anew?: boolean }): Promise<void> {
      await ghosts.announce(userIds, options);
      await giveAvatars(userIds);
    }

    /** Each by the one process that makes it. */
    async function giveAvatars(userIds: readonly string[]): Promise<void> {
      await avatars.give(userIds.filter((userId) => processes.prefers(userId)));
    }

    /** Twice: while the homeserver goes through what it held back, it may lose something more. */
    async function findMissed(): Promise<void> {
      const search = async (): Promise<void> => {
        await missedMemberships.find(stopping.signal);
        await missedEvents.find(stopping.signal);
      };
      await search();
      await pause(SEARCH_AGAIN_AFTER_MS, stopping.signal);
      await search();
    }

    /** What was sent while the homeserver could not be reached is looked for, and it is told that we are there. */
    function returned(): void {
      log.info("the homeserver answers again");
      ghosts.catchUpAll();
      background.run("the search for missed events", () => findMissed());
      background.run("ping", ping);
    }

    /** Said once, and loudly: without it, every agent fails in its own way. */
    async function checkSupport(): Promise<void> {
      for (const missing of await missingSupport(client, botUserId, { signal: stopping.signal })) {
        log.error({ missing }, "the homeserver lacks what agents need to encrypt");
      }
    }

    /** What needs the homeserver; until it is there, transactions wait in the mailbox. */
    const goOnline = async (): Promise<void> => {
      processes.listen({
        bells: (bells) => ghosts.heard(bells),
        beat: () => {
          ghosts.beat();
          banLists.look();
        },
      });
      await awaitHomeserver(client, log, stopping.signal);
      await ping();
      await ghosts.announce([botUserId]);
      banLists.refresh();
      if (config.encryption.mode !== "off") background.run("the check of what the homeserver supports", checkSupport);
      await ghosts.announce([...directory.list().map(({ userId }) => userId)]);
      // Whoever has asked for one of them does not wait until all are made.
      directory.onChange((userIds) => background.run("the new agents", () => announce(userIds, { anew: true })));
      ghosts.start(config.sync.intervalMs);
      background.run("the search for missed events", () => findMissed());
      background.run("the watch", () => watchHomeserver(client, botUserId, log, stopping.signal));
      runner.kick();
      isStarted = true;
      log.info({ agents: directory.list().length, database: database.kind }, "ready");
      background.run("the avatars", () => giveAvatars([botUserId, ...directory.list().map(({ userId }) => userId)]));
    };
    const online = goOnline().catch((error: unknown) => {
      if (!stopping.signal.aborted) log.error({ error }, "start-up was interrupted");
    });
    closers.add(() => online);

    return {
      stop: closeAll,
      reconfigure: (next, changed) => {
        // Before anything is taken over: what is wrong with a provider is found when it is made.
        const made = changedProviders(providers, config, next, log, metrics);
        providers = made;
        live.replace(next);
        background.run("the audit log", () => audit.record(database, { kind: "config.reloaded", changed }));
        banLists.refresh();
        background.run("the new agents", async () => {
          await directory.reconfigured();
          const agents = directory.list().map(({ userId }) => userId);
          await announce(agents, { anew: true });
          runner.kick();
        });
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** When the homeserver has gone through what it held back for us, in ms after its or our return. */
const SEARCH_AGAIN_AFTER_MS = 15_000;

/** How many ghosts are being loaded, and are looking at their /sync, at once. */
const MAX_LOADING = 8;
const MAX_SYNCING = 8;

/** How long the ghosts' calls may take to end when the bridge stops, in ms. */
const STOP_GRACE_MS = 5_000;

const BOT_PROFILE = { displayName: "AI agents" };
