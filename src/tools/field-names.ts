/** A name that people can write before a colon or an equals sign, and that is seen whole. */
const PLAIN_NAME = /^(?!.*\p{Default_Ignorable_Code_Point})[\p{L}\p{N}_.$-]{1,40}$/u;

/**
 * The names by which people fill in fields, in the fields' order. A field keeps its own where people can write it and no other
 * field's is alike; the others are called by their places in the form. All are different, however somebody writes them.
 *
 * @param keys the fields' names at the server, each of which is there once. Only the start of a long one is looked at.
 */
export function fieldNames(keys: readonly string[]): readonly string[] {
  const plain = keys.filter((key) => PLAIN_NAME.test(key.slice(0, LONGEST + 1)));
  const counts = new Map<string, number>();
  for (const key of plain) counts.set(foldedName(key), (counts.get(foldedName(key)) ?? 0) + 1);
  // Those that are alike are taken, too: whoever writes one of them means none of the others.
  const taken = new Set(counts.keys());
  const own = new Set(plain.filter((key) => counts.get(foldedName(key)) === 1));
  return keys.map((key, at) => {
    if (own.has(key)) return key;
    const number = at + 1;
    let name = `field${number}`;
    while (taken.has(name)) name += `_${number}`;
    taken.add(name);
    return name;
  });
}

/** The longest name that is looked at, in characters. */
const LONGEST = 256;

/**
 * The one form of all names that people take for the same: capital and small letters, letters in two ways of writing (NFC and
 * NFD), wide ones.
 */
export function foldedName(name: string): string {
  return name.slice(0, LONGEST).normalize("NFKC").toUpperCase().toLowerCase().normalize("NFKC");
}
