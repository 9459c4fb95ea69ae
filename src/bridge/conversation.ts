import { hasModel } from "../agents/agents.ts";
import type { AnsweringOptions } from "../answering/parts.ts";
import { tellStopped } from "../answering/stopped-waits.ts";
import { ToolDecisions } from "../answering/tool-decisions.ts";
import { Pulls } from "../commands/pulls.ts";
import { Conversation } from "../conversation/conversation.ts";
import type { Ghosts } from "../ghost/ghosts.ts";
import type { Mailbox } from "../mailbox/mailbox.ts";
import type { TurnRunner } from "../turns/turn-runner.ts";
import { pageLinks } from "../web/sign-in/page-links.ts";
import { SignIns } from "../web/sign-in/sign-ins.ts";
import type { Foundation } from "./foundation.ts";
import type { Stores } from "./stores.ts";

/** The conversation, which queues questions for others to answer. */
export function makeConversation(
  foundation: Foundation,
  stores: Stores,
  answering: AnsweringOptions,
  { mailbox, ghosts, runner }: { readonly mailbox: Mailbox; readonly ghosts: Ghosts; readonly runner: TurnRunner },
): Conversation {
  const { settings: inForce } = foundation;
  const { permissions, forgetting, reminders, menus, consents, requests, grants, pauses } = stores;
  const { language, isEncrypted, turns, tools: servers } = stores;
  const { database, background } = foundation;
  return new Conversation({
    ...answering,
    permissions,
    forgetting,
    reminders,
    pauses,
    pulls: makePulls(foundation, stores),
    pageLinks: pageLinks(new SignIns(database), { settings: inForce, permissions, botUserId: foundation.botUserId }),
    menus,
    consents,
    requests,
    grants,
    toolSignIns: stores.toolSignIns.people,
    toolDecisions: new ToolDecisions({ database, turns: turns.waiting, servers, grants, permissions, isEncrypted }),
    waitsStopped: (waits) => {
      if (waits.length === 0) return;
      const isMarked = (userId: string): boolean => {
        const agent = answering.agentOf(userId);
        return inForce().answers.aiMarks && agent !== undefined && hasModel(agent);
      };
      background.run("the questions of stopped answers", () =>
        tellStopped(waits, { ghostOf: (userId) => ghosts.of(userId), language, isMarked }),
      );
    },
    limits: () => inForce().turns,
    senderOf: (roomId, eventId) => mailbox.senderOf(roomId, eventId),
    turnQueued: (first) => (first === undefined ? runner.kick() : runner.queued(first)),
    stopTurns: (ids, how) => runner.stopTurns(ids, how),
    isAgent: (userId) => ghosts.isGhost(userId),
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
