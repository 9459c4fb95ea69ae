/** Who may use the agents, by globs of user ids: `*` stands for any run of characters, `?` for one (`@*:example.org`). */
export interface Access {
  readonly users: readonly string[];
  /** Who is not answered, though among `users`: bots, and people of other networks whom bridges bring along. */
  readonly ignore: readonly string[];
}

/** Whether a user may invite agents and talk with them. */
export function mayTalk({ users, ignore }: Access, userId: string): boolean {
  return isAmong(users, userId) && !isAmong(ignore, userId);
}

/** Whether a user is one whom the admin trusts with the bridge itself. */
export function isAdmin({ admins }: { readonly admins: readonly string[] }, userId: string): boolean {
  return isAmong(admins, userId);
}

function isAmong(patterns: readonly string[], userId: string): boolean {
  return patterns.some((pattern) => globToRegExp(pattern).test(userId));
}

function globToRegExp(glob: string): RegExp {
  const source = glob
    .replace(/[\\^$.+()[\]{}|]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "su");
}
