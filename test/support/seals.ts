import { randomBytes } from "node:crypto";
import type { Database } from "../../src/database/database.ts";
import { silentLogger } from "../../src/observability/log.ts";
import { MasterKey } from "../../src/sealing/master-key.ts";
import { Seals } from "../../src/sealing/seals.ts";

const MASTER_KEY = "TEST_SEALING_MASTER_KEY";

const made = new WeakMap<Database, { readonly masterKey: MasterKey; readonly seals: Seals }>();

/** Gives an empty database a master key. */
export async function makeSeals(database: Database): Promise<void> {
  process.env[MASTER_KEY] ??= randomBytes(32).toString("hex");
  const masterKey = await MasterKey.open({ from: "env", name: MASTER_KEY }, database);
  made.set(database, { masterKey, seals: new Seals(database, masterKey, silentLogger()) });
}

/** The master key of a database that `forEachDatabase` opened. */
export function masterKeyOf(database: Database): MasterKey {
  const found = made.get(database);
  if (found === undefined) throw new Error("the database has no master key; is it migrated?");
  return found.masterKey;
}

/** The seals of a database that `forEachDatabase` opened. */
export function sealsOf(database: Database): Seals {
  const found = made.get(database);
  if (found === undefined) throw new Error("the database has no master key; is it migrated?");
  return found.seals;
}

/** The seals of another process, which has no key in memory yet. */
export function othersSealsOf(database: Database): Seals {
  return new Seals(database, masterKeyOf(database), silentLogger());
}
