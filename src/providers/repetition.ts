/**
 * The size of a search: the examined length at the end of a text, the longest passage that counts, and the text between
 * two looks.
 */
interface Size {
  readonly window: number;
  readonly longestPassage: number;
  readonly every: number;
}

/** A text repeats itself where the whole window is one passage, repeated at least ten times. */
const SIZES: readonly Size[] = [
  { window: 3_000, longestPassage: 300, every: 500 },
  { window: 12_000, longestPassage: 1_200, every: 2_000 },
];

/** Detects a model that repeats one thing for ever: small models do, and end only when their window is full. */
export class Repetition {
  readonly #tails = SIZES.map((size) => new Tail(size));

  /** Takes the next piece. Returns whether the text now repeats itself. */
  push(text: string): boolean {
    return this.#tails.map((tail) => tail.push(text)).includes(true);
  }
}

class Tail {
  readonly #size: Size;
  #tail = "";
  #fresh: string[] = [];
  #length = 0;

  constructor(size: Size) {
    this.#size = size;
  }

  push(text: string): boolean {
    const { window, longestPassage, every } = this.#size;
    this.#fresh.push(text);
    this.#length += text.length;
    if (this.#length < every) return false;
    this.#tail = (this.#tail + this.#fresh.join("")).slice(-window);
    [this.#fresh, this.#length] = [[], 0];
    return this.#tail.length === window && shortestPeriod(this.#tail) <= longestPassage;
  }
}

/**
 * The length of the shortest passage that a text consists of, the last one cut; by the failure function of Knuth,
 * Morris and Pratt.
 */
function shortestPeriod(text: string): number {
  const borders = new Uint32Array(text.length);
  let border = 0;
  for (let at = 1; at < text.length; at++) {
    while (border > 0 && text[at] !== text[border]) border = borders[border - 1] ?? 0;
    if (text[at] === text[border]) border++;
    borders[at] = border;
  }
  return text.length - border;
}
