import type { AnsweringOptions } from "../answering/parts.ts";
import type { CommandMenus } from "../commands/command-menus.ts";
import type { Pulls } from "../commands/pulls.ts";
import type { Forgetting } from "../memory/forgetting.ts";
import type { Permissions } from "../permissions/permissions.ts";
import type { Consents } from "../privacy/consents.ts";
import type { ProviderRequests } from "../privacy/provider-requests.ts";
import type { VoiceCallsOptions } from "./voice-calls.ts";

/** What answers are made with, as far as it is needed before there is anything to answer. */
type SharedWithAnswers = Pick<
  AnsweringOptions,
  | "agentOf"
  | "agents"
  | "agentsIn"
  | "allowances"
  | "answers"
  | "defaults"
  | "exchangeLimits"
  | "exchanges"
  | "failureNotices"
  | "history"
  | "isEncrypted"
  | "isLatest"
  | "language"
  | "models"
  | "privacy"
  | "provider"
  | "quoted"
  | "settings"
  | "turns"
>;

/** What the conversation needs of its surroundings. */
export interface ConversationOptions extends SharedWithAnswers, VoiceCallsOptions {
  readonly forgetting: Forgetting;
  /** Called after a turn was queued and committed. */
  readonly turnQueued: () => void;
  /** Called after running turns were to be stopped and that was committed. */
  readonly stopTurns: (ids: readonly number[], how: { readonly keeps: boolean }) => void;
  readonly pulls: Pulls;
  readonly menus: CommandMenus;
  readonly consents: Consents;
  readonly requests: ProviderRequests;
  /** Who sent an event of a room, as far as that is known still. */
  readonly senderOf: (roomId: string, eventId: string) => Promise<string | undefined>;
  readonly isAgent: (userId: string) => boolean;
  /** Asked before anything that somebody wants. */
  readonly permissions: Permissions;
  /** Asked anew each time. */
  readonly limits: () => {
    /** Questions that may wait in one conversation. */
    readonly maxQueued: number;
    /** A message that had to wait for its key for longer is not answered any more, in ms. */
    readonly maxWaitMs: number;
  };
}
