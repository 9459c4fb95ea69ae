import type { Config, Locality } from "../config/config.ts";
import { LANGUAGES } from "../language/languages.ts";
import type { ParameterWord, SettingWord } from "../language/words.ts";
import type { Choice, ValueOf, Values } from "./setting-values.ts";

/** What of the configuration says how rooms are that set nothing. */
export interface ConfiguredDefaults {
  readonly answers: Pick<Config["answers"], "stream" | "language">;
  readonly exchanges: Pick<Config["exchanges"], "delegate">;
  readonly memory: Pick<Config["memory"], "summaries">;
}

/** What an agent has of its own, which holds where a room sets nothing. */
export interface AgentDefaults {
  readonly model?: string | undefined;
  readonly systemPrompt?: string | undefined;
  readonly temperature?: number | undefined;
  readonly locality: Locality;
}

/** A row of the table: all that the project knows of a setting but its words, which are in the files of the languages. */
interface Row<V extends Values> {
  readonly values: V;
  /** A value, as people write it. */
  readonly example: string;
  /** What menus call the value. */
  readonly parameter: ParameterWord;
  /** What is written to take the setting back. */
  readonly takenBackBy: "default" | "nothing";
  /** Whether it means something in groups alone. */
  readonly isForGroups?: true;
  /** Whether the admin says who may change it, in `permissions.commands`. */
  readonly isRestrictable?: true;
  /** See {@link isForgotten}. */
  readonly isForgotten?: true;
}

/** A setting that is the same for all agents of a room that sets nothing. */
export interface RoomSetting<V extends Values = Values, D extends string = string> extends Row<V> {
  readonly of: "room";
  readonly default: (config: ConfiguredDefaults) => D;
  /** Where the configuration says the default; absent where it is always the same. */
  readonly configuredBy?: string;
  /** The default for an agent whose words leave the network, where that is another one. */
  readonly defaultInCloud?: D;
}

/** A setting that each agent has of its own in a room that sets nothing. */
export interface AgentSetting<V extends Values = Values> extends Row<V> {
  readonly of: "agent";
  readonly default: (agent: AgentDefaults) => ValueOf<V> | undefined;
  /** What is said where neither the room nor the agent has any. */
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

/** All that people may set for an agent in a room, in the order in which `help` and `status` show it. */
export const SETTINGS = {
  /** What the agent is to keep in mind, whatever its memory holds. */
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
  /** How an answer looks while it is made. */
  stream: ofRoom({
    values: oneOf("edit", "replace", "off"),
    example: "off",
    parameter: "how",
    default: ({ answers }) => answers.stream,
    configuredBy: "answers.stream",
  }),
  /** Whether what is too long ago to be read again at each question is summed up. */
  summaries: ofRoom({
    values: ON_OR_OFF,
    example: "off",
    parameter: "whether",
    default: ({ memory }) => (memory.summaries ? "on" : "off"),
    configuredBy: "memory.summaries",
  }),
  /** Of notices and help. */
  language: ofRoom({
    values: oneOf(...LANGUAGES),
    example: "de",
    parameter: "which",
    default: ({ answers }) => answers.language,
    configuredBy: "answers.language",
  }),
  /** When an agent answers in a group: when it is meant; also in threads it takes part in; or always. */
  respond: ofRoom({
    values: oneOf("mention", "thread", "all"),
    example: "all",
    parameter: "when",
    isForGroups: true,
    default: () => "thread",
  }),
  /**
   * What an agent remembers of a group besides what is said to it: what is said to other agents and by them, everything, or
   * nothing.
   */
  listen: ofRoom({
    values: oneOf("agents", "on", "off"),
    example: "on",
    parameter: "what",
    isForGroups: true,
    default: () => "agents",
    defaultInCloud: "off",
  }),
  /** Whether each question in a group is answered in a thread of its own. */
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

/** Whether an agent that forgets what was said in a room forgets a setting as well. */
export function isForgotten(name: keyof Table): boolean {
  const setting: Setting = SETTINGS[name];
  return setting.isForgotten === true;
}

type SettingValues = { readonly [N in keyof Table]?: ValueOf<Table[N]["values"]> };

/** What people have set for an agent in a room; what is missing is as the configuration says. */
export interface RoomSettings extends SettingValues {
  /** Whether any of the words of people's own among it came encrypted. */
  readonly encrypted: boolean;
}

/** What rooms have that set nothing. */
export type RoomDefaults = {
  readonly [N in keyof Table as Table[N]["of"] extends "room" ? N : never]: ReturnType<Table[N]["default"]>;
};

/** When an agent answers in a group. */
export type RespondMode = ValueOf<Table["respond"]["values"]>;

/** What rooms have that set nothing, as the configuration says it. */
export function configuredDefaults(config: ConfiguredDefaults): RoomDefaults {
  return defaultsBy((setting) => setting.default(config)) as RoomDefaults;
}

/** What a room has that sets nothing, for an agent: whose words leave the network hears what is said to it alone. */
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
