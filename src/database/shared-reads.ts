import type { Queryable, Result, Row } from "./database.ts";

/** The most statements on one connection: those behind a slow one wait for it. */
const MOST_AT_ONCE = 16;

/** A connection that several readers have. */
export interface SharedConnection extends Queryable {
  release(): void;
}

/**
 * Lets reads that are started in the same tick share a connection: they leave in one packet, and share one round trip. A read
 * that locks rows is no such read, because others would wait with it.
 */
export class SharedReads {
  readonly #connect: () => Promise<SharedConnection>;
  readonly #isRead = new Map<string, boolean>();
  #batch: Batch | undefined;

  /** @param connect takes a connection from the pool. */
  constructor(connect: () => Promise<SharedConnection>) {
    this.#connect = connect;
  }

  /** Whether a statement only reads, and locks nothing. */
  isRead(sql: string): boolean {
    let isRead = this.#isRead.get(sql);
    if (isRead === undefined) {
      isRead = /^\s*(?:select|with)\b/i.test(sql) && !NO_READ.test(sql);
      if (this.#isRead.size < MOST_KNOWN) this.#isRead.set(sql, isRead);
    }
    return isRead;
  }

  async query<R extends object = Row>(sql: string, values?: readonly unknown[]): Promise<Result<R>> {
    const batch = this.#join();
    try {
      return await (await batch.connecting).query<R>(sql, values);
    } finally {
      batch.readers--;
      this.#releaseUnused(batch);
    }
  }

  #join(): Batch {
    if (this.#batch !== undefined && this.#batch.readers < MOST_AT_ONCE) {
      this.#batch.readers++;
      return this.#batch;
    }
    const batch: Batch = { connecting: this.#connect(), readers: 1, isOpen: true };
    this.#batch = batch;
    // After all that follows by promises alone.
    process.nextTick(() => {
      batch.isOpen = false;
      if (this.#batch === batch) this.#batch = undefined;
      this.#releaseUnused(batch);
    });
    return batch;
  }

  #releaseUnused(batch: Batch): void {
    if (batch.isOpen || batch.readers > 0) return;
    batch.connecting.then(
      (connection) => connection.release(),
      () => undefined,
    );
  }
}

/** Writes, and locks on rows or on anything else. */
const NO_READ = /\b(?:insert\s+into|update|delete\s+from)\b|\bfor\s+(?:no\s+key\s+)?(?:key\s+)?share\b|_lock/i;

/** The most texts that are remembered. Our code has some hundreds. */
const MOST_KNOWN = 1_000;

interface Batch {
  readonly connecting: Promise<SharedConnection>;
  readers: number;
  /** Whether more may join. */
  isOpen: boolean;
}
