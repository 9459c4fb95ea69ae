import type { Database } from "../../database/database.ts";
import type { Lease } from "../../leases/leases.ts";
import type { Logger } from "../../observability/log.ts";
import type { Commit } from "./contents.ts";
import { StoreFailed } from "./errors.ts";
import { bind, restore, unbind } from "./held-transactions.ts";
import { dropMemory } from "./memory.ts";
import { databaseNames, storeName } from "./names.ts";
import { Written } from "./written.ts";
import { readDatabase, replaceDatabase, writeChanges } from "./tables.ts";
import { reached } from "../../observability/steps.ts";

/** A ghost's store while it is in memory. */
export interface StoreSession {
  /** The store name for `StoreHandle.openWithKey`; valid for this session only. */
  readonly name: string;
  /**
   * Aborted, with a {@link StoreFailed} as its reason, when a write did not reach the database. Every later write is
   * refused: the owner must close the machine and this session, and open both again.
   */
  readonly failed: AbortSignal;
  /** Rises with each write that may change what the engine knows of devices and identities, its own included. */
  peopleVersion(): number;
  /** The number of rooms for which the store has, or had, a room key of its own. */
  roomsWithOwnKey(): number;
  /**
   * Closes the store: finishes running writes, refuses new ones and frees the memory. Idempotent. Close the machine
   * first; calls of an open one fail from here on.
   */
  close(): Promise<void>;
}

/** The parts that make a session. */
export interface SessionOptions {
  readonly database: Database;
  readonly log: Logger;
  /** The right to write. */
  readonly lease: Lease;
  readonly deviceId: string;
  /** Called once, when the session's memory is freed. */
  readonly closed: () => void;
}

let sessions = 0;

/** Loads the device's store into memory. Throws DatabaseError. */
export async function openSession(options: SessionOptions): Promise<StoreSession> {
  const { database, lease, deviceId } = options;
  const { ghost } = lease;
  const log = options.log.child({ ghost, device: deviceId });
  const store = storeName(ghost, deviceId);
  // A name is never used twice: the machine of an earlier session must not reach this one's memory.
  const name = `${store}#${++sessions}`;
  const databases = databaseNames(store, name);
  const failure = new AbortController();
  const underWay = new Set<Promise<void>>();

  const written = new Written();

  const evict = async (): Promise<void> => {
    for (const { inMemory } of databases) unbind(inMemory);
    await Promise.allSettled(underWay);
    for (const { inMemory } of databases) await dropMemory(inMemory);
  };

  try {
    for (const { stored, inMemory } of databases) {
      const contents = await readDatabase(database, stored);
      if (contents !== undefined) {
        await restore(inMemory, contents);
        written.holds(contents.records);
      }
      bind(inMemory, (commit) => {
        const write = persist(stored, commit);
        underWay.add(write);
        // The engine is told of a failure by the promise that is returned.
        write.finally(() => underWay.delete(write)).catch(() => undefined);
        return write;
      });
    }
  } catch (error) {
    await evict();
    throw error;
  }

  async function persist(stored: string, commit: Commit): Promise<void> {
    failure.signal.throwIfAborted();
    written.begun(commit);
    try {
      reached("store.writing");
      await write(database, lease, stored, commit);
      reached("store.written");
      written.done(commit);
    } catch (cause) {
      const failed = new StoreFailed(ghost, cause);
      if (!failure.signal.aborted) {
        log.error({ error: failed }, "a crypto store's write failed; the store must be opened again");
        failure.abort(failed);
      }
      throw failed;
    }
  }

  let closing: Promise<void> | undefined;
  return {
    name,
    failed: failure.signal,
    peopleVersion: () => written.peopleVersion,
    roomsWithOwnKey: () => written.roomsWithOwnKey,
    close: () => (closing ??= evict().then(options.closed)),
  };
}

async function write(database: Database, lease: Lease, name: string, commit: Commit): Promise<void> {
  switch (commit.kind) {
    case "changes":
      await writeChanges(database, lease, name, commit.changes);
      return;
    case "replacement":
      await replaceDatabase(database, lease, name, commit.contents);
      return;
  }
}
