import type { DocumentText, ReadingLimits } from "../document.ts";

/** The text of a document as far as it is read: one block after the other, until there is as much as was asked for. */
export class WrittenText {
  readonly limits: ReadingLimits;
  #text = "";
  #isWhole = true;

  constructor(limits: ReadingLimits) {
    this.limits = limits;
  }

  /** The text has reached its limit: anything more is left out. */
  get isFull(): boolean {
    return this.#text.length >= this.limits.maxCharacters;
  }

  /** A block of its own: a page, a slide's title, a paragraph. */
  block(text: string): void {
    this.#add(text, "\n\n");
  }

  /** A line right below the one before: a row of a table, an item of a list. */
  line(text: string): void {
    this.#add(text, "\n");
  }

  /** More would follow, and is not read. */
  leaveOff(): void {
    this.#isWhole = false;
  }

  /** Another text of the same bounds, which stands nowhere yet. */
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
    // Only white space is no text, and a table's cells may all be empty.
    const words = text.replace(/^\n+/, "").trimEnd();
    if (words.trim() === "") return;
    if (this.isFull) {
      this.#isWhole = false;
      return;
    }
    // One character more than there is place for tells that it goes on.
    const place = this.limits.maxCharacters - this.#text.length + 1;
    this.#text += (this.#text === "" ? "" : gap) + words.slice(0, place);
  }
}
