import { packageFile } from "../observability/package-file.ts";
import { shellWord } from "../observability/shell-word.ts";
import { databaseRefusal, type DatabaseError } from "./database.ts";

/** The longest reason that is told, in characters. */
const LONGEST = 300;

/** The folder of the database as PGlite names it. */
const INSIDE = /\/pglite\/data\b/g;

/** The error for files of an embedded database that can't be used, with the remedy. */
export function damage(folder: string, reason: string): DatabaseError {
  return databaseRefusal(`the files of the database in ${folder} can't be opened: ${reason}`, {
    mend: remedyOfDamage(folder),
  });
}

/** The remedy where the files of an embedded database are damaged. */
export function remedyOfDamage(folder: string): string {
  const aside = `mv ${shellWord(folder)} ${shellWord(`${folder}.damaged`)}`;
  return `put them aside and restore a backup: ${aside} && matrix-agents restore FILE (without a backup see ${packageFile("docs/operations/restore.md")})`;
}

/** The system's errors, as WebAssembly numbers them and as PostgreSQL says them. */
const SYSTEM_ERRORS = [
  ["EACCES", 2, /Permission denied/],
  ["EDQUOT", 19, /Quota exceeded/],
  ["EIO", 29, /I\/O error/],
  ["EMFILE", 33, /No file descriptors available/],
  ["ENFILE", 41, /Too many open files/],
  ["ENOSPC", 51, /No space left on device/],
  ["ENOTDIR", 54, undefined],
  ["EPERM", 63, /Operation not permitted/],
  ["EROFS", 69, /Read-only file system/],
] as const;

/**
 * The error for an embedded database that PostgreSQL could not open, from its end, which is an error of WebAssembly, and from its
 * log: the file system's where that refused something, else damage.
 */
export function unopened(folder: string, log: readonly string[], cause: unknown): Error {
  if (cause instanceof Error && "code" in cause && typeof cause.code === "string" && "path" in cause) return cause;
  const number: unknown = typeof cause === "object" && cause !== null && "errno" in cause ? cause.errno : undefined;
  const said = lastWords(log, folder);
  const [code] = SYSTEM_ERRORS.find(([, errno, words]) => errno === number || words?.test(said ?? "") === true) ?? [];
  if (code !== undefined) {
    return Object.assign(new Error(`${code}: the database's files`), { code, path: folder, syscall: "open" });
  }
  return damage(folder, said === undefined ? "PostgreSQL ends while it reads them" : `PostgreSQL says: ${said}`);
}

/** The reason that PostgreSQL gave for its end in the lines of its log; undefined where it gave none. */
function lastWords(log: readonly string[], folder: string): string | undefined {
  const at = log.findLastIndex((line) => /\b(?:FATAL|PANIC): /.test(line));
  if (at === -1) return undefined;
  const parts = [log[at], log[at + 1]].flatMap((line) => /\b(?:FATAL|PANIC|DETAIL): +(.+)/.exec(line ?? "")?.[1] ?? []);
  return parts.join(": ").replaceAll(INSIDE, folder).slice(0, LONGEST);
}
