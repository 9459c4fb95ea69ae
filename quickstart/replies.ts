import type { News } from "./news.ts";
import { Transcript, type Told } from "./transcript.ts";

/** The state of a question's answer. */
export type Outcome =
  | { readonly kind: "nothing" }
  /** An answer is being written. `text` is the part that has come. */
  | { readonly kind: "growing"; readonly text: string }
  /** @see Settled */
  | Settled;

/** All there is of a reply is final. */
export interface Settled {
  readonly kind: "settled";
  readonly reply: Reply;
  /**
   * Whether more can come: nothing says of an answer that is split into several messages how many they are, only that the
   * partner has ceased to type. `maybe`: it does not type, but was not seen to cease.
   */
  readonly isOver: "yes" | "maybe" | "no";
}

/** The end of a question. */
export type Reply =
  /** The answer's messages, in order. */
  | { readonly kind: "answer"; readonly parts: readonly Told[] }
  /** Why there is no answer. */
  | { readonly kind: "notice"; readonly text: string }
  /** A command that was carried out, or a question that came too late to be answered. */
  | { readonly kind: "reaction"; readonly key: string }
  | { readonly kind: "taken_back" };

/**
 * Gathers what comes of a question. An answer says by its mark which question it goes back to, anything else by its relation.
 */
export class Replies {
  readonly #question: string;
  readonly #transcript = new Transcript();
  readonly #ids = new Set<string>();
  #reaction: string | undefined;
  #isTyping: boolean;
  /** The partner has ceased to type after the latest of it. */
  #hasCeased = false;

  /**
   * @param question its event.
   * @param isTyping whether the partner types already when it is asked.
   */
  constructor(question: string, isTyping: boolean) {
    this.#question = question;
    this.#isTyping = isTyping;
  }

  /** Takes in a message or an act of the partner. Returns whether it changes anything about the reply. */
  add(news: News): boolean {
    switch (news.kind) {
      case "message": {
        const { id, question } = news.message;
        if (question !== this.#question && !this.#ids.has(id)) return false;
        this.#ids.add(id);
        this.#hasCeased = false;
        this.#transcript.add(news);
        return true;
      }
      case "taken_back":
        if (!this.#ids.has(news.id)) return false;
        this.#transcript.add(news);
        return true;
      case "reaction":
        if (news.to !== this.#question) return false;
        this.#reaction = news.key;
        return true;
      case "typing":
        if (this.#isTyping && !news.isTyping) this.#hasCeased = true;
        this.#isTyping = news.isTyping;
        return this.#ids.size > 0;
    }
  }

  /** The messages of the reply as they stand. */
  get messages(): readonly Told[] {
    return this.#transcript.open.filter((entry) => entry.kind === "message");
  }

  get outcome(): Outcome {
    const { messages } = this;
    const growing = messages.filter(({ state }) => state === "growing");
    if (growing.length > 0) return { kind: "growing", text: growing.map(({ message }) => message.text).join("\n\n") };
    const parts = messages.filter(({ message }) => !message.isNotice);
    if (parts.length > 0) {
      const isOver = this.#hasCeased ? "yes" : this.#isTyping ? "no" : "maybe";
      return { kind: "settled", reply: { kind: "answer", parts }, isOver };
    }
    const notice = messages.at(-1);
    if (notice !== undefined) return over({ kind: "notice", text: notice.message.text });
    if (this.#reaction !== undefined) return over({ kind: "reaction", key: this.#reaction });
    return this.#ids.size > 0 ? over({ kind: "taken_back" }) : { kind: "nothing" };
  }
}

function over(reply: Reply): Settled {
  return { kind: "settled", reply, isOver: "yes" };
}
