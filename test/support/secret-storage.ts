import type { DeviceOptions } from "../../src/crypto/device.ts";
import type { KeptIdentity } from "../../src/crypto/identity.ts";
import { SecretStorage, type AccountData } from "../../src/crypto/secret-storage.ts";

/** Account data in memory. */
export function accountData(): AccountData & { readonly kept: Map<string, object> } {
  const kept = new Map<string, object>();
  return {
    kept,
    get: (type) => Promise.resolve(kept.get(type) as Record<string, unknown> | undefined),
    put: (type, content) => {
      kept.set(type, JSON.parse(JSON.stringify(content)) as object);
      return Promise.resolve();
    },
  };
}

/** A place for an identity's secrets in memory. */
export function keptIdentity(): KeptIdentity {
  let kept: unknown;
  return {
    keep: (secrets) => {
      kept = secrets;
      return Promise.resolve();
    },
    kept: () => Promise.resolve(kept),
  };
}

/** For tests without a server for keys: an empty secret storage, no backup, nobody verifies, all are trusted. */
export function noServerSideKeys(): Pick<
  DeviceOptions,
  "storage" | "keptIdentity" | "backup" | "onBackup" | "verification" | "trusted"
> {
  const never = (): Promise<never> => Promise.reject(new Error("there is no backup here"));
  return {
    storage: new SecretStorage(accountData(), new Uint8Array(32)),
    keptIdentity: keptIdentity(),
    onBackup: () => Promise.resolve(),
    verification: {
      mode: "off",
      isAllowed: () => false,
      targetIn: () => Promise.resolve(undefined),
      ledger: {
        begin: () => Promise.resolve(true),
        isCancelled: () => Promise.resolve(false),
        offering: () => Promise.resolve(),
        comparing: () => Promise.resolve(),
        decision: () => Promise.resolve(undefined),
        ended: () => Promise.resolve(),
      },
    },
    trusted: () => "unverified",
    backup: { version: never, create: never, put: never, keys: never },
  };
}
