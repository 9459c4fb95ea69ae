/** So much at the end of a text is looked at, in characters. */
const WINDOW = 3_000;

/** It repeats itself where all of that is one passage of at most so many characters, again and again: ten times at least. */
const LONGEST_PASSAGE = 300;

/** Looked at each time so much has come, in characters. */
const EVERY = 500;

/** Notices a model that has begun to say one thing for ever: small ones do, and end by themselves only where their window does. */
export class Repetition {
  #tail = "";
  #fresh: string[] = [];
  #length = 0;

  /** Takes the next piece in. Says whether the text has come to repeat itself. */
  push(text: string): boolean {
    this.#fresh.push(text);
    this.#length += text.length;
    if (this.#length < EVERY) return false;
    this.#tail = (this.#tail + this.#fresh.join("")).slice(-WINDOW);
    [this.#fresh, this.#length] = [[], 0];
    return this.#tail.length === WINDOW && shortestPeriod(this.#tail) <= LONGEST_PASSAGE;
  }
}

/** The length of the shortest passage that a text is made of, the last one cut; by the failure function of Knuth, Morris and Pratt. */
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
