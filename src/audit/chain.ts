import { createHash } from "node:crypto";
import type { AuditRow } from "./audit-entry.ts";

/** The end of a chain. Kept where nobody can change it, it tells later whether rows were taken off the end. */
export interface ChainHead {
  readonly seq: number;
  /** Empty, with `seq` 0, when there is no row yet. */
  readonly hash: string;
}

/** Where a chain is broken: the first row that is not what it was, or is not there any more. */
export interface Break {
  readonly seq: number;
  /**
   * `changed`: the row is not what its hash says. `missing`: rows from `seq` on were taken out. `replaced`: the row is whole,
   * but not the one that stood there: it does not follow on the row before, or is not the head that was kept. `added`: a row
   * that nobody has appended.
   */
  readonly how: "changed" | "missing" | "replaced" | "added";
}

/** The hash of a row, as the database makes it when it is appended (see audit-log.ts). */
export function hashOf({ seq, at, kind, previous, details }: Omit<AuditRow, "hash">): string {
  return createHash("sha256").update([seq, at.getTime(), kind, previous, details].join("\n")).digest("hex");
}

/** Follows a chain row by row, from the first on, and remembers where it breaks first. */
export class ChainCheck {
  readonly #kept: ChainHead | undefined;
  #last: ChainHead = { seq: 0, hash: "" };
  #broken: Break | undefined;

  /** @param kept a head that was kept from an earlier time. */
  constructor(kept?: ChainHead) {
    this.#kept = kept;
  }

  /** Takes the next row there is. */
  follow(row: AuditRow): void {
    const expected = this.#last.seq + 1;
    if (row.seq > expected) this.#breaksAt(expected, "missing");
    else if (row.hash !== hashOf(row)) this.#breaksAt(row.seq, "changed");
    else if (row.previous !== this.#last.hash) this.#breaksAt(row.seq, "replaced");
    else if (row.seq === this.#kept?.seq && row.hash !== this.#kept.hash) this.#breaksAt(row.seq, "replaced");
    this.#last = { seq: row.seq, hash: row.hash };
  }

  /** No more rows. @param head the end as the database has it. */
  end(head: ChainHead): Break | undefined {
    const newest = Math.max(head.seq, this.#kept?.seq ?? 0);
    if (newest > this.#last.seq) this.#breaksAt(this.#last.seq + 1, "missing");
    else if (head.seq < this.#last.seq) this.#breaksAt(head.seq + 1, "added");
    else if (head.hash !== this.#last.hash) this.#breaksAt(head.seq, "replaced");
    return this.#broken;
  }

  #breaksAt(seq: number, how: Break["how"]): void {
    this.#broken ??= { seq, how };
  }
}
