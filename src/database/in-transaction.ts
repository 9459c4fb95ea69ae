import type { Queryable } from "./database.ts";
import { TransactionStatements } from "./transaction-statements.ts";

/** A connection that belongs to one transaction. */
export interface TransactionConnection extends Queryable {
  commit(): Promise<unknown>;
  /** Never rejects. */
  rollback(): Promise<void>;
}

/**
 * Runs a transaction as `Database.transactionWithLast` has it: its commit leaves together with the statements of `last`.
 *
 * @param begin the statement that begins it, where the connection has not begun by itself.
 */
export async function inTransaction<T, R>(
  connection: TransactionConnection,
  work: (tx: Queryable) => Promise<T>,
  last: (tx: Queryable, made: T) => Promise<R>,
  begin?: string,
): Promise<R> {
  const statements = new TransactionStatements(connection);
  try {
    // Waited for with the first statement of the work, which fails when this did.
    if (begin !== undefined) statements.query(begin).catch(() => undefined);
    const made = await work(statements);
    const ending = await statements.last((tx) => last(tx, made));
    // The commit of a transaction in which a statement failed rolls it back; the statement's failure says why.
    const committed = connection.commit();
    committed.catch(() => undefined);
    await statements.succeeded();
    await committed;
    return await ending.result;
  } catch (error) {
    statements.close();
    await connection.rollback();
    throw statements.reasonOf(error);
  }
}
