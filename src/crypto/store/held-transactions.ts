import { NotStorable, StoreClosed, StoreNotHeld } from "./errors.ts";
import type { Change, Commit, DatabaseContents, ObjectStoreSchema, StoredRecord } from "./contents.ts";
import {
  dropMemory,
  keyRangeClass,
  openMemory,
  transactionClass,
  type RawDatabase,
  type RawObjectStore,
  type RollbackLog,
  type Transaction,
} from "./memory.ts";

/*
 * The engine acts on a write once it sees the transaction's `complete` event, and IndexedDB has no way to delay that
 * event. So this wraps four methods of fake-indexeddb: three of the raw object store, to record a transaction's changes,
 * and the one that advances a transaction, to wait in the state `committing` until the database has answered. A refused
 * transaction is rolled back in memory and aborted, and the engine's call rejects.
 */

/** Writes a commit to the database. A rejection aborts the transaction. */
export type Persist = (commit: Commit) => Promise<void>;

const bindings = new Map<string, Persist>();
const restoring = new Set<string>();

/**
 * From now on every transaction that changes the named database waits for `persist`. An unbound database refuses all
 * writes.
 */
export function bind(database: string, persist: Persist): void {
  if (bindings.has(database)) throw new Error(`${database} is bound already`);
  bindings.set(database, persist);
}

/** Reverts {@link bind}; later writes are refused. */
export function unbind(database: string): void {
  bindings.delete(database);
}

/** Puts a stored database into memory, without writing it back. */
export async function restore(database: string, contents: DatabaseContents): Promise<void> {
  restoring.add(database);
  try {
    const connection = await openMemory(database, contents.version, (db) => {
      const stores = new Map<string, RawObjectStore>();
      for (const { name, keyPath, indexes } of contents.schema) {
        const store = db.createObjectStore(name, { keyPath });
        for (const { name, keyPath, unique, multiEntry } of indexes) {
          store.createIndex(name, keyPath, { unique, multiEntry });
        }
        stores.set(name, store._rawObjectStore);
      }
      // The public `put` would take a turn of the event loop for each record.
      for (const { store, key, value } of contents.records) {
        const target = stores.get(store);
        if (target === undefined) throw new Error(`a record of ${database} belongs to no object store`);
        target.storeRecord({ key, value }, true);
      }
    });
    connection.close();
  } finally {
    restoring.delete(database);
  }
}

let installation: Promise<void> | undefined;

/**
 * Wraps fake-indexeddb's methods, once a process. Throws {@link StoreNotHeld} when they are not where we expect them.
 */
export function installHolds(): Promise<void> {
  return (installation ??= install());
}

/** The changes of each unfinished transaction, by the rollback log that its writes share. */
const journals = new WeakMap<RollbackLog, Change[]>();

async function install(): Promise<void> {
  journalWrites(await rawObjectStorePrototype());
  holdCommits(transactionClass.prototype);
}

/** The class of raw object stores is not exported, so this reaches it through an instance. */
async function rawObjectStorePrototype(): Promise<RawObjectStore> {
  const name = "hold-transactions";
  let prototype: unknown;
  const connection = await openMemory(name, 1, (db) => {
    prototype = Object.getPrototypeOf(db.createObjectStore("any", { keyPath: null })._rawObjectStore);
  });
  connection.close();
  await dropMemory(name);
  return prototype as RawObjectStore;
}

function journalWrites(prototype: RawObjectStore): void {
  const { storeRecord, deleteRecord, clear } = methodsOf(prototype, "storeRecord", "deleteRecord", "clear");

  // A call without a rollback log is itself part of a rollback.
  const note = (log: RollbackLog | undefined, changes: readonly Change[]): void => {
    if (log === undefined) return;
    const journal = journals.get(log);
    if (journal === undefined) journals.set(log, [...changes]);
    else journal.push(...changes);
  };
  const deletions = (store: RawObjectStore, range?: object): Change[] =>
    Array.from(store.records.values(range), ({ key }) => ({ kind: "delete", store: store.name, key }));

  prototype.storeRecord = function (this: RawObjectStore, record, noOverwrite, log) {
    const key = storeRecord.call(this, record, noOverwrite, log);
    note(log, [{ kind: "put", store: this.name, key, value: record.value }]);
    return key;
  };
  prototype.deleteRecord = function (this: RawObjectStore, key, log) {
    const range = key instanceof keyRangeClass ? key : keyRangeClass.only(key);
    const changes = log === undefined ? [] : deletions(this, range);
    deleteRecord.call(this, key, log);
    note(log, changes);
  };
  prototype.clear = function (this: RawObjectStore, log) {
    const changes = log === undefined ? [] : deletions(this);
    clear.call(this, log);
    note(log, changes);
  };
}

function holdCommits(prototype: Transaction): void {
  const { _start: start } = methodsOf(prototype, "_start", "_abort");
  const held = new WeakSet<Transaction>();

  prototype._start = function (this: Transaction) {
    const pending = this._requests.some(({ request }) => request.readyState !== "done");
    if (pending || this.mode === "readonly" || this._state === "finished") {
      start.call(this);
      return;
    }
    if (held.has(this)) return;
    const { name } = this.db._rawDatabase;
    if (restoring.has(name) || (this.mode === "readwrite" && !journals.has(this._rollbackLog))) {
      start.call(this);
      return;
    }
    held.add(this);
    this._started = true;
    this._state = "committing";
    persist(name, this).then(
      () => start.call(this),
      (reason: unknown) => {
        this._abort("UnknownError");
        // The engine puts this message into the error that its caller sees.
        this.error = new DOMException(reason instanceof Error ? reason.message : String(reason), "UnknownError");
      },
    );
  };
}

async function persist(database: string, transaction: Transaction): Promise<void> {
  const bound = bindings.get(database);
  if (bound === undefined) throw new StoreClosed(database);
  await bound(
    transaction.mode === "versionchange"
      ? { kind: "replacement", contents: contentsOf(transaction.db._rawDatabase) }
      : { kind: "changes", changes: journals.get(transaction._rollbackLog) ?? [] },
  );
}

function contentsOf({ version, rawObjectStores }: RawDatabase): DatabaseContents {
  const schema: ObjectStoreSchema[] = [];
  const records: StoredRecord[] = [];
  for (const { name, keyPath, autoIncrement, rawIndexes, records: stored } of rawObjectStores.values()) {
    // No record holds the generator's position, so it would start again.
    if (autoIncrement) throw new NotStorable(`object store ${name}`, "one with a key generator");
    const indexes = Array.from(rawIndexes.values(), ({ name, keyPath, unique, multiEntry }) => ({
      name,
      keyPath,
      unique,
      multiEntry,
    }));
    schema.push({ name, keyPath, indexes });
    for (const { key, value } of stored.values()) records.push({ store: name, key, value });
  }
  return { version, schema, records };
}

/** The current versions of the named methods. */
function methodsOf<T extends object, K extends keyof T>(prototype: T, ...names: K[]): Pick<T, K> {
  for (const name of names) {
    if (typeof prototype[name] !== "function") {
      throw new StoreNotHeld(`fake-indexeddb has no method ${String(name)} where one is expected`);
    }
  }
  return Object.fromEntries(names.map((name) => [name, prototype[name]])) as Pick<T, K>;
}
