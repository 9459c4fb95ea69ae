import { deleteInBatches } from "../database/batches.ts";
import type { Database, Queryable } from "../database/database.ts";
import { storable } from "../database/text.ts";
import type { FileFailure } from "../language/failures.ts";
import { unlessBroken } from "../sealing/sealed-text.ts";
import type { SealedRow, Seals } from "../sealing/seals.ts";

/** The result of reading a file. */
export type FileOutcome =
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "unreadable";
      readonly why: FileFailure;
      /** It failed to come: it is tried again later, and each time after a longer pause. */
      readonly isPassing: boolean;
    };

/** The remembered message with a file. */
export interface FileId {
  readonly ghost: string;
  readonly eventId: string;
}

/** The context that the words of a file are sealed with: see sealing/sealed-text.ts. */
export const FILE_CONTEXT = "read_files.body";

/** Stores the contents of messages' files, so that an agent fetches and reads each file once. */
export class ReadFiles {
  readonly #database: Database;
  readonly #seals: Seals;

  constructor(database: Database, seals: Seals) {
    this.#database = database;
    this.#seals = seals;
  }

  /** The result of reading a file; undefined when it was not read, or may be tried again. Throws DatabaseError. */
  async find({ ghost, eventId }: FileId): Promise<FileOutcome | undefined> {
    const found = await this.#database.query<Row>(
      `select read_files.body, failure, read_files.sealed_by, again_at is not null as is_passing
       from read_files join messages using (position)
       where ghost = $1 and event_id = $2 and (again_at is null or again_at > now())`,
      [ghost, eventId],
    );
    const { rows, open } = await this.#seals.open(found.rows);
    const [row] = rows;
    if (row === undefined) return undefined;
    const { body, failure, is_passing: isPassing } = row;
    if (failure !== null) return { kind: "unreadable", why: failure, isPassing };
    return unlessBroken(() => ({ kind: "text", text: open(row, body ?? "", FILE_CONTEXT, ghost, eventId) }));
  }

  /** Stores the result for as long as its message is remembered. Throws DatabaseError, MasterKeyError. */
  async keep({ ghost, eventId }: FileId, outcome: FileOutcome): Promise<void> {
    await this.#database.transaction(async (tx) => {
      // An edit or deletion of the message waits, and then finds this row.
      const { rows } = await tx.query<{ position: number; sealed_by: number | null }>(
        "select position, sealed_by from messages where ghost = $1 and event_id = $2 for share",
        [ghost, eventId],
      );
      const [message] = rows;
      if (message === undefined || message.sealed_by === null) return;
      if (outcome.kind === "unreadable") await this.#keepFailure(tx, message.position, outcome);
      else {
        const key = await this.#seals.known(tx, message.sealed_by);
        await tx.query(
          `insert into read_files (position, body, sealed_by) values ($1, $2, $3)
           on conflict (position) do update set body = excluded.body, failure = null, again_at = null,
             read_at = now(), sealed_by = excluded.sealed_by`,
          [message.position, key.seal(storable(outcome.text), FILE_CONTEXT, ghost, eventId), key.id],
        );
      }
    });
  }

  async #keepFailure(
    tx: Queryable,
    position: number,
    { why, isPassing }: Extract<FileOutcome, { kind: "unreadable" }>,
  ): Promise<void> {
    await tx.query(
      `insert into read_files (position, failure, again_at, tries)
       values ($1, $2, case when $3 then now() + interval '10 minutes' end, 1)
       on conflict (position) do update set body = null, failure = excluded.failure, sealed_by = null, read_at = now(),
         tries = read_files.tries + 1,
         again_at = case when $3 then now() + interval '10 minutes' * power(2, least(read_files.tries, 10)) end`,
      [position, why, isPassing],
    );
  }

  /**
   * Deletes old results: the file is fetched again if anybody needs it. Returns the number of files. Throws
   * DatabaseError.
   */
  async prune(olderThanDays: number, signal?: AbortSignal): Promise<number> {
    const where = "read_at < now() - $1 * interval '1 day'";
    return deleteInBatches(this.#database, { from: "read_files", where, values: [olderThanDays] }, signal);
  }
}

/** Deletes the contents of a changed message's file. */
export async function dropReadFile(tx: Queryable, { ghost, eventId }: FileId): Promise<void> {
  await tx.query(
    "delete from read_files where position in (select position from messages where ghost = $1 and event_id = $2)",
    [ghost, eventId],
  );
}

interface Row extends SealedRow {
  readonly body: string | null;
  readonly failure: FileFailure | null;
  readonly is_passing: boolean;
}
