import type { Retryable } from "../../observability/retryable.ts";

/** The ghost's store is open in this process already. A second machine on it would use the same keys twice. */
export class StoreAlreadyOpen extends Error {
  override readonly name = "StoreAlreadyOpen";

  constructor(ghost: string) {
    super(`the crypto store of ${ghost} is open already; close it first`);
  }
}

/**
 * A write of the session did not reach the database; `cause` says why. What is in memory can no longer be trusted: the
 * owner closes the machine, closes the session, and opens both again from what is stored.
 */
export class StoreFailed extends Error implements Retryable {
  override readonly name = "StoreFailed";
  readonly retryable = true;

  constructor(ghost: string, cause: unknown) {
    super(`a write to the crypto store of ${ghost} failed; it has to be opened again`, { cause });
  }
}

/** A write came for a store that is closed or being closed. Nothing was written. */
export class StoreClosed extends Error implements Retryable {
  override readonly name = "StoreClosed";
  readonly retryable = true;

  constructor(database: string) {
    super(`${database} is not open for writing`);
  }
}

/** A key or value would not be the same after a round trip through JSON, so it was not written. */
export class NotStorable extends Error {
  override readonly name = "NotStorable";

  /** @param path where in the record, without any of its content. */
  constructor(path: string, found: string) {
    super(`cannot be stored: ${path} is ${found}`);
  }
}

/**
 * The IndexedDB in memory does not hold its transactions until the database has answered. Encrypting on it could use a
 * key twice after a crash, so nothing may be opened.
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
