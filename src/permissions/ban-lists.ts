import type { PermissionConfig } from "../config/config.ts";
import type { Database, Queryable } from "../database/database.ts";
import type { HomeserverClient } from "../homeserver/client.ts";
import { isHomeserverError, MatrixError } from "../homeserver/errors.ts";
import { joinRoom, roomState, type StateEvent } from "../homeserver/room-calls.ts";
import type { RoomEvent } from "../homeserver/transaction.ts";
import type { Logger } from "../observability/log.ts";
import { Bans, isPolicyEvent, parseBanList, type BanKind, type BanRule } from "./bans.ts";

/** The pause before an unreadable list is tried again, in ms. */
const RETRY_MS = 300_000;

/** The most rules of a list; no real list has more. Further rules are ignored. */
const MAX_RULES = 100_000;

/** A row of `ban_lists`. */
interface ListRow {
  room_id: string;
  changes: number;
  read_at_change: number;
}

export interface BanListsOptions {
  readonly database: Database;
  readonly client: HomeserverClient;
  /** Asked anew each time. */
  readonly settings: () => Pick<PermissionConfig, "banLists">;
  /** The user that joins and reads the rooms. */
  readonly botUserId: string;
  readonly log: Logger;
}

/**
 * The followed policy rooms, and the bans that they recommend: the rows of `ban_lists` and `ban_rules`. As with other
 * rooms, events only say that the state has changed, and then the whole state is read. The last reading counts until
 * the next one succeeds, also over restarts.
 */
export class BanLists {
  readonly #options: BanListsOptions;
  readonly #stopping = new AbortController();
  /** The time of the next attempt for each unreadable list. */
  readonly #failed = new Map<string, number>();
  #bans = new Bans();
  /** The readings from which {@link #bans} was made. */
  #madeOf = "";
  #looking: Promise<void> | undefined;
  #isLookWaiting = false;
  /** The rows of the configured lists must still be made and marked as changed. */
  #isToBegin = false;
  /** A list has changed since the last look. */
  #hasChanged = false;

  constructor(options: BanListsOptions) {
    this.#options = options;
  }

  /** The present bans. */
  get bans(): Bans {
    return this.#bans;
  }

  /** Loads the earlier readings. Called before the first transaction is taken. Throws DatabaseError. */
  async load(): Promise<void> {
    await this.#compose(await this.#rows());
  }

  /** Reads every list again, because any may have changed or be new. Returns at once. */
  refresh(): void {
    this.#failed.clear();
    this.#isToBegin = true;
    this.#run(() => this.#look());
  }

  /** Records changed rules, in the transaction that stores the events. */
  async note(tx: Queryable, events: readonly RoomEvent[]): Promise<void> {
    const changed = events.filter(
      (event) => this.#followed.includes(event.room_id) && (mayChangeRules(event) || this.#isOwnMembership(event)),
    );
    if (changed.length === 0) return;
    await tx.query("update ban_lists set changes = changes + 1 where room_id = any($1::text[])", [
      changed.map((event) => event.room_id),
    ]);
    for (const { room_id: roomId } of changed) this.#failed.delete(roomId);
    this.#hasChanged = true;
  }

  /** Called after a transaction: reads the lists that it changed. Returns at once. */
  stored(): void {
    if (this.#hasChanged) this.look();
  }

  /** Reads changed lists, and takes over other processes' readings. Returns at once. */
  look(): void {
    if (this.#isLookWaiting || (this.#followed.length === 0 && this.#madeOf === "")) return;
    this.#isLookWaiting = true;
    this.#run(() => this.#look());
  }

  /** Stops running work. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#looking;
  }

  get #followed(): readonly string[] {
    return this.#options.settings().banLists;
  }

  #isOwnMembership({ type, state_key: key }: RoomEvent): boolean {
    return type === "m.room.member" && key === this.#options.botUserId;
  }

  #run(work: () => Promise<void>): void {
    const before = this.#looking ?? Promise.resolve();
    const running: Promise<void> = before
      .then(() => (this.#stopping.signal.aborted ? undefined : work()))
      .catch((error: unknown) => {
        if (!this.#stopping.signal.aborted) this.#options.log.warn({ error }, "the ban lists could not be read");
      })
      .finally(() => {
        if (this.#looking === running) this.#looking = undefined;
      });
    this.#looking = running;
  }

  async #look(): Promise<void> {
    this.#isLookWaiting = false;
    this.#hasChanged = false;
    if (this.#isToBegin) await this.#begin();
    for (const row of await this.#rows()) {
      const isDue = row.read_at_change < row.changes && (this.#failed.get(row.room_id) ?? 0) <= performance.now();
      if (isDue) await this.#read(row);
    }
    await this.#compose(await this.#rows());
  }

  /** The next look retries after a failure. */
  async #begin(): Promise<void> {
    this.#isToBegin = false;
    try {
      await this.#options.database.query(
        `insert into ban_lists (room_id) select unnest($1::text[])
         on conflict (room_id) do update set changes = ban_lists.changes + 1`,
        [this.#followed],
      );
    } catch (error) {
      this.#isToBegin = true;
      throw error;
    }
  }

  async #rows(): Promise<ListRow[]> {
    const { rows } = await this.#options.database.query<ListRow>(
      `select room_id, changes, read_at_change from ban_lists
       where room_id = any($1::text[]) order by room_id`,
      [this.#followed],
    );
    return rows;
  }

  /** An unreadable list is logged once until it can be read again; its last reading still counts. */
  async #read({ room_id: roomId, changes }: ListRow): Promise<void> {
    const { log } = this.#options;
    try {
      const rules = parseBanList(await this.#state(roomId));
      await this.#store(roomId, changes, rules.slice(0, MAX_RULES));
      this.#failed.delete(roomId);
      log.info({ room: roomId, rules: rules.length }, "ban list read");
      if (rules.length > MAX_RULES)
        log.warn({ room: roomId, most: MAX_RULES }, "a ban list is too long; its last rules are ignored");
    } catch (error) {
      if (!isHomeserverError(error)) throw error;
      const isNews = !this.#failed.has(roomId);
      this.#failed.set(roomId, performance.now() + RETRY_MS);
      if (isNews) {
        log.error(
          { room: roomId, error },
          "a ban list can't be read: invite the bot to it, or take it out of permissions.ban_lists; its last reading still counts",
        );
      } else log.debug({ room: roomId, error }, "a ban list still can't be read");
    }
  }

  /** The room's state; the bot joins first if necessary. Throws HomeserverError. */
  async #state(roomId: string): Promise<readonly StateEvent[]> {
    const { client, botUserId } = this.#options;
    const as = { userId: botUserId };
    const options = { signal: this.#stopping.signal };
    try {
      return await roomState(client, as, roomId, options);
    } catch (error) {
      if (!(error instanceof MatrixError) || error.retryable) throw error;
      await joinRoom(client, as, roomId, { ...options, via: serverOf(roomId) });
      return roomState(client, as, roomId, options);
    }
  }

  /** A reading older than the stored one changes nothing. */
  async #store(roomId: string, changes: number, rules: readonly BanRule[]): Promise<void> {
    await this.#options.database.transaction(async (tx) => {
      const { count } = await tx.query(
        "update ban_lists set read_at_change = $2 where room_id = $1 and read_at_change < $2",
        [roomId, changes],
      );
      if (count === 0) return;
      await tx.query("delete from ban_rules where room_id = $1", [roomId]);
      await tx.query(
        `insert into ban_rules (room_id, kind, entity)
         select $1, r.kind, r.entity from json_to_recordset($2::json) as r(kind text, entity text)`,
        [roomId, JSON.stringify(rules)],
      );
    });
  }

  async #compose(rows: readonly ListRow[]): Promise<void> {
    const madeOf = rows.map((row) => `${row.room_id} ${row.read_at_change}`).join("\n");
    if (madeOf === this.#madeOf) return;
    const { rows: rules } = await this.#options.database.query<{ kind: BanKind; entity: string }>(
      "select kind, entity from ban_rules where room_id = any($1::text[])",
      [rows.map((row) => row.room_id)],
    );
    this.#bans = new Bans(rules);
    this.#madeOf = madeOf;
  }
}

/**
 * A rule, or an event that may revoke one. A redaction's target is not examined, because the list is read again anyway.
 */
function mayChangeRules(event: RoomEvent): boolean {
  return isPolicyEvent(event) || event.type === "m.room.redaction";
}

/** The server in a room's id; ids of version 12 and later have none. */
function serverOf(roomId: string): string | undefined {
  const colon = roomId.indexOf(":");
  return colon === -1 ? undefined : roomId.slice(colon + 1);
}
