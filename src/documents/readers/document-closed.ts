import type { Unreadability } from "../document.ts";

/** A document is whole, and is not read all the same. */
export class DocumentClosed extends Error {
  override readonly name = "DocumentClosed";
  readonly why: Exclude<Unreadability, "damaged">;

  constructor(why: Exclude<Unreadability, "damaged">, options?: ErrorOptions) {
    super(`the document is ${why}`, options);
    this.why = why;
  }
}
