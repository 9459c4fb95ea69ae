import { setImmediate as turn } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Commit } from "./contents.ts";
import { StoreNotHeld } from "./errors.ts";
import { bind, installHolds, unbind } from "./held-transactions.ts";
import { dropMemory, openMemory, type Connection, type ObjectStore } from "./memory.ts";

let probes = 0;

/**
 * Installs the holds and proves them on a scratch database: every change of a transaction is seen, `complete` waits for
 * the database's answer, and a refused transaction aborts without a trace. Takes a few milliseconds. Throws {@link
 * StoreNotHeld}.
 */
export async function assertStoreHolds(): Promise<void> {
  const name = `self-test-${++probes}`;
  const commits: HeldCommit[] = [];
  const end = new AbortController();
  try {
    await installHolds();
    bind(name, (commit) => {
      const { promise, resolve, reject } = Promise.withResolvers<undefined>();
      end.signal.addEventListener("abort", () => reject(new Error("the self-test is over")));
      commits.push({ commit, resolve: () => resolve(undefined), reject });
      return promise;
    });
    const opening = openMemory(name, 1, (db) => db.createObjectStore("records", { keyPath: null }).put("old", "kept"));
    const upgrade = await held(commits, opening, "a versionchange transaction");
    expect(upgrade.commit, {
      kind: "replacement",
      contents: {
        version: 1,
        schema: [{ name: "records", keyPath: null, indexes: [] }],
        records: [{ store: "records", key: "kept", value: "old" }],
      },
    });
    upgrade.resolve();
    await checkWrites(await opening, commits);
  } catch (cause) {
    throw cause instanceof StoreNotHeld ? cause : new StoreNotHeld("it broke off", { cause });
  } finally {
    end.abort();
    unbind(name);
    await dropMemory(name);
  }
}

interface HeldCommit {
  readonly commit: Commit;
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

async function checkWrites(db: Connection, commits: HeldCommit[]): Promise<void> {
  const accepted = write(db, (store) => {
    store.put("new", "gone");
    store.delete("gone");
    store.put("new", "kept");
  });
  const first = await held(commits, accepted, "a write");
  expect(first.commit, {
    kind: "changes",
    changes: [
      { kind: "put", store: "records", key: "gone", value: "new" },
      { kind: "delete", store: "records", key: "gone" },
      { kind: "put", store: "records", key: "kept", value: "new" },
    ],
  });
  first.resolve();
  if ((await accepted) !== "complete") throw new StoreNotHeld("an accepted write does not complete");

  const refused = write(db, (store) => store.clear());
  const second = await held(commits, refused, "a write");
  second.reject(new Error("refused by the self-test"));
  if ((await refused) !== "abort") throw new StoreNotHeld("a refused write completes");
  const [kept] = [...(db._rawDatabase.rawObjectStores.get("records")?.records.values() ?? [])];
  if (kept?.value !== "new") throw new StoreNotHeld("a refused write stays in memory");
}

function write(db: Connection, work: (store: ObjectStore) => void): Promise<"complete" | "abort"> {
  return new Promise((resolve) => {
    const transaction = db.transaction(["records"], "readwrite");
    transaction.addEventListener("complete", () => resolve("complete"));
    transaction.addEventListener("abort", () => resolve("abort"));
    work(transaction.objectStore("records"));
  });
}

/** The next commit. Throws unless it comes before `outcome` and `outcome` then waits for it. */
async function held(commits: HeldCommit[], outcome: Promise<unknown>, what: string): Promise<HeldCommit> {
  const transaction = { settled: false };
  const settle = (): void => {
    transaction.settled = true;
  };
  outcome.then(settle, settle);
  for (let turns = 0; turns < 1_000 && commits.length === 0 && !transaction.settled; turns++) await turn();
  const commit = commits.shift();
  // A transaction that isn't held completes within one turn of the event loop. Twenty give it ample time.
  for (let turns = 0; turns < 20 && !transaction.settled; turns++) await turn();
  if (commit === undefined || transaction.settled) throw new StoreNotHeld(`${what} does not wait for the database`);
  return commit;
}

function expect(found: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(found, expected)) throw new StoreNotHeld("what a transaction changes is not seen whole");
}
