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

/** The reason that PostgreSQL gave for its end in the lines of its log; undefined where it gave none. */
export function lastWords(log: readonly string[], folder: string): string | undefined {
  const at = log.findLastIndex((line) => /\b(?:FATAL|PANIC): /.test(line));
  if (at === -1) return undefined;
  const parts = [log[at], log[at + 1]].flatMap((line) => /\b(?:FATAL|PANIC|DETAIL): +(.+)/.exec(line ?? "")?.[1] ?? []);
  return parts.join(": ").replaceAll(INSIDE, folder).slice(0, LONGEST);
}
