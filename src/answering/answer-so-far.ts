import type { ToolCall } from "../providers/tool-call.ts";
import type { ChatChunk, ChatUsage, EndReason } from "../providers/provider.ts";

/** The words that a model has said so far of an answer. */
export class AnswerSoFar {
  text = "";
  thinking = "";
  usage: ChatUsage | undefined;
  /** The end of the answer; undefined while it goes on. */
  end: EndReason | undefined;
  /** The tools that the model wants to use. */
  calls: readonly ToolCall[] = [];
  /** The server's own form of its thoughts before calls. */
  kept: string | undefined;
  #hasWords = false;

  /** Whether anything came, even only thoughts. */
  get isBegun(): boolean {
    return this.text !== "" || this.thinking !== "";
  }

  /** Takes the next piece. Returns whether there is more to show. */
  add(chunk: ChatChunk): boolean {
    switch (chunk.kind) {
      case "text":
        this.text += chunk.text;
        // Each piece is examined by itself: examining the growing text would copy it each time.
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
        this.calls = chunk.calls ?? [];
        this.kept = chunk.kept;
        return false;
    }
  }
}
