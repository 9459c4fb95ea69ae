/** So much of a name is looked at, in characters. */
const LONGEST_NAME = 256;

/** What can't be seen in a name, or is no part of it, as a colon, and what looks like one. */
export const UNSEEN = /[\p{C}\p{Default_Ignorable_Code_Point}\s\u{2800}:：﹕︓∶ː˸։׃܃܄⁚ꓽ꞉]+/gu;

/** What two names have in common that people take for the same: letters of other scripts that look alike are others. */
export function nameKey(name: string): string {
  return name.slice(0, LONGEST_NAME).normalize("NFKC").replace(UNSEEN, "").toUpperCase().toLowerCase();
}

/** A name with the user id of who bears it, for where somebody else bears it, too. */
export function distinctName(name: string, userId: string): string {
  return `${name} (${userId})`;
}

/** What somebody is called who has no name. */
export function localpartOf(userId: string): string {
  return userId.slice(1).split(":")[0] ?? userId;
}
