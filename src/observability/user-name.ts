import { readFileSync } from "node:fs";

/** A user of this machine. */
export interface SystemUser {
  /** The name; the number where the system knows none, as in containers. */
  readonly name: string;
  readonly uid: number;
  /** The user's own group and all others of the user. */
  readonly gids: readonly number[];
}

/** The user that this process runs as; undefined on systems without users. */
export function currentUser(): SystemUser | undefined {
  const uid = process.geteuid?.();
  if (uid === undefined) return undefined;
  const gid = process.getegid?.();
  const gids = [...(process.getgroups?.() ?? []), ...(gid === undefined ? [] : [gid])];
  return { uid, gids, name: nameOfUser(uid) };
}

/** The user of this number, as the system's own files know it; without groups where they don't. */
export function systemUser(uid: number): SystemUser {
  const entry = entryOf(uid);
  const [name = String(uid), , , gid] = entry ?? [];
  const others = linesOf("/etc/group")
    .filter(([, , , members = ""]) => members.split(",").includes(name))
    .map(([, , number]) => Number(number));
  return { uid, name, gids: [...(gid === undefined ? [] : [Number(gid)]), ...others] };
}

/** The name of a user; its number where the system knows no name. */
export function nameOfUser(uid: number): string {
  return entryOf(uid)?.[0] ?? String(uid);
}

function entryOf(uid: number): readonly string[] | undefined {
  return linesOf("/etc/passwd").find(([, , number]) => number === String(uid));
}

/** The fields of each line; no lines where there is no such file. */
function linesOf(file: string): (readonly string[])[] {
  try {
    return readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.split(":"));
  } catch {
    return [];
  }
}
