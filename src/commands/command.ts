import type { AgentPauses } from "../agents/pauses.ts";
import type { ExchangeSettings } from "../config/exchange-config.ts";
import type { Agent, ListedAgent } from "../agents/agents.ts";
import type { ToolDecisions } from "../answering/tool-decisions.ts";
import type { FailureNotices } from "../answering/failure-notices.ts";
import type { RoomLanguage } from "../answering/room-language.ts";
import type { GhostHandle } from "../ghost/ghost-handle.ts";
import type { GhostMessage } from "../ghost/received.ts";
import type { Outcome } from "../ghost/outcome.ts";
import type { Language } from "../language/languages.ts";
import type { CommandWord, ParameterWord, Words } from "../language/words.ts";
import type { CommandGroup } from "../language/phrases.ts";
import type { Forgetting } from "../memory/forgetting.ts";
import type { History } from "../memory/history.ts";
import type { Permissions } from "../permissions/permissions.ts";
import type { Consents } from "../privacy/consents.ts";
import type { PrivacyGate } from "../privacy/gate.ts";
import type { ProviderRequests } from "../privacy/provider-requests.ts";
import type { KnownModels } from "../providers/model-facts.ts";
import type { Patience } from "../providers/patience.ts";
import type { Provider } from "../providers/provider.ts";
import type { Reminders } from "../reminders/reminders.ts";
import type { RoomDefaults } from "../rooms/settings.ts";
import type { RoomSettingsStore } from "../rooms/settings-store.ts";
import type { RenderedText } from "../text/markdown.ts";
import type { ToolAccess } from "../tools/tool-access.ts";
import type { ToolGrants } from "../tools/tool-grants.ts";
import type { PersonSignIns } from "../tools/sign-in/person-sign-ins.ts";
import type { ToolServers } from "../tools/tool-servers.ts";
import type { Admission } from "../turns/admission.ts";
import type { Allowances } from "../turns/allowances.ts";
import type { Exchanges } from "../turns/exchanges.ts";
import type { StoppedTurns } from "../turns/turn.ts";
import type { TurnStore } from "../turns/turn-store.ts";

/** A parameter of a command, as menus show it. */
export interface Parameter {
  readonly key: ParameterWord;
  /** MSC4391 "Type schema". */
  readonly schema: object;
  readonly optional: boolean;
}

/** The reading of the text after a command: its argument, or the fault. */
export type Reading<A> =
  | { readonly kind: "right"; readonly argument: A }
  | { readonly kind: "wrong" }
  /** `length` is in characters. */
  | { readonly kind: "too_long"; readonly length: number };

/**
 * A command of agents, written `!…`. Its words are in the language files, under its name. A is the result of {@link
 * read}.
 */
export interface Command<A = unknown> {
  readonly name: CommandWord;
  /** The group in `help`; commands for groups do not exist in direct chats. */
  readonly group: CommandGroup;
  /** The text after the name in an example; absent where there is none. */
  readonly example?: string;
  /** The parameters, in writing order; absent where there are none. */
  readonly parameters?: readonly Parameter[];
  /** Whether it may address nobody in particular. */
  readonly isBare?: true;
  /** Its purpose, in a few words. */
  readonly meaning: (words: Words) => string;
  /** Its parameters in the form that people write; absent where there are none. */
  readonly takes?: (words: Words) => string;
  /** Reads the text after the name; absent where there is none. */
  read?(rest: string): Reading<A>;
  /** Whether it changes something that the room's moderators decide; absent where it never does. */
  isForModerators?(argument: A): boolean;
  /** The language of its answer, where that is not the room's. */
  speaks?(argument: A): Language | undefined;
  /**
   * Carries the command out as far as possible before anything is stored, and returns the result. Throws the database's
   * error; then nothing has changed, and the command is carried out again.
   */
  carryOut(services: CommandServices, asked: Asked, argument: A): CommandOutcome | Promise<CommandOutcome>;
}

/** The author and the agent of a command, and the surroundings of its answer. */
export interface Asked {
  readonly ghost: GhostHandle;
  readonly message: GhostMessage;
  readonly threadRoot: string | undefined;
  /** Undefined when the agent's model is gone. */
  readonly agent: Agent | undefined;
  /** The agent's display name. */
  readonly agentName: string;
  readonly words: Words;
  /** The words before a command that address this agent. */
  readonly call: string;
}

/** The result of a command, and its report: in words, or by a reaction where that is enough. */
export type CommandOutcome = ({ readonly words: string | RenderedText } | { readonly reaction: string }) & Consequence;

interface Consequence extends Outcome {
  /** Whether the report shows words that came encrypted, in whatever form the command came. */
  readonly encrypted?: boolean;
  /** The thread of the report, if it is not the command's. */
  readonly threadRoot?: string;
}

/** The services for commands; each names the ones it needs in {@link Command.carryOut}. */
export interface CommandServices {
  readonly commands: readonly Command[];
  readonly history: History;
  readonly forgetting: Forgetting;
  readonly reminders: Reminders;
  readonly turns: TurnStore;
  readonly exchanges: Exchanges;
  readonly settings: RoomSettingsStore;
  readonly models: KnownModels;
  readonly agentOf: (ghost: string) => Agent | undefined;
  readonly agents: () => readonly ListedAgent[];
  /** The agents that are in a room. */
  readonly agentsIn: (roomId: string) => Promise<readonly ListedAgent[]>;
  readonly provider: (name: string) => Provider | undefined;
  /** The values of rooms that set nothing. */
  readonly defaults: () => RoomDefaults;
  readonly privacy: PrivacyGate;
  readonly consents: Consents;
  readonly requests: ProviderRequests;
  readonly tools: ToolServers;
  readonly toolAccess: ToolAccess;
  readonly toolDecisions: ToolDecisions;
  readonly grants: ToolGrants;
  readonly toolSignIns: PersonSignIns;
  readonly isEncrypted: (roomId: string) => Promise<boolean>;
  readonly allowances: Allowances;
  readonly limits: () => { readonly maxQueued: number };
  readonly exchangeLimits: () => ExchangeSettings;
  readonly language: RoomLanguage;
  readonly permissions: Permissions;
  readonly stopTurns: (ids: readonly number[], how: { readonly keeps: boolean }) => void;
  readonly waitsStopped: (waits: StoppedTurns["waiting"]) => void;
  readonly turnQueued: () => void;
  readonly failureNotices: FailureNotices;
  readonly admission: Admission;
  readonly pauses: Pick<AgentPauses, "of">;
  /** Limits the wait for providers: while a command runs, the agent hears nobody else. */
  readonly patience: Patience;
}
