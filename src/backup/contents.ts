/** What a backup says of itself, before anything else. */
export interface Beginning {
  readonly kind: "beginning";
  /** The version of matrix-agents that made it. */
  readonly version: string;
  readonly madeAt: string;
  /** The migrations that had made the database. */
  readonly migrations: readonly number[];
  /** The ghosts whose devices were in use while it was made. */
  readonly inUse: readonly string[];
}

/**
 * What is in a backup, a JSON text a line. Values are those of PostgreSQL's own output as text, so that what comes back is
 * exactly what was there, in whichever of the two databases.
 */
export type Item =
  | Beginning
  | { readonly kind: "table"; readonly name: string; readonly columns: readonly string[] }
  /** Rows of the table that was named last. */
  | { readonly kind: "rows"; readonly rows: readonly (readonly (string | null)[])[] }
  /** How far the column of the table that was named last was counted up. */
  | { readonly kind: "counter"; readonly column: string; readonly value: number; readonly isUsed: boolean }
  | { readonly kind: "end"; readonly rows: number };
