import type { TurnFailure } from "./failures.ts";

/** What a notice about a failed turn is made of. */
export interface FailedTurn {
  /** The agent's display name. */
  readonly agent: string;
  /** The provider's name of the model. */
  readonly model: string;
  /** The key under `providers:` in config.yaml, for the admin to recognise. */
  readonly provider: string;
  /** See {@link Greeting}. */
  readonly call: string;
}

/** What an agent says of itself where it comes in. */
export interface Greeting {
  /** Its display name. */
  readonly agent: string;
  /**
   * What stands before a command so that it is for this agent, as `@llama `; empty in a direct chat. So a command can be
   * typed as a notice shows it.
   */
  readonly call: string;
  /** Whether it is the demo, which is no AI. */
  readonly isDemo: boolean;
}

/** Where an agent's words go. */
export interface AgentPlace {
  /** The agent's display name. */
  readonly agent: string;
  /** The key under `providers:` in config.yaml. */
  readonly provider: string;
  readonly host: string;
}

/** The same, where the words name commands. */
export interface CloudPlace extends AgentPlace {
  /** See {@link Greeting}. */
  readonly call: string;
}

/** What a command says: what it does, in a few words, and whatever else is said by it alone. */
export interface CommandWords {
  readonly meaning: string;
  readonly [phrase: string]: unknown;
}

/** What is said of a setting. */
export interface SettingWords {
  readonly title: string;
  /** What its command does, in a few words. */
  readonly meaning: string;
  /** What can follow its command, where that is not one of a few words. */
  readonly takes?: string;
  /** What people see of a value, where that is not as it is stored. */
  readonly value?: (value: string) => string;
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
export interface Phrases {
  /** By the kind of failure. */
  readonly failures: Readonly<Record<TurnFailure, (turn: FailedTurn) => string>>;
  /** By the sender's client's own reason to keep a key back; `other` for none, or one that is not known. */
  readonly missingKey: Readonly<
    Record<"unverified" | "blacklisted" | "unavailable" | "other", (agent: string) => string>
  >;
  /** @param who whose device or identity is not trusted enough; undefined for whoever reads it. */
  readonly distrust: Readonly<Record<DistrustWord, (agent: string, who: string | undefined) => string>>;
  /** @param who on whose account nothing is said in the room. */
  readonly silenced: (agent: string, who: string) => string;
  readonly unsignedAgent: (agent: string) => string;
  readonly unseenVerification: (agent: string) => string;
  /** In the place of a welcome that nobody could read: what keeps the reader's devices from being trusted. */
  readonly beforeWelcome: Readonly<
    Record<
      Extract<DistrustWord, "unsigned_device" | "identity_changed" | "unverified_identity">,
      (agent: string) => string
    >
  >;
  /** Below an answer, by how it ended; nothing where it came to its end. */
  readonly ended: Readonly<
    Record<"stop" | "length" | "filtered" | "repeating", (provider: string) => string | undefined>
  >;
  /** Below an answer that another agent's model gave. */
  readonly fallback: (agent: string, model: string) => string;
  /** What is added to the welcome of an agent whose words leave the network, by what the admin has decided. */
  readonly welcomeCloud: Readonly<Record<CloudWord, (place: CloudPlace, where: CloudRule) => string>>;
  readonly consent: {
    /** What would leave, and to whom; how to agree: where the room is encrypted, by a command alone. */
    readonly ask: (place: CloudPlace, isEncrypted: boolean) => string;
    /** It was asked already, and the question waits. */
    readonly pending: (place: CloudPlace, isEncrypted: boolean) => string;
    /** Somebody agreed in clear, in a room that is encrypted. */
    readonly notEncrypted: string;
    readonly declined: (place: CloudPlace) => string;
    readonly denied: (place: CloudPlace, where: CloudRule) => string;
    readonly allowed: (place: CloudPlace) => string;
    /** By what the admin has decided. */
    readonly nowDeclined: Readonly<Record<CloudWord, (place: CloudPlace) => string>>;
    readonly revoked: Readonly<Record<CloudWord, (place: CloudPlace) => string>>;
    /** Nothing leaves with this agent anyway. */
    readonly unneeded: (agent: string) => string;
    /** Several agents wait, and a decision was said to none of them. */
    readonly which: (commands: readonly string[]) => string;
  };
  readonly welcome: (greeting: Greeting) => string;
  /** Why an invite is declined. */
  readonly invites: Readonly<Record<"noAccess" | "notThisAgent" | "roomBlocked" | "roomTooLarge" | "tooMany", string>>;
  /** An agent does not answer in a room that has grown. */
  readonly roomTooLarge: (agent: string, members: number) => string;
  readonly onlyEncryptedRooms: string;
  readonly noEncryptedRooms: string;
  readonly bot: {
    /** @param call what stands before a command so that it is for the bot. */
    readonly welcome: (call: string) => string;
    readonly help: string;
    readonly noAgents: string;
    readonly agents: string;
    /** Below a list with agents that run elsewhere: where they may be asked anything. */
    readonly cloud: Readonly<Record<"everywhere" | "unencrypted" | "nowhere", string>>;
    readonly other: string;
  };
  readonly pull: {
    readonly onlyAdmins: string;
    readonly which: (providers: readonly string[]) => string;
    readonly progress: (model: string, provider: string, percent: number | undefined) => string;
    readonly done: (model: string, provider: string) => string;
    /** @param reason in English, and no words of anybody. */
    readonly failed: (model: string, provider: string, reason: string) => string;
  };
  readonly unknownCommand: (name: string, call: string) => string;
  /** @param example undefined where the form has nothing to be filled in: then too much was said. */
  readonly wrongForm: (usage: string, example: string | undefined) => string;
  readonly tooLong: (characters: number, longest: number) => string;
  readonly onlyModerators: string;
  /** A reaction or an edit is of something that was asked so long ago that only the words of it are remembered. */
  readonly tooLongAgo: string;
  /** Somebody has sent in a direct chat what an agent makes nothing of; said once in a room. */
  readonly unread: Readonly<Record<"sticker" | "place" | "poll" | "other", (agent: string) => string>>;
  /** A command would ask something, and so much waits already that it does not. */
  readonly tooManyWait: (agent: string) => string;
  readonly noProvider: string;
  readonly noSuchModel: (provider: string, models: readonly string[]) => string;
  /** A model belongs to agents that who asks for it may not use. */
  readonly notYourModel: (model: string) => string;
  /** The same of a model that somebody else has chosen for the room. */
  readonly chosenModelNotYours: (agent: string, model: string, call: string) => string;
  readonly commandOff: (command: string) => string;
  readonly onlyAdmins: (command: string) => string;
  readonly modelsUnknown: (provider: string) => string;
  /**
   * A question is one too many.
   *
   * @param isAsked whether it has been asked, so that a reaction can ask it again.
   */
  readonly tooMany: (
    agent: string,
    whose: "user" | "room" | "server" | "agent",
    minutes: number,
    isAsked: boolean,
  ) => string;
  /** By the name of the command; those of settings are in `settings`. */
  readonly commands: Readonly<Record<string, CommandWords>>;
  readonly settings: Readonly<Record<string, SettingWords>>;
  /** What can follow commands, for menus. */
  readonly parameters: Readonly<Record<string, string>>;
  /** What is said of any setting. */
  readonly setting: {
    /** A setting was changed; how it stands now follows. */
    readonly done: string;
    readonly shown: (title: string, value: string, isSetHere: boolean, form: string) => string;
    /** What a setting is when neither the room nor the agent has any. */
    readonly none: string;
    readonly nothing: string;
    readonly modelsOwn: string;
  };
  /** Words that people put between the names of two agents, in lower case. */
  readonly joiningWords: readonly string[];
  /** Frequent words by which the language is recognised, and as far as possible none of a language near it. */
  readonly commonWords: ReadonlySet<string>;
  /** Those of them that are words, names or abbreviations elsewhere, too: one alone tells nothing. */
  readonly ambiguousWords: ReadonlySet<string>;
}

/** Why somebody is not listened to. */
export type DistrustWord =
  "not_encrypted" | "unsigned_device" | "identity_changed" | "verified_identity_changed" | "unverified_identity";

/** What the admin has decided about what may leave the network. */
export type CloudWord = "deny" | "ask" | "allow";

/** What such a decision is for: a room by its id, encrypted rooms, or the others. */
export type CloudRule = "room" | "encrypted" | "others";

/** What commands are for: every day, for setting a room up, or in groups alone. */
export type CommandGroup = "everyday" | "settings" | "groups";
