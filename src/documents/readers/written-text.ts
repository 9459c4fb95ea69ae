import type { DocumentText, ReadingLimits } from "../document.ts";

/** The text of a document so far: one block after another, up to the limit. */
export class WrittenText {
  readonly limits: ReadingLimits;
  #text = "";
  #isWhole = true;

  constructor(limits: ReadingLimits) {
    this.limits = limits;
  }

  /** The text has reached its limit; further text is left out. */
  get isFull(): boolean {
    return this.#text.length >= this.limits.maxCharacters;
  }

  /** A separate block: a page, a slide's title, a paragraph. */
  block(text: string): void {
    this.#add(text, "\n\n");
  }

  /** A line directly below the one before: a row of a table, an item of a list. */
  line(text: string): void {
    this.#add(text, "\n");
  }

  /** Says that more text exists but is not read. */
  leaveOff(): void {
    this.#isWhole = false;
  }

  /** A separate text with the same limits, not yet inserted. */
  apart(): WrittenText {
    return new WrittenText(this.limits);
  }

  end(): DocumentText {
    const { maxCharacters } = this.limits;
    return {
      text: this.#text.slice(0, maxCharacters).toWellFormed(),
      isWhole: this.#isWhole && this.#text.length <= maxCharacters,
    };
  }

  #add(text: string, gap: string): void {
    // White space alone is no text, and all cells of a table may be empty.
    const words = text.replace(/^\n+/, "").trimEnd();
    if (words.trim() === "") return;
    if (this.isFull) {
      this.#isWhole = false;
      return;
    }
    // One extra character shows that the text goes on.
    const place = this.limits.maxCharacters - this.#text.length + 1;
    this.#text += (this.#text === "" ? "" : gap) + words.slice(0, place);
  }
}
