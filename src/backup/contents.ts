/** The first item of a backup, which describes it. */
export interface Beginning {
  readonly kind: "beginning";
  /** The version of matrix-agents that made the backup. */
  readonly version: string;
  readonly madeAt: string;
  /** The migrations applied to the database. */
  readonly migrations: readonly number[];
  /** The ghosts whose devices were in use during the backup. */
  readonly inUse: readonly string[];
}

/**
 * The items of a backup, one JSON text a line. Values are PostgreSQL's own text output, so that both kinds of database
 * restore exactly what was there.
 */
export type Item =
  | Beginning
  | { readonly kind: "table"; readonly name: string; readonly columns: readonly string[] }
  /** Rows of the last named table. */
  | { readonly kind: "rows"; readonly rows: readonly (readonly (string | null)[])[] }
  /** The last value of a counted column of the last named table. */
  | { readonly kind: "counter"; readonly column: string; readonly value: number; readonly isUsed: boolean }
  | { readonly kind: "end"; readonly rows: number };
