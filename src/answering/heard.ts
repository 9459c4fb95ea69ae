import type { ChatChunk, ChatUsage, EndReason } from "../providers/provider.ts";

/** What a model has said so far of an answer. */
export class Heard {
  text = "";
  thinking = "";
  usage: ChatUsage | undefined;
  /** How it ended; undefined as long as it goes on. */
  end: EndReason | undefined;
  #hasWords = false;

  /** Whether anything came, be it thoughts alone. */
  get isBegun(): boolean {
    return this.text !== "" || this.thinking !== "";
  }

  /** Takes the next piece in. Says whether there is more to show. */
  add(chunk: ChatChunk): boolean {
    switch (chunk.kind) {
      case "text":
        this.text += chunk.text;
        // Looked at piece by piece: a text that grows would be copied as a whole each time.
        this.#hasWords ||= chunk.text.trim() !== "";
        return this.#hasWords;
      case "thinking":
        this.thinking += chunk.text;
        return false;
      case "recant":
        this.thinking += this.text;
        this.text = "";
        this.#hasWords = false;
        return false;
      case "done":
        this.usage = chunk.usage;
        this.end = chunk.reason;
        return false;
    }
  }
}
