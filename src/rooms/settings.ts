import type { Config, Locality } from "../config/config.ts";
import { LANGUAGES } from "../language/languages.ts";
import type { ParameterWord, SettingWord } from "../language/words.ts";
import type { Choice, ValueOf, Values } from "./setting-values.ts";

/** The configuration that decides the defaults of rooms. */
export interface ConfiguredDefaults {
  readonly answers: Pick<Config["answers"], "stream" | "language">;
  readonly exchanges: Pick<Config["exchanges"], "delegate">;
  readonly memory: Pick<Config["memory"], "summaries">;
}

/** An agent's own values, which apply where a room sets none. */
export interface AgentDefaults {
  readonly model?: string | undefined;
  readonly systemPrompt?: string | undefined;
  readonly temperature?: number | undefined;
  readonly locality: Locality;
}

/** A row of the table: everything about a setting except its words, which are in the files of the languages. */
interface Row<V extends Values> {
  readonly values: V;
  /** A value in the form that people write. */
  readonly example: string;
  /** The name of the value in menus. */
  readonly parameter: ParameterWord;
  /** The word that resets the setting. */
  readonly takenBackBy: "default" | "nothing";
  /** Whether it matters only in groups. */
  readonly isForGroups?: true;
  /** Whether the admin decides who may change it, in `permissions.commands`. */
  readonly isRestrictable?: true;
  /** See {@link isForgotten}. */
  readonly isForgotten?: true;
}

/** A setting whose default is the same for all agents. */
export interface RoomSetting<V extends Values = Values, D extends string = string> extends Row<V> {
  readonly of: "room";
  readonly default: (config: ConfiguredDefaults) => D;
  /** The configuration setting with the default; absent where the default is fixed. */
  readonly configuredBy?: string;
  /** The default for a cloud agent, where it differs. */
  readonly defaultInCloud?: D;
}

/** A setting whose default is the agent's own value. */
export interface AgentSetting<V extends Values = Values> extends Row<V> {
  readonly of: "agent";
  readonly default: (agent: AgentDefaults) => ValueOf<V> | undefined;
  /** The word shown where neither the room nor the agent has a value. */
  readonly unset: "none" | "nothing" | "modelsOwn";
}

export type Setting = RoomSetting | AgentSetting;

type Described<S extends Setting> = Omit<S, "of" | "takenBackBy"> & Partial<Pick<S, "takenBackBy">>;

function ofRoom<const T extends string, const D extends string = T>(
  setting: Described<RoomSetting<Choice<T>, D>>,
): RoomSetting<Choice<T>, T | D> {
  return { of: "room", takenBackBy: "default", ...setting };
}

function ofAgent<V extends Values>(setting: Described<AgentSetting<V>>): AgentSetting<V> {
  return { of: "agent", takenBackBy: "default", ...setting };
}

function oneOf<const T extends string>(...choices: readonly T[]): Choice<T> {
  return { kind: "choice", choices };
}

const ON_OR_OFF = oneOf("on", "off");

/** All settings of an agent in a room, in the order in which `help` and `status` show them. */
export const SETTINGS = {
  /** A text that the agent always keeps in mind. */
  remember: ofAgent({
    values: { kind: "text" },
    example: "We use metric units",
    parameter: "note",
    takenBackBy: "nothing",
    isForgotten: true,
    default: () => undefined,
    unset: "nothing",
  }),
  /** Another model of the agent's server. */
  model: ofAgent({
    values: { kind: "name" },
    example: "llama3.2:3b",
    parameter: "name",
    isRestrictable: true,
    default: ({ model }) => model,
    unset: "none",
  }),
  /** Another instruction. */
  system: ofAgent({
    values: { kind: "text" },
    example: "Answer like a pirate",
    parameter: "instruction",
    isRestrictable: true,
    default: ({ systemPrompt }) => systemPrompt,
    unset: "none",
  }),
  temperature: ofAgent({
    values: { kind: "number", most: 2 },
    example: "0.2",
    parameter: "number",
    default: ({ temperature }) => temperature,
    unset: "modelsOwn",
  }),
  /** The form in which a growing answer appears. */
  stream: ofRoom({
    values: oneOf("edit", "replace", "live", "off"),
    example: "off",
    parameter: "how",
    default: ({ answers }) => answers.stream,
    configuredBy: "answers.stream",
  }),
  /** Whether messages too old to be read again at each question are summarised. */
  summaries: ofRoom({
    values: ON_OR_OFF,
    example: "off",
    parameter: "whether",
    default: ({ memory }) => (memory.summaries ? "on" : "off"),
    configuredBy: "memory.summaries",
  }),
  /** The language of notices and help. */
  language: ofRoom({
    values: oneOf(...LANGUAGES),
    example: "de",
    parameter: "which",
    default: ({ answers }) => answers.language,
    configuredBy: "answers.language",
  }),
  /**
   * The occasions on which an agent answers in a group: when it is addressed; also in threads it takes part in; or
   * always.
   */
  respond: ofRoom({
    values: oneOf("mention", "thread", "all"),
    example: "all",
    parameter: "when",
    isForGroups: true,
    default: () => "thread",
  }),
  /**
   * The messages that an agent remembers of a group, besides those to it: messages to and by other agents, all, or
   * none.
   */
  listen: ofRoom({
    values: oneOf("agents", "on", "off"),
    example: "on",
    parameter: "what",
    isForGroups: true,
    default: () => "agents",
    defaultInCloud: "off",
  }),
  /** Whether each question in a group gets a thread of its own. */
  threads: ofRoom({
    values: ON_OR_OFF,
    example: "on",
    parameter: "whether",
    isForGroups: true,
    default: () => "off",
  }),
  /** Whether the agent may ask other agents of a group for help. */
  delegate: ofRoom({
    values: ON_OR_OFF,
    example: "on",
    parameter: "whether",
    isForGroups: true,
    default: ({ exchanges }) => (exchanges.delegate ? "on" : "off"),
    configuredBy: "exchanges.delegate",
  }),
} as const satisfies Readonly<Record<SettingWord, Setting>>;

type Table = typeof SETTINGS;

/** Their names, in the table's order. */
export const SETTING_NAMES = Object.keys(SETTINGS) as readonly (keyof Table)[];

/** Whether an agent that forgets a room's messages also forgets this setting. */
export function isForgotten(name: keyof Table): boolean {
  const setting: Setting = SETTINGS[name];
  return setting.isForgotten === true;
}

type SettingValues = { readonly [N in keyof Table]?: ValueOf<Table[N]["values"]> };

/** The values that people have set for an agent in a room; missing ones follow the configuration. */
export interface RoomSettings extends SettingValues {
  /** Whether any of people's own words among them came encrypted. */
  readonly encrypted: boolean;
}

/** The values of rooms that set nothing. */
export type RoomDefaults = {
  readonly [N in keyof Table as Table[N]["of"] extends "room" ? N : never]: ReturnType<Table[N]["default"]>;
};

/** The occasions on which an agent answers in a group. */
export type RespondMode = ValueOf<Table["respond"]["values"]>;

/** The configured values of rooms that set nothing. */
export function configuredDefaults(config: ConfiguredDefaults): RoomDefaults {
  return defaultsBy((setting) => setting.default(config)) as RoomDefaults;
}

/** An agent's values in a room that sets nothing: a cloud agent remembers only messages to it. */
export function defaultsFor(defaults: RoomDefaults, agent: Pick<AgentDefaults, "locality"> | undefined): RoomDefaults {
  if (agent?.locality !== "cloud") return defaults;
  return { ...defaults, ...defaultsBy((setting) => setting.defaultInCloud) };
}

function defaultsBy(valueOf: (setting: RoomSetting) => string | undefined): Partial<RoomDefaults> {
  return Object.fromEntries(
    Object.entries<Setting>(SETTINGS).flatMap(([name, setting]) => {
      const value = setting.of === "room" ? valueOf(setting) : undefined;
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
