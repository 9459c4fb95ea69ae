import type { Retryable } from "../../observability/retryable.ts";

/** The ghost's store is already open in this process. A second machine on it would use the same keys twice. */
export class StoreAlreadyOpen extends Error {
  override readonly name = "StoreAlreadyOpen";

  constructor(ghost: string) {
    super(`the crypto store of ${ghost} is open already; close it first`);
  }
}

/**
 * A write of the session did not reach the database; `cause` has the reason. The memory can no longer be trusted: the
 * owner must close the machine and the session, and open both again from the database.
 */
export class StoreFailed extends Error implements Retryable {
  override readonly name = "StoreFailed";
  readonly retryable = true;

  constructor(ghost: string, cause: unknown) {
    super(`a write to the crypto store of ${ghost} failed; it has to be opened again`, { cause });
  }
}

/** A write came for a store that is closed or closing. Nothing was written. */
export class StoreClosed extends Error implements Retryable {
  override readonly name = "StoreClosed";
  readonly retryable = true;

  constructor(database: string) {
    super(`${database} is not open for writing`);
  }
}

/** JSON would change a key or value, so it was not written. */
export class NotStorable extends Error {
  override readonly name = "NotStorable";

  /** @param path the place in the record, without any of its content. */
  constructor(path: string, found: string) {
    super(`cannot be stored: ${path} is ${found}`);
  }
}

/**
 * The IndexedDB in memory does not hold its transactions until the database has answered. Encrypting on it could use a
 * key twice after a crash, so no store may be opened.
 */
export class StoreNotHeld extends Error {
  override readonly name = "StoreNotHeld";

  constructor(found: string, options?: { cause?: unknown }) {
    super(
      `the crypto store's self-test failed: ${found}. Encryption stays off; install the exact version of fake-indexeddb that package.json names`,
      options,
    );
  }
}
