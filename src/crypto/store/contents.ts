import { toJson } from "./json-value.ts";

/** An index of an object store, as `createIndex` takes it. */
export interface IndexSchema {
  readonly name: string;
  readonly keyPath: string | readonly string[];
  readonly unique: boolean;
  readonly multiEntry: boolean;
}

/** An object store, as `createObjectStore` takes it. */
export interface ObjectStoreSchema {
  readonly name: string;
  readonly keyPath: string | readonly string[] | null;
  readonly indexes: readonly IndexSchema[];
}

/** One record. `key` is any IndexedDB key that JSON can express. */
export interface StoredRecord {
  readonly store: string;
  readonly key: unknown;
  readonly value: unknown;
}

/** The whole of one IndexedDB database. */
export interface DatabaseContents {
  readonly version: number;
  readonly schema: readonly ObjectStoreSchema[];
  readonly records: readonly StoredRecord[];
}

/** A change of one record by a transaction. */
export type Change =
  | ({ readonly kind: "put" } & StoredRecord)
  | { readonly kind: "delete"; readonly store: string; readonly key: unknown };

/** The changes that a transaction is about to commit. */
export type Commit =
  /** A readwrite transaction: its changes in order. */
  | { readonly kind: "changes"; readonly changes: readonly Change[] }
  /** A versionchange transaction: the whole new database. */
  | { readonly kind: "replacement"; readonly contents: DatabaseContents };

/** A record as a row: its key and value as JSON. A row without a value is deleted. */
export interface RecordRow {
  readonly store: string;
  readonly key: string;
  readonly value: string | null;
}

/** Changes as rows: for each record only its last change. Throws NotStorable. */
export function rowsOf(changes: readonly Change[]): RecordRow[] {
  const rows = new Map<string, RecordRow>();
  for (const change of changes) {
    const key = toJson(change.key);
    const value = change.kind === "put" ? toJson(change.value) : null;
    rows.set(JSON.stringify([change.store, key]), { store: change.store, key, value });
  }
  return [...rows.values()];
}
