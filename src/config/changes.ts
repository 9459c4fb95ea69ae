import { isDeepStrictEqual } from "node:util";
import type { Config } from "./config.ts";

/** The difference between two configurations: names of settings as in config.yaml, never their values. */
export interface Changes {
  /** Applied while the bridge runs. */
  readonly live: readonly string[];
  /** Applied only by a restart. */
  readonly restart: readonly string[];
}

/** Sections that parts ask for anew each time; see live.ts. */
const LIVE_SECTIONS = [
  "access",
  "permissions",
  "turns",
  "answers",
  "exchanges",
  "limits",
  "privacy",
  "memory",
  "providers",
  "tools",
  "agents",
  "transcription",
] as const satisfies readonly (keyof Config)[];

/** A section of the configuration that may change, whole, while the bridge runs. */
export type LiveSection = (typeof LIVE_SECTIONS)[number];

/** These, and the settings of other sections of which the same holds. All others need a restart. */
const LIVE: ReadonlySet<string> = new Set([...LIVE_SECTIONS, "encryption.trust", "logging.level"]);

/** Settings whose names do not follow from those of their fields. */
const NAMES: Readonly<Record<string, string>> = {
  "homeserver.ca": "homeserver.ca_file",
  "encryption.master_key": "encryption.master_key_file or master_key_env",
  "encryption.trust": "trust",
  "sync.missing_key_notice": "sync.missing_key_notice_after",
};

/** The settings that are computed from others. */
const DERIVED: ReadonlySet<string> = new Set(["guardedFiles"]);

/** The settings that a new configuration would change. */
export function changesOf(before: Config, after: Config): Changes {
  const sections = new Set([...Object.keys(before), ...Object.keys(after)]) as ReadonlySet<keyof Config>;
  const own = [...sections].filter((section) => !DERIVED.has(section));
  const changed = own.flatMap((section) =>
    LIVE.has(section) || !isRecord(before[section]) || !isRecord(after[section])
      ? differs(section, before[section], after[section])
      : fieldsOf(section, before[section], after[section]),
  );
  const isLive = (name: string): boolean => LIVE.has(name);
  const inWords = (name: string): string => NAMES[name] ?? name;
  return {
    live: changed.filter(isLive).map(inWords),
    restart: changed.filter((name) => !isLive(name)).map(inWords),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(section: string, before: Fields, after: Fields): string[] {
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...fields].flatMap((field) => differs(`${section}.${field}`, before[field], after[field]));
}

function differs(name: string, before: unknown, after: unknown): string[] {
  return isDeepStrictEqual(before, after) ? [] : [settingName(name)];
}

/** `ghosts.idleAfterMs` is `ghosts.idle_after` in config.yaml. */
function settingName(name: string): string {
  return name.replace(/Ms$/, "").replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !(value instanceof Map);
}
