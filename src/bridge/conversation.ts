import { downloadedFile, readMessage } from "../answering/ghost-files.ts";
import { Pulls } from "../commands/pulls.ts";
import { Conversation } from "../conversation/conversation.ts";
import { agentsInRoom } from "../ghost/agents-in-room.ts";
import type { Ghosts } from "../ghost/ghosts.ts";
import { isLatestOfTwo } from "../ghost/latest-message.ts";
import type { Mailbox } from "../mailbox/mailbox.ts";
import { configuredDefaults } from "../rooms/settings.ts";
import type { TurnRunner } from "../turns/turn-runner.ts";
import type { Foundation } from "./foundation.ts";
import type { Stores } from "./stores.ts";

/** The conversation, and what answers in it. */
export function makeConversation(
  foundation: Foundation,
  stores: Stores,
  { mailbox, ghosts, runner }: { readonly mailbox: Mailbox; readonly ghosts: Ghosts; readonly runner: TurnRunner },
): Conversation {
  const { settings: inForce, directory, providers, closers, log } = foundation;
  const { ghostStore, rooms, summaries } = stores;
  const { history, turns, exchanges, allowances, menus, models, privacy, consents, requests, isEncrypted } = stores;
  const { language, permissions, settings, readFiles } = stores;
  const pulls = makePulls(foundation, stores);
  closers.add(() => summaries.stop());
  return new Conversation({
    history,
    turns,
    exchanges,
    allowances,
    pulls,
    menus,
    models,
    privacy,
    consents,
    requests,
    isEncrypted,
    summaries,
    language,
    permissions,
    settings,
    readFiles,
    exchangeLimits: () => inForce().exchanges,
    defaults: () => configuredDefaults(inForce()),
    limits: () => inForce().turns,
    answers: () => inForce().answers,
    transcription: () => inForce().transcription,
    senderOf: (roomId, eventId) => mailbox.senderOf(roomId, eventId),
    isLatest: (message) => isLatestOfTwo(ghostStore, rooms, message),
    agentsIn: (roomId) => agentsInRoom(ghostStore, directory, roomId),
    turnQueued: () => runner.kick(),
    stopTurns: (ids, how) => runner.stopTurns(ids, how),
    isAgent: (userId) => ghosts.isGhost(userId),
    agentOf: (userId) => directory.agentOf(userId),
    agents: () => directory.list(),
    agentNamed: (name) => directory.list().find(({ agent }) => agent.name === name)?.agent,
    provider: (name) => providers.now.get(name),
    upload: (userId, ...file) => ghosts.of(userId).upload(...file),
    readEvent: (userId, ...event) => readMessage(ghosts.of(userId), ...event),
    download: (userId, ...file) => downloadedFile(ghosts.of(userId), ...file),
    log,
  });
}

function makePulls(
  { database, providers, directory, background, closers }: Foundation,
  { permissions, audit }: Stores,
): Pulls {
  const pulls = new Pulls({
    permissions,
    note: (entry) => audit.record(database, entry),
    providers: () => [...providers.now.values()],
    installed: () => background.run("the list of models", () => directory.refresh()),
  });
  closers.add(() => pulls.stop());
  return pulls;
}
