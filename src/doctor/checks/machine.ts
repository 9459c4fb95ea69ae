import { readFile, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { MasterKeySource } from "../../config/config.ts";
import { insecureFiles } from "../../config/guarded-files.ts";
import { checkOf, MasterKeyError, parse } from "../../sealing/master-key.ts";
import { bad, good, unknown, type Check, type Finding } from "../check.ts";

/** A database on a full disk accepts no writes; at least this much must be free. */
const LEAST_FREE_BYTES = 1024 ** 3;

/** Modes and owners of the files that hold secrets. */
export const files: Check = {
  name: "files",
  async run({ config }) {
    const insecure = await insecureFiles([...config.guardedFiles]);
    if (insecure.length === 0) return [good("no other user can read or change the secrets")];
    return insecure.map(({ path, problem, mend }) => bad(`${path}: ${problem}`, mend));
  },
};

/** The master key exists and belongs to the database. */
export const masterKey: Check = {
  name: "master-key",
  async run({ config, database }) {
    const expected = database.kind === "read" ? database.records.state?.masterKeyCheck : undefined;
    return [await judgeMasterKey(config.encryption.masterKey, expected)];
  },
};

/** @param expected the check value of the database's key: null before it had a key, undefined when it can't be told. */
export async function judgeMasterKey(source: MasterKeySource, expected: string | null | undefined): Promise<Finding> {
  const place = source.from === "env" ? `the environment variable ${source.name}` : source.path;
  const text =
    source.from === "env" ? process.env[source.name] : await readFile(source.path, "utf8").catch(() => undefined);
  if (text === undefined) {
    if (expected === null || expected === undefined) {
      return source.from === "env"
        ? bad(`${place} is not set`, "set it to 64 hexadecimal digits, such as: openssl rand -hex 32")
        : unknown(`${place} does not exist yet; the first start makes it`);
    }
    return bad(
      `${place} with the master key is missing or can't be read`,
      "put it back from your backup, see docs/operations/restore.md",
    );
  }
  try {
    const check = checkOf(parse(text, place));
    if (expected === null || expected === undefined)
      return unknown(`${place} exists, but there is no database yet to compare it with`);
    if (check === expected) return good(`${place} holds this database's key; keep a copy outside this machine`);
    return bad(
      `${place} holds another master key than the one this database was made with`,
      "put the right one back from your backup",
    );
  } catch (error) {
    if (!(error instanceof MasterKeyError)) throw error;
    return bad(error.message, "put it back from your backup");
  }
}

/** Free space for the embedded database and the keys. */
export const disk: Check = {
  name: "disk",
  async run({ config }) {
    const { folder, bytes } = await freeBytes(config.dataDir);
    return [judgeDisk(folder, bytes)];
  },
};

export function judgeDisk(folder: string, freeBytes: number): Finding {
  const free = `${inWords(freeBytes)} free for ${folder}`;
  if (freeBytes >= LEAST_FREE_BYTES) return good(free);
  return bad(free, `make room, ${inWords(LEAST_FREE_BYTES)} at least: a full disk can store no message`);
}

/** The free space of the folder, or of its nearest existing parent. */
async function freeBytes(folder: string): Promise<{ folder: string; bytes: number }> {
  for (let at = folder; ; at = dirname(at)) {
    const facts = await statfs(at).catch(() => undefined);
    if (facts !== undefined) return { folder, bytes: facts.bavail * facts.bsize };
    if (at === dirname(at)) return { folder, bytes: 0 };
  }
}

/** Bytes as people read them. */
export function inWords(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const step = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1);
  const value = bytes / 1024 ** step;
  return `${value >= 10 || step === 0 ? Math.round(value) : value.toFixed(1)} ${units[step] ?? "B"}`;
}
