import { createHash } from "node:crypto";
import type { AuditRow } from "./audit-entry.ts";

/** The end of a chain. A copy kept where nobody can change it shows later whether rows were taken off the end. */
export interface ChainHead {
  readonly seq: number;
  /** Empty, with `seq` 0, when there is no row yet. */
  readonly hash: string;
}

/** The place where a chain is broken: the first row that was changed or removed. */
export interface Break {
  readonly seq: number;
  /**
   * `changed`: the row differs from its hash. `missing`: rows from `seq` on were removed. `replaced`: the row is whole,
   * but another row: it does not follow the row before, or is not the kept head. `added`: a row that nobody has
   * appended.
   */
  readonly how: "changed" | "missing" | "replaced" | "added";
}

/** The hash of a row, as the database computes it when the row is appended (see audit-log.ts). */
export function hashOf({ seq, at, kind, previous, details }: Omit<AuditRow, "hash">): string {
  return createHash("sha256").update([seq, at.getTime(), kind, previous, details].join("\n")).digest("hex");
}

/** Checks a chain row by row from the first on, and remembers its first break. */
export class ChainCheck {
  readonly #kept: ChainHead | undefined;
  #last: ChainHead = { seq: 0, hash: "" };
  #broken: Break | undefined;

  /** @param kept a head that was shown earlier. */
  constructor(kept?: ChainHead) {
    this.#kept = kept;
  }

  /** Takes the next row. */
  follow(row: AuditRow): void {
    const expected = this.#last.seq + 1;
    if (row.seq > expected) this.#breaksAt(expected, "missing");
    else if (row.hash !== hashOf(row)) this.#breaksAt(row.seq, "changed");
    else if (row.previous !== this.#last.hash) this.#breaksAt(row.seq, "replaced");
    else if (row.seq === this.#kept?.seq && row.hash !== this.#kept.hash) this.#breaksAt(row.seq, "replaced");
    this.#last = { seq: row.seq, hash: row.hash };
  }

  /** Ends the check. @param head the end that the database names. */
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
