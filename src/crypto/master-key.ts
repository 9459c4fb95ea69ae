import { createHmac, hkdfSync, randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { MasterKeySource } from "../config/config.ts";
import type { Database } from "../database/database.ts";

/** The master key is missing, malformed, or not the one this database was made with. */
export class MasterKeyError extends Error {
  override readonly name = "MasterKeyError";
  readonly exitCode = 2;
}

const CHECK = "master_key_check";

/** The key from which every device's store key is derived. */
export class MasterKey {
  readonly #key: Uint8Array;

  private constructor(key: Uint8Array) {
    this.#key = key;
  }

  /**
   * Reads the key; a new one is written (0600) only where neither the file nor anything encrypted with it is there yet.
   * Throws {@link MasterKeyError} when the database belongs to another key: its devices could not be opened, and a new
   * key must never take their place unasked.
   */
  static async open(source: MasterKeySource, database: Database): Promise<MasterKey> {
    const { rows } = await database.query<{ value: string }>("select value from settings where name = $1", [CHECK]);
    const expected = rows[0]?.value;
    const text =
      source.from === "env" ? process.env[source.name] : await readOrCreate(source.path, expected === undefined);
    const place = source.from === "env" ? `the environment variable ${source.name}` : source.path;
    if (text === undefined) {
      throw new MasterKeyError(
        `${place} with the master key is missing, but the database holds devices encrypted with it; put the key back from your backup`,
      );
    }
    if (!/^[0-9a-f]{64}$/i.test(text.trim())) {
      throw new MasterKeyError(`${place} must hold the master key as 64 hexadecimal digits`);
    }
    const key = Buffer.from(text.trim(), "hex");
    const check = createHmac("sha256", key).update("matrix-agents master key").digest("hex");
    if (expected === undefined) {
      await database.query("insert into settings (name, value) values ($1, $2)", [CHECK, check]);
    } else if (expected !== check) {
      throw new MasterKeyError(`${place} holds another master key than the one this database was made with`);
    }
    return new MasterKey(key);
  }

  /** The 32-byte key of one device's store. */
  storeKey(userId: string, deviceId: string): Uint8Array {
    return new Uint8Array(hkdfSync("sha256", this.#key, "", `crypto store ${userId} ${deviceId}`, 32));
  }

  /** The 32-byte key of a ghost's secret storage: what its recovery key stands for. */
  recoveryKey(userId: string): Uint8Array {
    return new Uint8Array(hkdfSync("sha256", this.#key, "", `secret storage ${userId}`, 32));
  }
}

async function readOrCreate(path: string, mayCreate: boolean): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    if (!mayCreate) return undefined;
  }
  const key = randomBytes(32).toString("hex");
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(path, `${key}\n`, { mode: 0o600, flag: "wx" });
  return key;
}
