import { AuditLog } from "../audit/audit-log.ts";
import { deleteInBatches } from "../database/batches.ts";
import type { Database, Queryable } from "../database/database.ts";
import { storable } from "../database/text.ts";
import type { SettingWord } from "../language/words.ts";
import { unlessBroken } from "../sealing/sealed-text.ts";
import type { SealedRow, Seals } from "../sealing/seals.ts";
import { isOwnWords, storedValue } from "./setting-values.ts";
import { SETTINGS, type RoomSettings } from "./settings.ts";

/** The context that a setting is sealed with: see sealing/sealed-text.ts. */
const CONTEXT = "room_settings.value";

/** The ghost and room of a changed setting, and the person. */
interface Change {
  readonly ghost: string;
  readonly roomId: string;
  readonly by: string;
}

/** The rows of `room_settings`. An unreadable value counts as unset. */
export class RoomSettingsStore {
  readonly #database: Database;
  readonly #seals: Seals;
  readonly #audit: AuditLog;
  readonly #isOff: (name: string) => boolean;

  /** @param isOff tells which settings the admin has switched off: rooms' values for them count as unset. */
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
    const known = rows.flatMap(({ name, ...row }) => {
      const setting = Object.hasOwn(SETTINGS, name) ? SETTINGS[name as SettingWord] : undefined;
      return setting === undefined ? [] : [{ ...row, name, setting }];
    });
    const values = known.flatMap(({ name, setting, ...row }) => {
      if (this.#isOff(name)) return [];
      const stored = unlessBroken(() => open(row, row.value, CONTEXT, ghost, roomId, name));
      const value = stored === undefined ? undefined : storedValue(setting.values, stored);
      return value === undefined ? [] : [[name, value]];
    });
    const encrypted = known.some(({ came_encrypted, setting }) => came_encrypted && isOwnWords(setting.values));
    return { ...(Object.fromEntries(values) as Partial<RoomSettings>), encrypted };
  }

  /**
   * Sets a value, or removes it with `undefined`.
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
      [ghost, roomId, name, key.seal(storable(value), CONTEXT, ghost, roomId, name), by, key.id, encrypted],
    );
    await this.#note(tx, { ghost, roomId, by }, name);
  }

  /** Removes all values except the named ones. */
  async reset(tx: Queryable, { ghost, roomId, by }: Change, kept: readonly SettingWord[] = []): Promise<void> {
    const { count } = await tx.query(
      `delete from room_settings where ghost = $1 and room_id = $2
       and name <> all($3::text[])`,
      [ghost, roomId, kept],
    );
    const left = await tx.query("select from room_settings where ghost = $1 and room_id = $2", [ghost, roomId]);
    if (left.count === 0) await this.forget(tx, ghost, roomId);
    if (count > 0) await this.#note(tx, { ghost, roomId, by }, "all", { reset: true });
  }

  /** Destroys the settings of a ghost that has left a room. */
  async forget(tx: Queryable, ghost: string, roomId: string): Promise<void> {
    await this.#seals.destroy(tx, { ghost, roomId, isLasting: true });
  }

  #note(tx: Queryable, { ghost, roomId, by }: Change, setting: string, options?: { reset: true }): Promise<void> {
    return this.#audit.record(tx, { kind: "setting.changed", ghost, room: roomId, by, setting, ...options });
  }
}

/** Deletes the settings of agents that are no longer in the room, as leaving does. Returns the number of rows. */
export function pruneSettings(database: Database, signal?: AbortSignal): Promise<number> {
  const where = `exists (select from memberships where memberships.ghost = room_settings.ghost
    and memberships.room_id = room_settings.room_id and membership not in ('join', 'invite'))
    or (set_at < now() - interval '90 days' and not exists (select from memberships
      where memberships.ghost = room_settings.ghost and memberships.room_id = room_settings.room_id))`;
  return deleteInBatches(database, { from: "room_settings", where }, signal);
}
