import type { TurnFailure } from "./failures.ts";

/** The facts that the notice of a failed turn names. */
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

/** The facts that an agent's welcome names. */
export interface Greeting {
  /** Its display name. */
  readonly agent: string;
  /**
   * The words before a command that address this agent, as `@llama `; empty in a direct chat. With them people can type
   * a command as a notice shows it.
   */
  readonly call: string;
  /** Whether it is the demo, which is no AI. */
  readonly isDemo: boolean;
}

/** The place where an agent's model runs. */
export interface AgentPlace {
  /** The agent's display name. */
  readonly agent: string;
  /** The key under `providers:` in config.yaml. */
  readonly provider: string;
  readonly host: string;
}

/** The same, for phrases that name commands. */
export interface CloudPlace extends AgentPlace {
  /** See {@link Greeting}. */
  readonly call: string;
}

/** A question to people about a call of a tool. */
export interface ToolQuestionWords {
  readonly tool: string;
  /** The key under `tools:` in config.yaml. */
  readonly server: string;
  readonly host: string;
  /** Whether the server is outside the network. */
  readonly isCloud: boolean;
  /** The tool's own claims. */
  readonly claims: { readonly isReadOnly: boolean; readonly isOpenWorld: boolean; readonly isConfined: boolean };
  /** Whether it was begun before, and nobody knows whether it was done. */
  readonly isAgain: boolean;
  readonly deciders: "asker" | "moderators";
  /** The user id of the person behind the question. */
  readonly asker: string;
  /** Whether a moderator may decide for all later calls. */
  readonly canGrant: boolean;
  readonly code: string;
  /** The time for an answer. */
  readonly minutes: number;
  readonly isEncrypted: boolean;
}

/** A question of a tool's server to a person. */
export interface InputQuestionWords extends Pick<
  ToolQuestionWords,
  "tool" | "server" | "host" | "isCloud" | "asker" | "code" | "minutes"
> {
  /** The number of fields. */
  readonly fields: number;
  /** Whether it also wanted web pages opened. */
  readonly hasPages: boolean;
}

/** A field of such a question. */
export interface FieldWords {
  readonly name: string;
  readonly kind:
    "text" | "email" | "address" | "date" | "time" | "number" | "whole_number" | "yes_no" | "choice" | "choices";
  readonly isRequired: boolean;
  /** Characters of a text, values of numbers, or chosen ones. */
  readonly least?: number;
  readonly most?: number;
}

/** The reason why an answer to such a question does not count. */
export type FormFaultWords =
  | { readonly kind: "nothing_asked" }
  | { readonly kind: "no_field"; readonly words: string }
  | { readonly kind: "twice" | "missing" | "unfit"; readonly field: FieldWords };

/** The words of a command: its meaning, in a few words, and the phrases of that command alone. */
export interface CommandWords {
  readonly meaning: string;
  readonly [phrase: string]: unknown;
}

/** The words of a setting. */
export interface SettingWords {
  readonly title: string;
  /** The meaning of its command, in a few words. */
  readonly meaning: string;
  /** The parameter of its command, where it is not one of a few words. */
  readonly takes?: string;
  /** A value as people see it, where that differs from the stored form. */
  readonly value?: (value: string) => string;
}

/** The numbers of somebody's use. */
export interface UsageWords {
  readonly questions: number;
  readonly tokens: number;
}

/**
 * Everything that the bridge itself says in rooms. Notices name the cause, and the remedy for people or the admin. They
 * name models and providers as the configuration does, and hold no address and no error text. Markdown.
 */
export interface Phrases {
  /** By the kind of failure. */
  readonly failures: Readonly<Record<TurnFailure, (turn: FailedTurn) => string>>;
  /** By the reason that the sender's client gave for not sending the key; `other` for none, or an unknown one. */
  readonly missingKey: Readonly<
    Record<"unverified" | "blacklisted" | "unavailable" | "other", (agent: string) => string>
  >;
  /** @param who the person whose device or identity is not trusted enough; undefined for the reader. */
  readonly distrust: Readonly<Record<DistrustWord, (agent: string, who: string | undefined) => string>>;
  /** @param who the person because of whom the agent is silent. */
  readonly silenced: (agent: string, who: string) => string;
  readonly unsignedAgent: (agent: string) => string;
  readonly unseenVerification: (agent: string) => string;
  /** Replaces a welcome that nobody could read: names the reason why the reader's devices are not trusted. */
  readonly beforeWelcome: Readonly<
    Record<
      Extract<DistrustWord, "unsigned_device" | "identity_changed" | "unverified_identity">,
      (agent: string) => string
    >
  >;
  /** Follows an answer, by the way it ended; undefined for a normal end. */
  readonly ended: Readonly<
    Record<"stop" | "length" | "filtered" | "repeating", (provider: string) => string | undefined>
  >;
  /** Follows an answer for which the model wanted more calls of tools than a limit permits. */
  readonly toolLimit: Readonly<Record<"turn" | "day", string>>;
  /** Follows an answer by another agent's model. */
  readonly fallback: (agent: string, model: string) => string;
  /** Follows the welcome of a cloud agent, by the admin's rule. */
  readonly welcomeCloud: Readonly<Record<CloudWord, (place: CloudPlace, where: CloudRule) => string>>;
  readonly consent: {
    /** Names the data that would leave, the recipient, and the way to agree: in an encrypted room only a command. */
    readonly ask: (place: CloudPlace, isEncrypted: boolean) => string;
    /** The room was already asked, and the question waits. */
    readonly pending: (place: CloudPlace, isEncrypted: boolean) => string;
    readonly declined: (place: CloudPlace) => string;
    readonly denied: (place: CloudPlace, where: CloudRule) => string;
    readonly allowed: (place: CloudPlace) => string;
    /** By the admin's rule. */
    readonly nowDeclined: Readonly<Record<CloudWord, (place: CloudPlace) => string>>;
    readonly revoked: Readonly<Record<CloudWord, (place: CloudPlace) => string>>;
    /** This agent sends nothing outside anyway. */
    readonly unneeded: (agent: string) => string;
    /** Several agents wait, and a decision addressed none of them. */
    readonly which: (commands: readonly string[]) => string;
  };
  readonly welcome: (greeting: Greeting) => string;
  /** The reason for declining an invite. */
  readonly invites: Readonly<Record<"noAccess" | "notThisAgent" | "roomBlocked" | "roomTooLarge" | "tooMany", string>>;
  /** An agent does not answer in a room that has grown too large. */
  readonly roomTooLarge: (agent: string, members: number) => string;
  readonly onlyEncryptedRooms: string;
  readonly noEncryptedRooms: string;
  /** The homeserver gives the agent no device, and the room is encrypted. */
  readonly noDevice: string;
  readonly bot: {
    /** @param call the words before a command that address the bot. */
    readonly welcome: (call: string) => string;
    readonly help: string;
    readonly noAgents: string;
    readonly agents: string;
    /** Follows a list with cloud agents: the rooms in which they may be used. */
    readonly cloud: Readonly<Record<"everywhere" | "unencrypted" | "nowhere", string>>;
    readonly other: string;
  };
  /** About the page for whoever runs the bridge. */
  readonly web: {
    readonly link: (link: string, minutes: number) => string;
    readonly off: string;
    readonly onlyPrivately: string;
    readonly notYours: string;
  };
  readonly pull: {
    readonly onlyAdmins: string;
    readonly which: (providers: readonly string[]) => string;
    readonly progress: (model: string, provider: string, percent: number | undefined) => string;
    readonly done: (model: string, provider: string) => string;
    /** @param reason in English, without anybody's own words. */
    readonly failed: (model: string, provider: string, reason: string) => string;
  };
  /** About calls of tools. */
  readonly tools: {
    /** The question, above the arguments. */
    readonly question: (call: ToolQuestionWords) => string;
    readonly noArguments: string;
    /** Stands below the words so far while a tool is at work. */
    readonly underWay: (doing: string) => string;
    /** Stands below the words so far while calls wait for people. */
    readonly waiting: string;
    /** Stands below the words of an answer that was stopped while a tool was at work. */
    readonly stoppedIn: (doing: string) => string;
    /** Stands below the words of an answer that was stopped while its calls waited for people. */
    readonly stoppedWaiting: string;
    /** Stands where the calls behind an answer are folded. */
    readonly calls: (calls: number) => string;
    /** Stands where long arguments are folded. */
    readonly longArguments: (characters: number) => string;
    /** What the tool claims to do. */
    readonly claims: (call: ToolQuestionWords) => string;
    /** Where the arguments go. */
    readonly goTo: (call: ToolQuestionWords) => string;
    /** Who decides, how, and until when. */
    readonly decides: (call: ToolQuestionWords) => string;
    /** How a moderator decides for all later calls. */
    readonly forGood: (call: ToolQuestionWords) => string;
    /** Stands for a file of a tool that can't be sent. */
    readonly fileLost: string;
    /** Replaces a question that nobody has answered in time. */
    readonly timeIsOver: string;
    /** Replaces a question whose answer was stopped. */
    readonly stopped: string;
    /** A plain word answers a question in an encrypted room. */
    readonly needsCode: (code: string) => string;
    readonly unknownCode: (code: string) => string;
    readonly notYours: Readonly<Record<"asker" | "moderators", string>>;
    readonly notAlways: string;
    readonly takenInPause: (agent: string) => string;
    /** About questions of tools to a person. */
    readonly asking: {
      readonly question: (asked: InputQuestionWords) => string;
      /** Who answers, how, and until when. */
      readonly how: (asked: InputQuestionWords) => string;
      /** Where the answer goes. */
      readonly goTo: (asked: InputQuestionWords) => string;
      readonly noSecrets: string;
      /** It also wanted web pages opened. */
      readonly noPages: string;
      /** What a field takes. */
      readonly field: (field: FieldWords) => string;
      /** Stands before the choices of a field. */
      readonly choices: string;
      /** Stands before the value of a field for which nothing is said. */
      readonly fallback: string;
      readonly fault: (fault: FormFaultWords, code: string) => string;
      /** Somebody agrees to such a question, which wants an answer. */
      readonly needsAnswer: (code: string) => string;
      /** Somebody answers a question that wants a yes or a no. */
      readonly needsDecision: (code: string) => string;
      readonly notYours: string;
    };
    /** Words that agree or refuse, in lower case. */
    readonly agreeing: readonly string[];
    readonly refusing: readonly string[];
  };
  readonly unknownCommand: (name: string, call: string) => string;
  /** @param example undefined where the form has no parameter: then something was written after it. */
  readonly wrongForm: (usage: string, example: string | undefined) => string;
  readonly tooLong: (characters: number, longest: number) => string;
  readonly onlyModerators: string;
  /** Somebody decides unencrypted, in an encrypted room. */
  readonly saidInClear: string;
  /** A reaction or an edit concerns a question that is too old to be answered again. */
  readonly tooLongAgo: string;
  /** A person has sent a kind of message that the agent can't use, in a direct chat. Said once in a room. */
  readonly unread: Readonly<Record<"sticker" | "place" | "poll" | "other", (agent: string) => string>>;
  /** A command would ask something, but too many questions wait already. */
  readonly tooManyWait: (agent: string) => string;
  /** Whoever runs the bridge has paused the agent. */
  readonly paused: (agent: string) => string;
  readonly noProvider: string;
  readonly noSuchModel: (provider: string, models: readonly string[]) => string;
  /** A model belongs to agents that the person may not use. */
  readonly notYourModel: (model: string) => string;
  /** The same for a model that somebody else has chosen for the room. */
  readonly chosenModelNotYours: (agent: string, model: string, call: string) => string;
  readonly commandOff: (command: string) => string;
  readonly onlyAdmins: (command: string) => string;
  readonly modelsUnknown: (provider: string) => string;
  /**
   * A question exceeds a limit.
   *
   * @param isAsked whether the question exists, so that a reaction can ask it again.
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
  /** The parameters of commands, for menus. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The phrases of any setting. */
  readonly setting: {
    /** A setting was changed; its new value follows. */
    readonly done: string;
    readonly shown: (title: string, value: string, isSetHere: boolean, form: string) => string;
    /** The value of a setting that neither the room nor the agent has. */
    readonly none: string;
    readonly nothing: string;
    readonly modelsOwn: string;
  };
  /** Words that join the names of two agents, in lower case. */
  readonly joiningWords: readonly string[];
  /** Frequent words of the language, preferably absent from related languages. */
  readonly commonWords: ReadonlySet<string>;
  /** Those common words that also exist elsewhere, as words, names or abbreviations: one alone proves nothing. */
  readonly ambiguousWords: ReadonlySet<string>;
}

/** The reason why a message is not acted on. */
export type DistrustWord =
  "not_encrypted" | "unsigned_device" | "identity_changed" | "verified_identity_changed" | "unverified_identity";

/** The admin's rule for messages that would leave the network. */
export type CloudWord = "deny" | "ask" | "allow";

/** The scope of that rule: a room by its id, encrypted rooms, or the others. */
export type CloudRule = "room" | "encrypted" | "others";

/** The group of a command: everyday use, settings of a room, or groups only. */
export type CommandGroup = "everyday" | "settings" | "groups";
