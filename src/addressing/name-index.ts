/**
 * Names with values, searched at the beginning or end of texts: the steps are as many as the names have different
 * lengths.
 */
export class NameIndex<T> {
  readonly #values = new Map<string, T[]>();
  /** The longest first, in UTF-16 code units. */
  readonly #lengths: number[] = [];

  /** Several values may share a name. Case is ignored. */
  add(name: string, value: T): void {
    const folded = foldCase(name);
    const known = this.#values.get(folded);
    if (known !== undefined) {
      known.push(value);
      return;
    }
    this.#values.set(folded, [value]);
    const place = this.#lengths.findIndex((length) => length <= folded.length);
    if (place === -1) this.#lengths.push(folded.length);
    else if (this.#lengths[place] !== folded.length) this.#lengths.splice(place, 0, folded.length);
  }

  /**
   * The longest name at a text's beginning or end.
   *
   * @param isWhole whether a name of that many code units is more than a part of a longer word.
   */
  longestAt(side: "beginning" | "end", text: string, isWhole: (length: number) => boolean): Found<T> | undefined {
    const [longest = 0] = this.#lengths;
    const looked = foldCase(side === "beginning" ? text.slice(0, longest) : text.slice(-longest));
    for (const length of this.#lengths) {
      if (length > looked.length) continue;
      const values = this.#values.get(side === "beginning" ? looked.slice(0, length) : looked.slice(-length));
      if (values !== undefined && isWhole(length)) return { values, length };
    }
    return undefined;
  }
}

/** The value of a name, and the name's length, in UTF-16 code units. */
export interface Found<T> {
  readonly values: readonly T[];
  readonly length: number;
}

/** Folds case like regular expressions with `i` and `u`; the length stays the same. */
function foldCase(text: string): string {
  if (/^[\0-\x7f]*$/.test(text)) return text.toLowerCase();
  return Array.from(text, foldedCharacter).join("");
}

function foldedCharacter(character: string): string {
  const upper = character.toUpperCase();
  const lower = (upper.length === character.length ? upper : character).toLowerCase();
  return lower.length === character.length ? lower : character;
}
