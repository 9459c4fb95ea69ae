/** The examined part of a name, in characters. */
const LONGEST_NAME = 256;

/** Characters that are invisible or no part of a name, such as a colon and its look-alikes. */
export const UNSEEN = /[\p{C}\p{Default_Ignorable_Code_Point}\s\u{2800}:：﹕︓∶ː˸։׃܃܄⁚ꓽ꞉]+/gu;

/** A key that is equal for names that people take for the same. Similar letters of other scripts count as different. */
export function nameKey(name: string): string {
  return name.slice(0, LONGEST_NAME).normalize("NFKC").replace(UNSEEN, "").toUpperCase().toLowerCase();
}

/** A name with its owner's user id, in case somebody else has the same name. */
export function distinctName(name: string, userId: string): string {
  return `${name} (${userId})`;
}

/** The name of a user without a display name. */
export function localpartOf(userId: string): string {
  return userId.slice(1).split(":")[0] ?? userId;
}
