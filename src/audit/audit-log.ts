import type { Database, Queryable } from "../database/database.ts";
import { detailsOf, LONGEST, type AuditEntry, type AuditRow } from "./audit-entry.ts";
import { ChainCheck, type Break, type ChainHead } from "./chain.ts";

/** The rows read at once. */
const PAGE = 1_000;

/**
 * The most refusals noted in an hour, by user, by server, and in all: anybody can be refused as often as they like,
 * each time with another room. Further refusals are only logged.
 */
export const REFUSALS_AN_HOUR = { user: 20, server: 100, all: 500 } as const;

/** The rows to be read. */
export interface AuditFilter {
  readonly before: number | undefined;
  readonly holding: string;
  readonly limit: number;
}

/** The result of checking the whole chain. */
export interface Verdict {
  readonly rows: number;
  readonly head: ChainHead;
  /** Undefined when the chain is whole. */
  readonly broken: Break | undefined;
}

/**
 * The rows of `audit_log`: events that matter for security, appended and never changed. Each row's hash includes the
 * hash of the row before it. So anybody who changes a row has to make all later ones anew, and their last hash differs
 * from one that was kept elsewhere. SECURITY.md says what this proves and what it does not.
 */
export class AuditLog {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Appends an entry, in one statement. In a transaction the entry exists exactly if the event does. Other appends wait
   * until that transaction ends, so it should be short, and this should be its last statement. Outside a transaction,
   * pass the database itself. Throws DatabaseError, also when somebody has deleted the chain's end.
   */
  async record(tx: Queryable, entry: AuditEntry): Promise<void> {
    const details = detailsOf(entry);
    const by = entry.kind === "refused" ? entry.by : "";
    // The update locks the head and sees the row of its last holder.
    const { count } = await tx.query(
      `with head as (
         update audit_head set seq = seq + 1, previous = hash,
           hash = encode(sha256(convert_to(concat_ws(E'\\n', seq + 1,
             floor(extract(epoch from statement_timestamp()) * 1000)::bigint, $1::text, hash, $2::text), 'UTF8')), 'hex')
         where $1::text <> 'refused' or (
           not exists (
             select from audit_log
             where kind = 'refused' and details = $2::text and at > statement_timestamp() - interval '1 hour')
           and (
             select count(*) < $4 and count(*) filter (where strpos(details, $3) > 0) < $5
               and count(*) filter (where substr(split_part(split_part(details, '"by":"', 2), '"', 1),
                 strpos(split_part(split_part(details, '"by":"', 2), '"', 1), ':') + 1) = $6) < $7
             from audit_log where kind = 'refused' and at > statement_timestamp() - interval '1 hour'))
         returning seq, previous, hash)
       insert into audit_log (seq, at, kind, details, previous, hash)
       select seq, date_trunc('milliseconds', statement_timestamp()), $1::text, $2::text, previous, hash from head`,
      [
        entry.kind,
        details,
        `"by":${JSON.stringify(by.slice(0, LONGEST).toWellFormed())}`,
        REFUSALS_AN_HOUR.all,
        REFUSALS_AN_HOUR.user,
        by.slice(by.indexOf(":") + 1, LONGEST),
        REFUSALS_AN_HOUR.server,
      ],
    );
    if (count === 0 && entry.kind !== "refused") {
      throw new Error("the audit log has lost its head: its row in the table audit_head was deleted by somebody");
    }
  }

  /** The rows since a time, the oldest first. Throws DatabaseError. */
  async *since(from: Date | undefined): AsyncGenerator<AuditRow> {
    const { rows } = await this.#database.query<{ seq: number | null }>(
      "select min(seq) as seq from audit_log where at >= $1",
      [from ?? new Date(0)],
    );
    const first = rows[0]?.seq ?? undefined;
    if (first !== undefined) yield* this.#from(this.#database, first);
  }

  /**
   * The newest rows before one, newest first.
   *
   * @param filter.before the number of a row; undefined: from the end.
   * @param filter.holding a text that the kind or the details hold. Throws DatabaseError.
   */
  async newest({ before, holding, limit }: AuditFilter): Promise<AuditRow[]> {
    const { rows } = await this.#database.query<AuditRow>(
      `select seq, at, kind, details, previous, hash from audit_log
       where seq < coalesce($1, 9007199254740991) and ($2 = '' or strpos(lower(kind || ' ' || details), lower($2)) > 0)
       order by seq desc limit $3`,
      [before ?? null, holding, limit],
    );
    return rows;
  }

  /**
   * Checks the whole chain as it is at one moment.
   *
   * @param kept a head that was shown earlier. Throws DatabaseError.
   */
  verify(kept?: ChainHead): Promise<Verdict> {
    return this.#database.transaction(async (tx) => {
      await tx.execute("set transaction isolation level repeatable read, read only");
      const check = new ChainCheck(kept);
      let count = 0;
      for await (const row of this.#from(tx, Number.MIN_SAFE_INTEGER)) {
        check.follow(row);
        count++;
      }
      const { rows } = await tx.query<ChainHead>("select seq, hash from audit_head");
      const head = rows[0] ?? { seq: 0, hash: "" };
      return { rows: count, head, broken: check.end(head) };
    });
  }

  async *#from(source: Queryable, first: number): AsyncGenerator<AuditRow> {
    for (let next = first; ;) {
      const { rows } = await source.query<AuditRow>(
        "select seq, at, kind, details, previous, hash from audit_log where seq >= $1 order by seq limit $2",
        [next, PAGE],
      );
      yield* rows;
      const last = rows.at(-1);
      if (last === undefined || rows.length < PAGE) return;
      next = last.seq + 1;
    }
  }
}
