import { AuditLog } from "../audit/audit-log.ts";
import { deleteInBatches } from "../database/batches.ts";
import type { Database, Queryable } from "../database/database.ts";
import { storable } from "../database/text.ts";
import { LANGUAGES, type Language } from "../language/languages.ts";
import type { SettingWord } from "../language/words.ts";
import { unlessBroken } from "../sealing/sealed-text.ts";
import type { SealedRow, Seals } from "../sealing/seals.ts";

/** When an agent answers in a group: when it is meant; also in threads it takes part in; or always. */
export const RESPOND_MODES = ["mention", "thread", "all"] as const;
export type RespondMode = (typeof RESPOND_MODES)[number];

export const STREAM_MODES = ["edit", "replace", "off"] as const;
export type StreamMode = (typeof STREAM_MODES)[number];

export const SWITCH = ["on", "off"] as const;
export type Switch = (typeof SWITCH)[number];

/**
 * What an agent remembers of a group besides what is said to it: what is said to other agents and by them, everything, or
 * nothing.
 */
export const LISTEN_MODES = ["agents", "on", "off"] as const;
export type ListenMode = (typeof LISTEN_MODES)[number];

/** What people have set for an agent in a room; what is missing is as the configuration says. */
export interface RoomSettings {
  readonly model?: string;
  readonly system?: string;
  readonly temperature?: number;
  readonly respond?: RespondMode;
  readonly stream?: StreamMode;
  readonly listen?: ListenMode;
  /** Whether each question in a group is answered in a thread of its own. */
  readonly threads?: Switch;
  /** Whether the agent may ask other agents of a group for help. */
  readonly delegate?: Switch;
  /** Whether what is too long ago to be read again at each question is summed up. */
  readonly summaries?: Switch;
  /** Of notices and help. */
  readonly language?: Language;
  /** What the agent is to keep in mind, whatever its memory holds. */
  readonly remember?: string;
  /** Whether any of these words came encrypted. */
  readonly encrypted: boolean;
}

/** What rooms have that set nothing. */
export type RoomDefaults = Required<
  Pick<RoomSettings, "respond" | "stream" | "listen" | "threads" | "delegate" | "summaries">
> & { readonly language: Language | "auto" };

/** Where a setting stands sealed. */
const PLACE = "room_settings.value";

/** Whose setting is changed, and by whom. */
interface Change {
  readonly ghost: string;
  readonly roomId: string;
  readonly by: string;
}

/** The settings whose values are words of people's own. */
const WORDS: readonly string[] = ["model", "system", "remember"] satisfies SettingWord[];

/** The rows of `room_settings`. What can't be read any more counts as not set. */
export class RoomSettingsStore {
  readonly #database: Database;
  readonly #seals: Seals;
  readonly #audit: AuditLog;
  readonly #isOff: (name: string) => boolean;

  /** @param isOff tells which settings the admin has switched off: whatever rooms have set, they count as not set. */
  constructor(database: Database, seals: Seals, isOff: (name: string) => boolean = () => false) {
    this.#database = database;
    this.#seals = seals;
    this.#audit = new AuditLog(database);
    this.#isOff = isOff;
  }

  async get(ghost: string, roomId: string): Promise<RoomSettings> {
    const found = await this.#database.query<SealedRow & { name: string; value: string; came_encrypted: boolean }>(
      "select name, value, sealed_by, came_encrypted from room_settings where ghost = $1 and room_id = $2",
      [ghost, roomId],
    );
    const { rows, open } = await this.#seals.open(found.rows);
    const values = new Map(
      rows.flatMap((row) => {
        if (this.#isOff(row.name)) return [];
        const value = unlessBroken(() => open(row, row.value, PLACE, ghost, roomId, row.name));
        return value === undefined ? [] : [[row.name, value]];
      }),
    );
    const encrypted = rows.some((row) => row.came_encrypted && WORDS.includes(row.name));
    const temperature = Number(values.get("temperature") ?? NaN);
    return {
      ...textOf("model", values),
      ...textOf("system", values),
      ...textOf("remember", values),
      ...(Number.isFinite(temperature) ? { temperature } : {}),
      ...oneOf("respond", RESPOND_MODES, values),
      ...oneOf("stream", STREAM_MODES, values),
      ...oneOf("listen", LISTEN_MODES, values),
      ...oneOf("threads", SWITCH, values),
      ...oneOf("delegate", SWITCH, values),
      ...oneOf("summaries", SWITCH, values),
      ...oneOf("language", LANGUAGES, values),
      encrypted,
    };
  }

  /**
   * Sets one, or takes it back with `undefined`.
   *
   * @param change.encrypted whether the value came encrypted.
   */
  async set(
    tx: Queryable,
    { ghost, roomId, by, encrypted }: Change & { readonly encrypted: boolean },
    name: SettingWord,
    value: string | undefined,
  ): Promise<void> {
    if (value === undefined) {
      const { count } = await tx.query("delete from room_settings where ghost = $1 and room_id = $2 and name = $3", [
        ghost,
        roomId,
        name,
      ]);
      if (count > 0) await this.#note(tx, { ghost, roomId, by }, name, { reset: true });
      return;
    }
    const key = await this.#seals.in(tx, { ghost, roomId, isLasting: true });
    await tx.query(
      `insert into room_settings (ghost, room_id, name, value, set_by, sealed_by, came_encrypted)
       values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (ghost, room_id, name) do update
         set value = excluded.value, set_by = excluded.set_by, sealed_by = excluded.sealed_by,
           came_encrypted = excluded.came_encrypted, set_at = now()`,
      [ghost, roomId, name, key.seal(storable(value), PLACE, ghost, roomId, name), by, key.id, encrypted],
    );
    await this.#note(tx, { ghost, roomId, by }, name);
  }

  /** Takes all back but what is named. */
  async reset(tx: Queryable, { ghost, roomId, by }: Change, kept: readonly SettingWord[] = []): Promise<void> {
    const { count } = await tx.query(
      `delete from room_settings where ghost = $1 and room_id = $2
       and name not in (select json_array_elements_text($3::json))`,
      [ghost, roomId, JSON.stringify(kept)],
    );
    const left = await tx.query("select from room_settings where ghost = $1 and room_id = $2", [ghost, roomId]);
    if (left.count === 0) await this.forget(tx, ghost, roomId);
    if (count > 0) await this.#note(tx, { ghost, roomId, by }, "all", { reset: true });
  }

  /** Destroys what was set for a ghost that has left a room. */
  async forget(tx: Queryable, ghost: string, roomId: string): Promise<void> {
    await this.#seals.destroy(tx, { ghost, roomId, isLasting: true });
  }

  #note(tx: Queryable, { ghost, roomId, by }: Change, setting: string, options?: { reset: true }): Promise<void> {
    return this.#audit.record(tx, { kind: "setting.changed", ghost, room: roomId, by, setting, ...options });
  }
}

function oneOf<N extends SettingWord, T extends string>(
  name: N,
  modes: readonly T[],
  values: ReadonlyMap<string, string>,
): Partial<Record<N, T>> {
  const value = modes.find((mode) => mode === values.get(name));
  return value === undefined ? {} : ({ [name]: value } as Partial<Record<N, T>>);
}

function textOf(name: "model" | "system" | "remember", values: ReadonlyMap<string, string>): Partial<RoomSettings> {
  const value = values.get(name);
  return value === undefined ? {} : { [name]: value };
}

/** Forgets what was set for agents that are not in the room any more, as leaving does. Returns how many rows. */
export function pruneSettings(database: Database, signal?: AbortSignal): Promise<number> {
  const where = `exists (select from memberships where memberships.ghost = room_settings.ghost
    and memberships.room_id = room_settings.room_id and membership not in ('join', 'invite'))
    or (set_at < now() - interval '90 days' and not exists (select from memberships
      where memberships.ghost = room_settings.ghost and memberships.room_id = room_settings.room_id))`;
  return deleteInBatches(database, { from: "room_settings", where }, signal);
}
