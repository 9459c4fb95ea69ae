import { FailureNotices } from "../answering/failure-notices.ts";
import { downloadedFile, readMessage } from "../answering/ghost-files.ts";
import type { AnsweringOptions } from "../answering/parts.ts";
import { agentsInRoom } from "../ghost/agents-in-room.ts";
import { privateChat } from "../ghost/private-chat.ts";
import type { Ghosts } from "../ghost/ghosts.ts";
import { refreshRoom } from "../ghost/refreshed-room.ts";
import { configuredDefaults } from "../rooms/settings.ts";
import { signInLinks, type AskToSignIn } from "../answering/sign-in-links.ts";
import type { StandingOf } from "../answering/tool-agreement.ts";
import { ToolAccess, type MayGrant } from "../tools/tool-access.ts";
import type { Foundation } from "./foundation.ts";
import type { Stores } from "./stores.ts";

/** All parts for making answers. */
export function answeringOptions(foundation: Foundation, stores: Stores, ghosts: Ghosts): AnsweringOptions {
  const { client, settings: inForce, directory, providers, closers, log } = foundation;
  const { memberships, rooms, history, quoted, readFiles, summaries, turns, exchanges, allowances, tools } = stores;
  const { models, privacy, grants, isEncrypted, language, permissions, settings } = stores;
  closers.add(() => summaries.stop());
  const standingOf: StandingOf = async (roomId, userId) => {
    await refreshRoom(memberships, rooms, client, roomId);
    const [isJoined, isModerator] = await Promise.all([
      rooms.isJoined(roomId, userId),
      rooms.isModerator(roomId, userId),
    ]);
    return { isJoined, isModerator };
  };
  const mayGrant: MayGrant = async (ghost, roomId, userId) => {
    const { isJoined, isModerator } = await standingOf(roomId, userId);
    return isJoined && (isModerator || permissions.allows({ act: "moderate", userId, ghost, roomId }));
  };
  return {
    history,
    quoted,
    readFiles,
    summaries,
    turns,
    exchanges,
    allowances,
    models,
    privacy,
    isEncrypted,
    language,
    permissions,
    settings,
    exchangeLimits: () => inForce().exchanges,
    defaults: () => configuredDefaults(inForce()),
    tools,
    toolAccess: new ToolAccess({ servers: tools, privacy, grants, isEncrypted, mayGrant }),
    askToSignIn: askToSignIn(foundation, stores, ghosts),
    approvalMs: () => inForce().turns.approvalMs,
    answers: () => inForce().answers,
    transcription: () => inForce().transcription,
    failureNotices: new FailureNotices((userId) => directory.agentOf(userId)),
    isLatest: (message) => rooms.isLatestOfTwo(message.ghost, message.roomId, message.eventId),
    standingOf,
    agentsIn: (roomId) => agentsInRoom(memberships, directory, roomId),
    agentOf: (userId) => directory.agentOf(userId),
    agents: () => directory.list(),
    agentNamed: (name) => directory.list().find(({ agent }) => agent.name === name)?.agent,
    provider: (name) => providers.now.get(name),
    makeStream: (userId, roomId) => ghosts.of(userId).makeStream(roomId),
    upload: (userId, ...file) => ghosts.of(userId).upload(...file),
    readEvent: (userId, ...event) => readMessage(ghosts.of(userId), ...event),
    download: (userId, ...file) => downloadedFile(ghosts.of(userId), ...file),
    log,
  };
}

/** Links for signing in go to each person alone. Agents that don't encrypt send none. */
function askToSignIn(
  { client, config, log }: Foundation,
  { memberships, rooms, toolSignIns, language }: Stores,
  ghosts: Ghosts,
): AskToSignIn {
  return signInLinks({
    people: toolSignIns.people,
    ghostOf: (userId) => ghosts.of(userId),
    privateChat: (ghost, person, preferred) =>
      config.encryption.mode === "off"
        ? Promise.resolve(undefined)
        : privateChat({ memberships, rooms, client, log }, { ghost, person, preferred }),
    language,
    log,
  });
}
