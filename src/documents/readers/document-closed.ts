import type { Unreadability } from "../document.ts";

/** The document is intact, but can't be read. */
export class DocumentClosed extends Error {
  override readonly name = "DocumentClosed";
  readonly why: Exclude<Unreadability, "damaged">;

  constructor(why: Exclude<Unreadability, "damaged">, options?: ErrorOptions) {
    super(`the document is ${why}`, options);
    this.why = why;
  }
}
