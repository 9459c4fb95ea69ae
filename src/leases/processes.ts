import { setTimeout as sleep } from "node:timers/promises";
import type { Database, DatabaseSession, Queryable } from "../database/database.ts";
import { refuseDuringRestore } from "../database/restore-lock.ts";
import type { Logger } from "../observability/log.ts";
import { preferredProcess } from "./preference.ts";

/** Names the session locks by which processes show that they run; `process_lives` in the migrations knows it too. */
const PROCESS_LOCK = 7_295_003;

/** Where processes tell each other whom a transaction concerns. */
const BELLS = "matrix_agents_bells";

/** PostgreSQL takes notifications of less than 8,000 bytes; a longer one says only that there is something. */
const MAX_BELL_BYTES = 7_000;

/** The ghosts and people for whom something arrived. */
export interface Bells {
  /** Ghosts with new mail. */
  readonly mail: readonly string[];
  /** Ghosts whose device should look at its /sync. */
  readonly doorbells: readonly string[];
}

/** The reactions of a process to its notifications. All are called at once and must not throw. */
export interface ProcessListener {
  /** Another process stored something for these ghosts. */
  bells(bells: Bells): void;
  /** The heartbeat: a good moment to look for work that nobody was told of. */
  beat(): void;
}

export interface ProcessOptions {
  /** Without a sign for so long a process counts as dead, in ms. It gives one three times as often. */
  readonly expireAfterMs: number;
  readonly log: Logger;
}

/**
 * Tells the processes on a database whom something arrived for.
 *
 * @param from the process that tells, which does not hear itself; 0 for one that is no bridge. Throws DatabaseError.
 */
export async function ringProcesses(database: Queryable, bells: Bells, from = 0): Promise<void> {
  const text = JSON.stringify({ from, ...bells });
  const payload = Buffer.byteLength(text) > MAX_BELL_BYTES ? JSON.stringify({ from }) : text;
  await database.query("select pg_notify($1, $2)", [BELLS, payload]);
}

/**
 * This process among those that share the database. It shows that it lives in two ways: a lock that ends with its
 * connection, so that a killed process is noticed at once, and a heartbeat, so that a frozen one is noticed at all.
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

  /** Makes this process known. Throws DatabaseError, while a backup is being restored too. */
  static async join(database: Database, options: ProcessOptions): Promise<Processes> {
    const { rows } = await database.transaction(async (tx) => {
      // Else it would wait for the table.
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

  /** Begins to tell `listener` what happens, and to give signs of life by itself. Called once. */
  listen(listener: ProcessListener): void {
    this.#listener = listener;
    this.#beating = this.#keepBeating();
  }

  /** Whether a free ghost should come to this process, as far as is known. */
  prefers(ghost: string): boolean {
    return preferredProcess(ghost, this.#live) === this.self;
  }

  /** Looks again which processes live. Throws DatabaseError. */
  async refresh(): Promise<void> {
    const { rows } = await this.#database.query<{ number: number }>(
      "select number from processes where process_lives(number) order by number",
    );
    const others = rows.map((row) => row.number).filter((number) => number !== this.self);
    this.#live = [...others, this.self];
  }

  /** Whether there were others at the last look. */
  get alone(): boolean {
    return this.#live.length === 1;
  }

  /** How many there were at the last look, this one among them. */
  get count(): number {
    return this.#live.length;
  }

  /** Whether the others can see that this process lives: by its lock, and by a sign that is not too old. */
  get isAlive(): boolean {
    return this.#session?.locked === true && performance.now() - this.#lastSign < this.#options.expireAfterMs;
  }

  /** Tells the other processes whom something arrived for. Throws DatabaseError; the heartbeat finds it then. */
  async ring(bells: Bells): Promise<void> {
    await ringProcesses(this.#database, bells, this.self);
  }

  /** Takes this process off the list; its ghosts are free from then on. Never throws: others notice its end anyway. */
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
        // A lost connection is one that others may take for our end: a new one at once, or nearly so.
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
          "no sign of life could be given to the database; its ghosts may be taken over",
        );
      }
    }
  }

  #isLeaving(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #beat(): Promise<void> {
    const session = await this.#openSession();
    // An own connection that the server has not noticed to be dead may still hold the lock; then the next beat gets it.
    if (!session.locked) {
      await refuseDuringRestore(session.session, "session");
      const { rows } = await session.session.query<{ locked: boolean }>(
        "select pg_try_advisory_lock($1, $2) as locked",
        [PROCESS_LOCK, this.self],
      );
      this.#session = { session: session.session, locked: rows[0]?.locked === true };
    }
    const signed = performance.now();
    // Set anew when it is gone: a process that was away for long has been taken off the list.
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
    await session.listen(BELLS, (payload) => this.#heard(payload));
    return opened;
  }

  #heard(payload: string): void {
    const { from, mail, doorbells } = JSON.parse(payload) as { from: number } & Partial<Bells>;
    if (from === this.self) return;
    if (mail === undefined || doorbells === undefined) this.#listener?.beat();
    else this.#listener?.bells({ mail, doorbells });
  }
}
