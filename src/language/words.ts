/** What a notice about a failed turn is made of. */
export interface FailedTurn {
  /** The agent's display name. */
  readonly agent: string;
  /** The provider's name of the model. */
  readonly model: string;
  /** The key under `providers:` in config.yaml, for the admin to recognise. */
  readonly provider: string;
}

/** Where an agent's words go. */
export interface CloudPlace {
  /** The agent's display name. */
  readonly agent: string;
  /** The key under `providers:` in config.yaml. */
  readonly provider: string;
  readonly host: string;
}

/** How a command is written, and what it does. */
export interface CommandWords {
  readonly usage: string;
  readonly meaning: string;
}

/** How much somebody has asked. */
export interface UsageWords {
  readonly questions: number;
  readonly tokens: number;
}

/**
 * All that the bridge says in rooms of its own accord. Notices say what happened, and what people or the admin can do; they
 * name models and providers as the configuration does, and hold no address and no error's own words. Markdown.
 */
export interface Words {
  /** By the kind of failure. */
  readonly failures: Readonly<Record<FailureWord, (turn: FailedTurn) => string>>;
  /** By the sender's client's own reason to keep a key back; `other` for none, or one that is not known. */
  readonly missingKey: Readonly<
    Record<"unverified" | "blacklisted" | "unavailable" | "other", (agent: string) => string>
  >;
  /** @param userId whose device or identity is not trusted enough. */
  readonly distrust: Readonly<Record<DistrustWord, (agent: string, userId: string) => string>>;
  readonly unsignedAgent: (agent: string) => string;
  readonly unseenVerification: (agent: string) => string;
  /** What is added to the welcome of an agent whose words leave the network. */
  /** Below an answer that another agent's model gave. */
  readonly fallback: (agent: string, model: string) => string;
  readonly welcomeCloud: (place: CloudPlace) => string;
  readonly consent: {
    /** What would leave, and to whom; how to agree: where the room is encrypted, by a command alone. */
    readonly ask: (place: CloudPlace, isEncrypted: boolean) => string;
    /** It was asked already, and the question waits. */
    readonly pending: (place: CloudPlace, isEncrypted: boolean) => string;
    /** Somebody agreed in clear, in a room that is encrypted. */
    readonly notEncrypted: string;
    readonly declined: (place: CloudPlace) => string;
    readonly denied: (place: CloudPlace) => string;
    readonly allowed: (place: CloudPlace) => string;
    readonly nowDeclined: (place: CloudPlace) => string;
    readonly revoked: (place: CloudPlace) => string;
    /** Nothing leaves with this agent anyway. */
    readonly unneeded: (agent: string) => string;
  };
  readonly privacy: {
    readonly encrypted: string;
    readonly notEncrypted: string;
    readonly agentLocal: (place: CloudPlace) => string;
    readonly agentCloud: (place: CloudPlace, decision: string) => string;
    readonly decidedYes: (by: string, day: string) => string;
    readonly decidedNo: (by: string, day: string) => string;
    readonly policies: Readonly<Record<"deny" | "ask" | "allow", string>>;
    readonly sentNothing: string;
    readonly sent: (place: CloudPlace, requests: number, size: string, isCloud: boolean) => string;
    readonly lastDays: (days: number) => string;
  };
  readonly welcome: (agent: string, direct: boolean) => string;
  /** Why an invite is declined. */
  readonly invites: Readonly<Record<"noAccess" | "notThisAgent" | "roomBlocked" | "roomTooLarge" | "tooMany", string>>;
  /** An agent does not answer in a room that has grown. */
  readonly roomTooLarge: (agent: string, members: number) => string;
  readonly onlyEncryptedRooms: string;
  readonly noEncryptedRooms: string;
  readonly bot: {
    readonly help: string;
    readonly noAgents: string;
    readonly agents: string;
    readonly other: (bot: string) => string;
  };
  readonly pull: {
    readonly onlyAdmins: string;
    readonly which: (providers: readonly string[]) => string;
    readonly progress: (model: string, provider: string, percent: number | undefined) => string;
    readonly done: (model: string, provider: string) => string;
    readonly failed: (model: string, provider: string) => string;
  };
  readonly commands: Readonly<Record<CommandWord, CommandWords>>;
  readonly help: { readonly before: string; readonly after: string };
  readonly unknownCommand: (name: string) => string;
  readonly wrongForm: (usage: string, example: string) => string;
  readonly tooLong: (characters: number, longest: number) => string;
  readonly onlyModerators: string;
  readonly nothingToRetry: string;
  readonly notDoneYet: string;
  readonly answeringAgain: string;
  readonly nothingToStop: string;
  readonly stopped: string;
  readonly settingsReset: string;
  readonly notInDirectChats: string;
  readonly noSuchAgent: (name: string, agents: readonly string[]) => string;
  readonly discussing: (agents: readonly string[], turns: number) => string;

  readonly forgotten: string;
  readonly noProvider: string;
  readonly noSuchModel: (provider: string, models: readonly string[]) => string;
  readonly modelsUnknown: (provider: string) => string;
  readonly done: string;
  readonly iAm: (agent: string, provider: string | undefined) => string;
  readonly waiting: (questions: number) => string;
  readonly usage: (here: UsageWords, everywhere: UsageWords) => string;
  /** What somebody has left of a day's limit. */
  readonly left: (what: "requests" | "tokens", left: number, of: number) => string;
  /** A question is one too many. */
  readonly tooMany: (agent: string, whose: "user" | "room" | "server" | "agent", minutes: number) => string;
  readonly settings: Readonly<Record<SettingWord, string>>;
  readonly setting: (title: string, value: string, isSetHere: boolean, usage: string) => string;
  /** What a setting is when nobody has set it. */
  readonly none: string;
  readonly nothing: string;
  readonly modelsOwn: string;
}

/** Why a turn has no answer. */
export type FailureWord =
  | "unreachable"
  | "model_missing"
  | "gone"
  | "timeout"
  | "cut_off"
  | "malformed"
  | "refused"
  | "empty"
  | "cancelled"
  | "busy"
  | "cant_see"
  | "cant_hear"
  | "cant_read"
  | "no_text"
  | "too_large"
  | "no_file"
  | "waited"
  | "full"
  | "unknown";

/** Why somebody is not listened to. */
export type DistrustWord =
  "not_encrypted" | "unsigned_device" | "identity_changed" | "verified_identity_changed" | "unverified_identity";

/** What people may set in a room. */
export type SettingWord =
  | "model"
  | "system"
  | "temperature"
  | "respond"
  | "listen"
  | "threads"
  | "delegate"
  | "summaries"
  | "stream"
  | "language"
  | "remember";

/** What agents can be told, in the order in which `help` shows it. */
export type CommandWord =
  "help" | "list" | "status" | "stop" | "retry" | "forget" | "discuss" | "privacy" | SettingWord | "reset" | "usage";
