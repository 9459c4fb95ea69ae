import { hasModel, profileName } from "../agents/agents.ts";
import { Semaphore } from "../concurrency/semaphore.ts";
import { KeyedSerial } from "../concurrency/serial.ts";
import type { Conversation } from "../conversation/conversation.ts";
import { createCryptoStore } from "../crypto/store/crypto-store.ts";
import { DeviceMaker } from "../ghost/device/device-maker.ts";
import type { EncryptionRules, GhostLimits, GhostServices } from "../ghost/ghost-services.ts";
import { Ghosts } from "../ghost/ghosts.ts";
import { KnownMembers } from "../ghost/known-members.ts";
import { MissingKeys } from "../ghost/missing-keys.ts";
import { BOT_PROFILE, type Profile } from "../ghost/profile.ts";
import { TrustNotices } from "../ghost/trust-notices.ts";
import type { Mailbox } from "../mailbox/mailbox.ts";
import { trustIn } from "../permissions/trust.ts";
import type { TurnRunner } from "../turns/turn-runner.ts";
import type { Foundation } from "./foundation.ts";
import type { Stores } from "./stores.ts";

/** The ghosts that are being loaded, or are in a /sync, at once. */
const MAX_LOADING = 8;
const MAX_SYNCING = 8;

/** The time that ghosts' calls get when the bridge stops, in ms. */
const STOP_GRACE_MS = 5_000;

/** The parts that ghosts work with, beside the foundation and the stores. */
interface GhostParts {
  readonly mailbox: Mailbox;
  readonly conversation: Conversation;
  readonly runner: TurnRunner;
}

/** The ghosts, not loaded yet: the parts that they report to are made later. */
export function makeGhosts(
  { config, directory, processes, botUserId, log }: Foundation,
  { turns }: Stores,
  runner: TurnRunner,
): Ghosts {
  return new Ghosts({
    processes,
    botUserId,
    exists: (userId) => directory.agentOf(userId) !== undefined,
    listed: () => [botUserId, ...directory.list().map(({ userId }) => userId)],
    hasTurn: (userId) => runner.isBusy(userId),
    ghostsWithTurns: () => turns.queue.ghostsWithOpenTurns(processes.self),
    idleAfterMs: config.ghosts.idleAfterMs,
    log,
  });
}

/** Gives the ghosts their surroundings, and registers their end. */
export async function loadGhosts(
  ghosts: Ghosts,
  foundation: Foundation,
  stores: Stores,
  parts: GhostParts,
): Promise<void> {
  const { client, closers, log } = foundation;
  closers.add(async () => {
    // A homeserver that does not answer must not hold up the stop: running calls are then aborted.
    const impatience = setTimeout(() => {
      client.close().catch((error: unknown) => log.error({ error }, "connections could not be closed"));
    }, STOP_GRACE_MS);
    await ghosts.stop();
    clearTimeout(impatience);
  });
  await ghosts.load(servicesOf(ghosts, foundation, stores, parts));
}

function servicesOf(
  ghosts: Ghosts,
  foundation: Foundation,
  {
    audit,
    rooms,
    settings: roomSettings,
    memberships,
    ghostStore,
    outbox,
    seals,
    masterKey,
    permissions,
    invites,
    language,
  }: Stores,
  { mailbox, conversation, runner }: GhostParts,
): GhostServices {
  const { config, database, client, processes, botUserId, log, metrics } = foundation;
  const { notices } = conversation;
  const isGhost = (userId: string): boolean => ghosts.isGhost(userId);
  const tellAfterMs = config.sync.missingKeyNoticeMs;
  return {
    database,
    audit,
    client,
    process: processes.self,
    mailbox,
    rooms,
    roomSettings,
    store: ghostStore,
    memberships,
    outbox,
    missingKeys: new MissingKeys({ database, seals, client, outbox, tellAfterMs, isGhost, notices }),
    trustNotices: new TrustNotices(database),
    knownMembers: new KnownMembers(database),
    cryptoStore: createCryptoStore(database, log),
    deviceMaker: new DeviceMaker(client, log),
    masterKey,
    handler: conversation,
    notices,
    ...limitsOf(ghosts, foundation),
    ...encryptionRulesOf(foundation),
    loaded: () => runner.kick(),
    unneeded: () => ghosts.makeRoom(),
    elsewhere: (userId) => ghosts.elsewhere(userId),
    profileOf: (userId) => profileOf(userId, botUserId, foundation),
    words: () => language.elsewhere,
    permissions,
    isGhost,
    invites,
    log,
    metrics,
  };
}

function limitsOf(ghosts: Ghosts, { config }: Foundation): GhostLimits {
  return {
    loadedAtOnce: new Semaphore(config.ghosts.maxLoaded, () => ghosts.makeRoom()),
    loading: new Semaphore(MAX_LOADING),
    syncing: new Semaphore(MAX_SYNCING),
    joining: new KeyedSerial(),
    suspects: new Semaphore(1),
  };
}

function encryptionRulesOf({ config, settings, directory }: Foundation): EncryptionRules {
  const { verification, mode, forgetKeysAfterMs } = config.encryption;
  return {
    verification,
    mode,
    forgetKeysAfterMs,
    trustIn: (userId, roomId) => trustIn(settings().encryption.trust, directory.agentOf(userId)?.name, roomId),
  };
}

function profileOf(
  userId: string,
  botUserId: string,
  { directory, settings }: Pick<Foundation, "directory" | "settings">,
): Profile | undefined {
  if (userId === botUserId) return BOT_PROFILE;
  const agent = directory.agentOf(userId);
  return agent && { displayName: profileName(agent), isMarked: settings().answers.aiMarks && hasModel(agent) };
}
