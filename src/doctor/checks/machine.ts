import type { Stats } from "node:fs";
import { access, constants, stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { readBoundedFile } from "../../config/bounded-file.ts";
import type { MasterKeySource } from "../../config/config.ts";
import { insecureFiles } from "../../config/guarded-files.ts";
import { faultOf } from "../../observability/file-fault.ts";
import { packageFile } from "../../observability/package-file.ts";
import { checkOf, MasterKeyError, MOST_KEY_BYTES, parse } from "../../sealing/master-key.ts";
import type { SystemUser } from "../../observability/user-name.ts";
import { bad, good, unknown, type Check, type Finding } from "../check.ts";
import type { DatabaseSight } from "../patient.ts";

/** A database on a full disk accepts no writes; at least this much must be free. */
const LEAST_FREE_BYTES = 1024 ** 3;

/** Modes and owners of the files that hold secrets. */
export const files: Check = {
  name: "files",
  async run({ config, user }) {
    const insecure = await insecureFiles([...config.guardedFiles], user);
    if (insecure.length === 0) return [good("no other user can read or change the secrets")];
    return insecure.map(({ path, problem, mend }) => bad(`${path}: ${problem}`, mend));
  },
};

/** The master key exists and belongs to the database. */
export const masterKey: Check = {
  name: "master-key",
  async run({ config, database }) {
    return [await judgeMasterKey(config.encryption.masterKey, keyOf(database))];
  },
};

/** The key of the database: by its check value; none before the first start. */
type ExpectedKey =
  | { readonly kind: "one"; readonly check: string }
  | { readonly kind: "none yet" }
  /** The database can't be asked. */
  | { readonly kind: "not known" };

function keyOf(sight: DatabaseSight): ExpectedKey {
  if (sight.kind === "none") return { kind: "none yet" };
  const check = sight.kind === "read" ? sight.records.state?.masterKeyCheck : undefined;
  if (check === undefined) return { kind: "not known" };
  return check === null ? { kind: "none yet" } : { kind: "one", check };
}

/** Whether the master key is there, and the right one. */
export async function judgeMasterKey(source: MasterKeySource, expected: ExpectedKey): Promise<Finding> {
  const place = source.from === "env" ? `the environment variable ${source.name}` : source.path;
  let text: string | undefined;
  try {
    text = source.from === "env" ? process.env[source.name] : await readBoundedFile(source.path, MOST_KEY_BYTES);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) {
      const { reason, mend } = faultOf(error, place);
      return bad(
        `${place} with the master key can't be read: ${reason}`,
        mend ?? "correct encryption.master_key_file, or put the key back from your backup",
      );
    }
  }
  if (text === undefined) {
    if (expected.kind === "not known" && source.from === "file") {
      return unknown(`${place} does not exist, and the database can't be read to tell whether it was made with a key`);
    }
    if (expected.kind !== "one") {
      return source.from === "env"
        ? bad(`${place} is not set`, "set it to 64 hexadecimal digits, such as: openssl rand -hex 32")
        : unknown(`${place} does not exist yet; the first start makes it`);
    }
    return bad(
      `${place} with the master key is missing`,
      `put it back from your backup, see ${packageFile("docs/operations/restore.md")}`,
    );
  }
  try {
    const check = checkOf(parse(text, place));
    if (expected.kind === "none yet")
      return unknown(`${place} exists, but there is no database yet to compare it with`);
    if (expected.kind === "not known") {
      return unknown(`${place} exists, but the database can't be read to compare it with`);
    }
    if (check === expected.check) return good(`${place} holds this database's key; keep a copy outside this machine`);
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
  async run({ config, user }) {
    const { folder, bytes } = await freeBytes(config.dataDir);
    const closed = await whyClosed(config.dataDir, user);
    return [judgeDisk(folder, bytes), ...(closed === undefined ? [] : [closed])];
  },
};

/** The owner's rights to make files in a folder. */
const OWNER_MAKES_FILES = 0o300;

/** Why the bridge can't write into its data folder; undefined when it can, or makes the folder itself. */
async function whyClosed(folder: string, user: SystemUser | undefined): Promise<Finding | undefined> {
  const text = (reason: string): string => `the bridge can't write into ${folder}: ${reason}`;
  let facts: Stats;
  try {
    facts = await stat(folder);
    if (!facts.isDirectory()) return bad(text("it is a file, not a folder"), "move it away, or correct data_dir");
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    const { reason, mend } = faultOf(error, folder);
    return bad(text(reason), mend ?? "correct data_dir");
  }
  // Root may write everywhere, but looks here for the folder's owner.
  const { mode } = facts;
  if (user === undefined || (mode & OWNER_MAKES_FILES) === OWNER_MAKES_FILES) return undefined;
  return bad(text(`its mode is ${(mode & 0o777).toString(8)}`), `chmod u+rwx ${folder}`);
}

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
