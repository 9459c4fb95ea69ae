import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { type Transaction, openMemory, transactionClass } from "../../../../src/crypto/store/memory.ts";
import { StoreNotHeld } from "../../../../src/crypto/store/errors.ts";
import { assertStoreHolds } from "../../../../src/crypto/store/self-test.ts";

/** Replaces a method while `work` runs. */
async function replaced<T extends object, K extends keyof T>(
  target: T,
  name: K,
  method: T[K],
  work: () => Promise<void>,
): Promise<void> {
  const original = target[name];
  target[name] = method;
  try {
    await work();
  } finally {
    target[name] = original;
  }
}

const failsClosed = (says: RegExp) => async (): Promise<void> => {
  await assert.rejects(assertStoreHolds(), (error) => error instanceof StoreNotHeld && says.test(error.message));
};

describe("assertStoreHolds", () => {
  const transaction: Transaction = transactionClass.prototype;
  const unheldStart = Object.getOwnPropertyDescriptor(transaction, "_start")?.value as Transaction["_start"];
  let rawStore: Record<"storeRecord" | "deleteRecord" | "clear", unknown>;
  let unheld: typeof rawStore;

  before(async () => {
    // Before the holds are installed, so that fake-indexeddb's own methods can be restored.
    await openMemory("before", 1, (db) => {
      rawStore = Object.getPrototypeOf(db.createObjectStore("s", { keyPath: null })._rawObjectStore) as typeof rawStore;
    });
    const { storeRecord, deleteRecord, clear } = rawStore;
    unheld = { storeRecord, deleteRecord, clear };
    await assertStoreHolds();
  });

  it("passes with the holds in place, again and again", async () => {
    await assertStoreHolds();
  });

  it("fails when transactions are not held", async () => {
    await replaced(transaction, "_start", unheldStart, failsClosed(/does not wait for the database/));
  });

  for (const method of ["storeRecord", "deleteRecord", "clear"] as const) {
    it(`fails when ${method} is not seen`, async () => {
      await replaced(rawStore, method, unheld[method], failsClosed(/not seen whole|does not wait/));
    });
  }

  it("fails when a refused write is not rolled back", async () => {
    const abort = function (this: Transaction, errorName: string): void {
      this._rollbackLog.length = 0;
      rollback.call(this, errorName);
    };
    const rollback = Object.getOwnPropertyDescriptor(transaction, "_abort")?.value as Transaction["_abort"];
    await replaced(transaction, "_abort", abort, failsClosed(/stays in memory/));
  });

  it("fails when a refused write still completes", async () => {
    const abort = function (this: Transaction): void {
      unheldStart.call(this);
    };
    await replaced(transaction, "_abort", abort, failsClosed(/a refused write completes/));
  });
});
