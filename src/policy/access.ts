/**
 * Whether a user may invite agents and talk with them.
 *
 * @param patterns Globs of user ids: `*` stands for any run of characters, `?` for one (`@*:example.org`).
 */
export function mayTalk(patterns: readonly string[], userId: string): boolean {
  return patterns.some((pattern) => globToRegExp(pattern).test(userId));
}

function globToRegExp(glob: string): RegExp {
  const source = glob
    .replace(/[\\^$.+()[\]{}|]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "su");
}
