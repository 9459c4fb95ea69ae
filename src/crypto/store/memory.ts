// The engine looks for IndexedDB among the globals and tests objects with `instanceof` against seven of its classes, so
// they must be global. `auto` sets only the names of the IndexedDB standard, none of them enumerable.
import "fake-indexeddb/auto";
import { forceCloseDatabase as forceClose, indexedDB, IDBKeyRange, IDBTransaction } from "fake-indexeddb";

/*
 * The parts of IndexedDB that the store uses, with the private members it depends on (underscored, or `raw…`).
 * TypeScript's own declarations bring the whole DOM and lack private members. `assertStoreHolds` proves at start that
 * these declarations are right.
 */

export type KeyPath = string | readonly string[];

export interface MemoryRecord {
  readonly key: unknown;
  readonly value: unknown;
}

/** Undoes a transaction step by step. All writes of a transaction share one. */
export type RollbackLog = (() => void)[];

export interface RawObjectStore {
  readonly name: string;
  readonly keyPath: KeyPath | null;
  readonly autoIncrement: boolean;
  readonly records: { values(range?: KeyRange): Iterable<MemoryRecord> };
  readonly rawIndexes: ReadonlyMap<
    string,
    { readonly name: string; readonly keyPath: KeyPath; readonly unique: boolean; readonly multiEntry: boolean }
  >;
  storeRecord(record: MemoryRecord, noOverwrite: boolean, rollbackLog?: RollbackLog): unknown;
  deleteRecord(key: unknown, rollbackLog?: RollbackLog): void;
  clear(rollbackLog?: RollbackLog): void;
}

export interface RawDatabase {
  readonly name: string;
  readonly version: number;
  readonly rawObjectStores: ReadonlyMap<string, RawObjectStore>;
  readonly connections: readonly Connection[];
}

export interface Transaction {
  readonly mode: "readonly" | "readwrite" | "versionchange";
  readonly db: Connection;
  readonly _rollbackLog: RollbackLog;
  readonly _requests: readonly { readonly request: { readonly readyState: string } }[];
  error: DOMException | null;
  _started: boolean;
  _state: "active" | "inactive" | "committing" | "finished";
  _start(): void;
  _abort(errorName: string): void;
  objectStore(name: string): ObjectStore;
  addEventListener(type: "complete" | "abort", listener: () => void): void;
}

export interface ObjectStore {
  readonly _rawObjectStore: RawObjectStore;
  createIndex(name: string, keyPath: KeyPath, options: { unique: boolean; multiEntry: boolean }): void;
  put(value: unknown, key: unknown): void;
  delete(key: unknown): void;
  clear(): void;
}

export interface Connection {
  readonly _rawDatabase: RawDatabase;
  createObjectStore(name: string, options: { keyPath: KeyPath | null }): ObjectStore;
  transaction(stores: readonly string[], mode: "readonly" | "readwrite"): Transaction;
  close(): void;
}

export type KeyRange = object;

interface OpenRequest {
  readonly result: Connection;
  readonly error: DOMException | null;
  addEventListener(type: "upgradeneeded" | "success" | "error", listener: () => void): void;
}

const factory = indexedDB as unknown as {
  open(name: string, version: number): OpenRequest;
  deleteDatabase(name: string): OpenRequest;
  readonly _databases: ReadonlyMap<string, RawDatabase>;
};

/** The class of all transactions. */
export const transactionClass = IDBTransaction as unknown as { readonly prototype: Transaction };

/** The class of key ranges; `only` makes the range of one key. */
export const keyRangeClass = IDBKeyRange as unknown as { (): void; prototype: KeyRange; only(key: unknown): KeyRange };

/** Opens a database in memory; `upgrade` runs in the versionchange transaction when its version is below `version`. */
export function openMemory(name: string, version: number, upgrade: (db: Connection) => void): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const request = factory.open(name, version);
    let thrown: unknown;
    request.addEventListener("upgradeneeded", () => {
      try {
        upgrade(request.result);
      } catch (error) {
        thrown = error;
        throw error;
      }
    });
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(asError(thrown ?? request.error)));
  });
}

/** Removes a database from memory, and closes its open connections: later calls on them fail. */
export async function dropMemory(name: string): Promise<void> {
  for (const connection of factory._databases.get(name)?.connections ?? []) {
    (forceClose as unknown as (connection: Connection) => void)(connection);
  }
  await new Promise<void>((resolve, reject) => {
    const request = factory.deleteDatabase(name);
    request.addEventListener("success", () => resolve());
    request.addEventListener("error", () => reject(asError(request.error)));
  });
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
