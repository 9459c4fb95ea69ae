import type { ExchangeSettings } from "../config/config.ts";
import type { Agent, ListedAgent } from "../agents/agents.ts";
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
import type { RoomDefaults } from "../rooms/settings.ts";
import type { RoomSettingsStore } from "../rooms/settings-store.ts";
import type { RenderedText } from "../text/markdown.ts";
import type { Admission } from "../turns/admission.ts";
import type { Allowances } from "../turns/allowances.ts";
import type { Exchanges } from "../turns/exchanges.ts";
import type { TurnStore } from "../turns/turn-store.ts";

/** Something that can follow a command, as menus show it. */
export interface Parameter {
  readonly key: ParameterWord;
  /** MSC4391 "Type schema". */
  readonly schema: object;
  readonly optional: boolean;
}

/** What stands behind a command: its argument, or why it is none. */
export type Reading<A> =
  | { readonly kind: "right"; readonly argument: A }
  | { readonly kind: "wrong" }
  /** `length` is in characters. */
  | { readonly kind: "too_long"; readonly length: number };

/**
 * Something that agents can be told with `!…`. Its words are in the files of the languages, under its name. A is what
 * {@link read} makes of the words behind it.
 */
export interface Command<A = unknown> {
  readonly name: CommandWord;
  /** The group that `help` shows it in; those for groups are not known in direct chats. */
  readonly group: CommandGroup;
  /** What follows the name in an example; absent where nothing can. */
  readonly example?: string;
  /** What can follow, in the order in which it is written; absent where nothing can. */
  readonly parameters?: readonly Parameter[];
  /** Whether it may be said to nobody in particular. */
  readonly isBare?: true;
  /** What it does, in a few words. */
  readonly meaning: (words: Words) => string;
  /** What can follow the name, as people write it; absent where nothing can. */
  readonly takes?: (words: Words) => string;
  /** Reads what follows the name; absent where nothing can. */
  read?(rest: string): Reading<A>;
  /** Whether it changes what the moderators of a room decide; absent where it never does. */
  isForModerators?(argument: A): boolean;
  /** The language that it is answered in, where that is not the room's. */
  speaks?(argument: A): Language | undefined;
  /**
   * Does what can be done before anything is stored, and says what comes of it. Throws what the database throws; then
   * nothing has come of it, and the command is carried out again.
   */
  carryOut(services: CommandServices, asked: Asked, argument: A): CommandOutcome | Promise<CommandOutcome>;
}

/** Who has given a command, to which agent, and how it is answered. */
export interface Asked {
  readonly ghost: GhostHandle;
  readonly message: GhostMessage;
  readonly threadRoot: string | undefined;
  /** Undefined when the agent's model has gone. */
  readonly agent: Agent | undefined;
  /** The agent's display name. */
  readonly agentName: string;
  readonly words: Words;
  /** What stands before a command so that it is for this agent. */
  readonly call: string;
}

/** What came of a command, and what is said of that: in words, or by a reaction where that says enough. */
export type CommandOutcome = ({ readonly words: string | RenderedText } | { readonly reaction: string }) & Consequence;

interface Consequence extends Outcome {
  /** Whether what is said shows words that came encrypted, in whichever form the command did. */
  readonly encrypted?: boolean;
  /** The thread it is said in, if not in that of the command. */
  readonly threadRoot?: string;
}

/** What commands are carried out with; each names in {@link Command.carryOut} what it needs of it. */
export interface CommandServices {
  readonly commands: readonly Command[];
  readonly history: History;
  readonly forgetting: Forgetting;
  readonly turns: TurnStore;
  readonly exchanges: Exchanges;
  readonly settings: RoomSettingsStore;
  readonly models: KnownModels;
  readonly agentOf: (ghost: string) => Agent | undefined;
  readonly agents: () => readonly ListedAgent[];
  /** The agents that are in a room. */
  readonly agentsIn: (roomId: string) => Promise<readonly ListedAgent[]>;
  readonly provider: (name: string) => Provider | undefined;
  /** What rooms have that set nothing. */
  readonly defaults: () => RoomDefaults;
  readonly privacy: PrivacyGate;
  readonly consents: Consents;
  readonly requests: ProviderRequests;
  readonly isEncrypted: (roomId: string) => Promise<boolean>;
  readonly allowances: Allowances;
  readonly limits: () => { readonly maxQueued: number };
  readonly exchangeLimits: () => ExchangeSettings;
  readonly language: RoomLanguage;
  readonly permissions: Permissions;
  readonly stopTurns: (ids: readonly number[], how: { readonly keeps: boolean }) => void;
  readonly turnQueued: () => void;
  readonly failureNotices: FailureNotices;
  readonly admission: Admission;
  /** While a command is carried out, the agent hears nobody else: it waits for providers only so long. */
  readonly patience: Patience;
}
