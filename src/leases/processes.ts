import { setTimeout as sleep } from "node:timers/promises";
import type { Database, DatabaseSession, Queryable } from "../database/database.ts";
import { refuseDuringRestore } from "../database/restore-lock.ts";
import type { Logger } from "../observability/log.ts";
import { preferredProcess } from "./preference.ts";

/**
 * Names the session lock by which a process shows that it runs. `process_lives` in the migrations uses the same number.
 */
const PROCESS_LOCK = 7_295_003;

/** The channel on which processes tell each other of new mail. */
const CHANNEL = "matrix_agents_bells";

/** PostgreSQL refuses notifications of 8,000 bytes or more. A longer one is sent without the names. */
const MAX_NOTIFICATION_BYTES = 7_000;

/** The ghosts and people for whom something arrived. */
export interface Notification {
  /** Ghosts with new mail. */
  readonly mail: readonly string[];
  /** Ghosts whose device should look at its /sync. */
  readonly wakeUps: readonly string[];
}

/** A notification as processes of every version send it; without the names where it would be too long. */
interface Payload {
  readonly from: number;
  readonly mail?: readonly string[];
  readonly doorbells?: readonly string[];
}

/** A process's reactions to its notifications. All run at once and must not throw. */
export interface ProcessListener {
  /** Another process stored something for these ghosts. */
  notified(notification: Notification): void;
  /** The heartbeat: a good time to look for work that no notification announced. */
  beat(): void;
}

export interface ProcessOptions {
  /** A process without a heartbeat for this long counts as dead, in ms. It sends one three times as often. */
  readonly expireAfterMs: number;
  readonly log: Logger;
}

/**
 * Tells the processes on a database of new work for ghosts.
 *
 * @param from the sending process, which ignores its own notification; 0 for one that is no bridge. Throws
 * DatabaseError.
 */
export async function notifyProcesses(database: Queryable, { mail, wakeUps }: Notification, from = 0): Promise<void> {
  const text = JSON.stringify({ from, mail, doorbells: wakeUps } satisfies Payload);
  const payload = Buffer.byteLength(text) > MAX_NOTIFICATION_BYTES ? JSON.stringify({ from }) : text;
  await database.query("select pg_notify($1, $2)", [CHANNEL, payload]);
}

/** Has all processes on a database look around at once, as at a heartbeat. Throws DatabaseError. */
export async function askProcessesToLook(database: Queryable): Promise<void> {
  await database.query("select pg_notify($1, $2)", [CHANNEL, JSON.stringify({ from: 0 } satisfies Payload)]);
}

/**
 * This process among those that share the database. It shows in two ways that it lives: a lock that ends with its
 * connection, so that a killed process is noticed at once, and a heartbeat, so that a frozen one is noticed too.
 */
export class Processes {
  /** This process's number, the same until it ends. */
  readonly self: number;
  readonly #database: Database;
  readonly #options: ProcessOptions;
  readonly #stopping = new AbortController();
  #listener: ProcessListener | undefined;
  #session: { readonly session: DatabaseSession; readonly locked: boolean } | undefined;
  #live: readonly number[];
  #lastSign = -Infinity;
  #beating: Promise<void> = Promise.resolve();

  private constructor(database: Database, options: ProcessOptions, self: number) {
    this.#database = database;
    this.#options = options;
    this.self = self;
    this.#live = [self];
  }

  /** Registers this process. Throws DatabaseError, also while a backup is being restored. */
  static async join(database: Database, options: ProcessOptions): Promise<Processes> {
    const { rows } = await database.transaction(async (tx) => {
      // Without this it would wait for the table.
      await refuseDuringRestore(tx, "transaction");
      return tx.query<{ number: number }>(
        "insert into processes (expires_at) values (clock_timestamp()) returning number",
      );
    });
    const number = rows[0]?.number;
    if (number === undefined) throw new Error("the process was given no number");
    const processes = new Processes(database, options, number);
    try {
      await processes.#beat();
    } catch (error) {
      await processes.leave();
      throw error;
    }
    return processes;
  }

  /** Starts to notify `listener`, and to send heartbeats. Called once. */
  listen(listener: ProcessListener): void {
    this.#listener = listener;
    this.#beating = this.#keepBeating();
  }

  /** Whether a free ghost should come to this process, as far as known. */
  prefers(ghost: string): boolean {
    return preferredProcess(ghost, this.#live) === this.self;
  }

  /** Reads the live processes again. Throws DatabaseError. */
  async refresh(): Promise<void> {
    const { rows } = await this.#database.query<{ number: number }>(
      "select number from processes where process_lives(number) order by number",
    );
    const others = rows.map((row) => row.number).filter((number) => number !== this.self);
    this.#live = [...others, this.self];
  }

  /** Whether this process was alone at the last look. */
  get alone(): boolean {
    return this.#live.length === 1;
  }

  /** The number of processes at the last look, including this one. */
  get count(): number {
    return this.#live.length;
  }

  /** Whether the others can see that this process lives: by its lock and a recent heartbeat. */
  get isAlive(): boolean {
    return this.#session?.locked === true && performance.now() - this.#lastSign < this.#options.expireAfterMs;
  }

  /** Tells the other processes of new work. Throws DatabaseError; the heartbeat then finds the work. */
  async notify(notification: Notification): Promise<void> {
    await notifyProcesses(this.#database, notification, this.self);
  }

  /** Removes this process from the list, which frees its ghosts. Never throws: the others notice its end anyway. */
  async leave(): Promise<void> {
    this.#stopping.abort();
    await this.#beating;
    await this.#database
      .query("delete from processes where number = $1", [this.self])
      .catch((error: unknown) => this.#options.log.warn({ error }, "this process could not be taken off the list"));
    await this.#session?.session.close();
    this.#session = undefined;
  }

  async #keepBeating(): Promise<void> {
    const everyMs = this.#options.expireAfterMs / 3;
    const { signal } = this.#stopping;
    while (!this.#isLeaving()) {
      const ended = this.#session?.session.ended ?? Promise.resolve();
      const waited = new AbortController();
      await Promise.race([
        sleep(everyMs, undefined, { ref: false, signal: AbortSignal.any([signal, waited.signal]) }).catch(
          () => undefined,
        ),
        // Others may take a lost connection for our end, so a new one is opened almost at once.
        ended.then(() => sleep(Math.min(everyMs, 500), undefined, { ref: false })),
      ]);
      waited.abort();
      if (this.#isLeaving()) return;
      try {
        await this.#beat();
        this.#listener?.beat();
      } catch (error) {
        this.#options.log.warn(
          { error },
          "the heartbeat could not be written; other processes may take this one's ghosts",
        );
      }
    }
  }

  #isLeaving(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #beat(): Promise<void> {
    const session = await this.#openSession();
    // An old connection, not yet known to be dead, may still hold the lock. Then the next beat gets it.
    if (!session.locked) {
      await refuseDuringRestore(session.session, "session");
      const { rows } = await session.session.query<{ locked: boolean }>(
        "select pg_try_advisory_lock($1, $2) as locked",
        [PROCESS_LOCK, this.self],
      );
      this.#session = { session: session.session, locked: rows[0]?.locked === true };
    }
    const signed = performance.now();
    // The row is inserted again when it is missing: a process that was silent for long has been removed.
    await this.#database.query(
      `insert into processes (number, expires_at) values ($1, clock_timestamp() + $2 * interval '1 millisecond')
       on conflict (number) do update set expires_at = excluded.expires_at`,
      [this.self, this.#options.expireAfterMs],
    );
    this.#lastSign = signed;
    await this.#database.query(
      "delete from processes where expires_at < clock_timestamp() - interval '1 hour' and not process_lives(number)",
    );
    await this.refresh();
  }

  async #openSession(): Promise<{ readonly session: DatabaseSession; readonly locked: boolean }> {
    if (this.#session !== undefined) return this.#session;
    const session = await this.#database.session();
    const opened = { session, locked: false };
    this.#session = opened;
    const forget = (): void => {
      if (this.#session?.session === session) this.#session = undefined;
    };
    session.ended.then(forget, forget);
    await session.listen(CHANNEL, (payload) => this.#heard(payload));
    return opened;
  }

  #heard(payload: string): void {
    const { from, mail, doorbells: wakeUps } = JSON.parse(payload) as Payload;
    if (from === this.self) return;
    if (mail === undefined || wakeUps === undefined) this.#listener?.beat();
    else this.#listener?.notified({ mail, wakeUps });
  }
}
