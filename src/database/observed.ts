import type { Metrics } from "../observability/metrics.ts";
import { DatabaseError, type Database } from "./database.ts";

/** A database that counts and times its statements and transactions. */
export function observedDatabase(database: Database, metrics: Metrics): Database {
  const timed = async <T>(kind: "statement" | "transaction", work: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    let outcome = "ok";
    try {
      return await work();
    } catch (error) {
      outcome = error instanceof DatabaseError && error.retryable ? "retryable" : "failed";
      throw error;
    } finally {
      metrics.databaseQueries.observe({ kind, outcome }, (performance.now() - started) / 1000);
    }
  };
  return {
    ...database,
    query: (sql, values) => timed("statement", () => database.query(sql, values)),
    transaction: (work) => timed("transaction", () => database.transaction(work)),
    transactionWithLast: (work, last) => timed("transaction", () => database.transactionWithLast(work, last)),
    atOnce: (work) => timed("transaction", () => database.atOnce(work)),
  };
}
