/** Follows a JSON object that comes in pieces, and knows when it is complete. It does not check it. */
export class JsonProgress {
  #depth = 0;
  #deepest = 0;
  #hasBegun = false;
  #isInString = false;
  #isEscaped = false;

  /** Whether the object has been closed. */
  get isComplete(): boolean {
    return this.#hasBegun && this.#depth <= 0;
  }

  /** The deepest nesting so far. */
  get deepest(): number {
    return this.#deepest;
  }

  push(text: string): void {
    for (const sign of text) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (this.#isInString) {
        if (sign === "\\") this.#isEscaped = true;
        else if (sign === '"') this.#isInString = false;
      } else if (sign === '"') this.#isInString = true;
      else if (sign === "{" || sign === "[") {
        this.#hasBegun = true;
        this.#deepest = Math.max(this.#deepest, ++this.#depth);
      } else if (sign === "}" || sign === "]") this.#depth--;
    }
  }
}
