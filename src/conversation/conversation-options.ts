import type { AgentPauses } from "../agents/pauses.ts";
import type { AnsweringOptions } from "../answering/parts.ts";
import type { ToolDecisions } from "../answering/tool-decisions.ts";
import type { CommandMenus } from "../commands/command-menus.ts";
import type { PageLinks } from "../commands/page-links.ts";
import type { Pulls } from "../commands/pulls.ts";
import type { Forgetting } from "../memory/forgetting.ts";
import type { Permissions } from "../permissions/permissions.ts";
import type { Consents } from "../privacy/consents.ts";
import type { ProviderRequests } from "../privacy/provider-requests.ts";
import type { Reminders } from "../reminders/reminders.ts";
import type { PersonSignIns } from "../tools/sign-in/person-sign-ins.ts";
import type { ToolGrants } from "../tools/tool-grants.ts";
import type { StoppedTurns, Turn } from "../turns/turn.ts";
import type { VoiceCallsOptions } from "./voice-calls.ts";

/** The parts of answering that are needed before there is anything to answer. */
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
  | "toolAccess"
  | "tools"
  | "turns"
>;

/** The surroundings of the conversation. */
export interface ConversationOptions extends SharedWithAnswers, VoiceCallsOptions {
  readonly forgetting: Forgetting;
  readonly reminders: Reminders;
  readonly pauses: Pick<AgentPauses, "of">;
  /**
   * Called after a turn was queued and committed.
   *
   * @param first the turn, where no other one of its conversation is open.
   */
  readonly turnQueued: (first?: Turn) => void;
  /** Called after the commit that stops running turns. */
  readonly stopTurns: (ids: readonly number[], how: { readonly keeps: boolean }) => void;
  /** Says at questions about calls that nobody has to answer them any more. Returns at once. */
  readonly waitsStopped: (waits: StoppedTurns["waiting"]) => void;
  readonly toolDecisions: ToolDecisions;
  readonly grants: ToolGrants;
  readonly toolSignIns: PersonSignIns;
  readonly pulls: Pulls;
  readonly pageLinks: PageLinks;
  readonly menus: CommandMenus;
  readonly consents: Consents;
  readonly requests: ProviderRequests;
  /** The sender of an event in a room, if still known. */
  readonly senderOf: (roomId: string, eventId: string) => Promise<string | undefined>;
  readonly isAgent: (userId: string) => boolean;
  /** Asked before anything is done for a person. */
  readonly permissions: Permissions;
  /** Read anew each time. */
  readonly limits: () => {
    /** The most waiting questions in one conversation. */
    readonly maxQueued: number;
    /** A message that waited longer for its key is no longer answered, in ms. */
    readonly maxWaitMs: number;
  };
}
