import type { Message, News } from "./news.ts";

/** A part of a conversation; the parts stand from top to bottom. */
export type Entry = Said | Remark | Reacted | TakenBack | Told;

/** A message of the person. */
export interface Said {
  readonly kind: "said";
  readonly text: string;
}

/** A word of the quickstart's own. */
export interface Remark {
  readonly kind: "remark";
  readonly text: string;
}

/** The partner's reaction. */
export interface Reacted {
  readonly kind: "reaction";
  readonly key: string;
}

/** The partner took back a message that had been handed out. */
export interface TakenBack {
  readonly kind: "taken_back";
}

/** A message of the partner's, in its latest form. */
export interface Told {
  readonly kind: "message";
  readonly message: Message;
  /** Whether more of it is to come, or was to. */
  readonly state: "growing" | "whole" | "broken_off";
  /** It is another form of a message from before. */
  readonly isEdited: boolean;
}

/** So many entries may wait behind an answer that grows; then it is taken for broken off. */
const MOST_OPEN = 100;

/**
 * A conversation as it is shown. A part that can still change is open; a final part is handed out, once, by {@link
 * take}. An edit of a part that was handed out is an entry of its own. News cost the same in a conversation of any
 * length.
 */
export class Transcript {
  #open: { entry: Entry | undefined }[] = [];
  /** Those of #open that are messages. */
  readonly #messages = new Map<string, { entry: Entry | undefined }>();
  /** When the latest known form of a message came. */
  readonly #latest = new Map<string, number>();
  readonly #handedOut = new Set<string>();
  /** When the latest whole answer to a question came that was a message of its own. */
  readonly #answered = new Map<string, number>();

  /** The open parts, as they stand. */
  get open(): readonly Entry[] {
    return this.#open.flatMap(({ entry }) => (entry === undefined || this.#isReplaced(entry) ? [] : [entry]));
  }

  /** Takes in a message or an act of the partner; typing leaves no trace. */
  add(news: News): void {
    switch (news.kind) {
      case "message":
        this.#tell(news.message);
        return;
      case "taken_back":
        this.#takeBack(news.id);
        return;
      case "reaction":
        this.write({ kind: "reaction", key: news.key });
        return;
      case "typing":
        return;
    }
  }

  /** Adds what will not change. */
  write(entry: Exclude<Entry, Told>): void {
    this.#open.push({ entry });
  }

  /** The growing parts are complete: those of the answers to one question, or all. */
  breakOff(question?: string): void {
    for (const { entry } of this.#open) {
      if (entry?.kind === "message" && (question === undefined || entry.message.question === question))
        this.#breakOff(entry);
    }
  }

  /**
   * Hands out what can't change any more: up to the first entry that can, so that the order is that of the conversation; or
   * all of it, so that nothing waits for another.
   */
  take(which: "in_order" | "all"): Entry[] {
    if (this.#open.length > MOST_OPEN) {
      const first = this.open.find(isGrowing);
      if (first !== undefined) this.#breakOff(first);
    }
    const taken: Entry[] = [];
    const left: { entry: Entry | undefined }[] = [];
    for (const slot of this.#open) {
      const { entry } = slot;
      const stays = entry !== undefined && isGrowing(entry) && !this.#isReplaced(entry);
      if (stays || (which === "in_order" && left.length > 0)) {
        left.push(slot);
        continue;
      }
      if (entry === undefined) continue;
      if (entry.kind === "message") this.#messages.delete(entry.message.id);
      if (this.#isReplaced(entry)) continue;
      if (entry.kind === "message") this.#handedOut.add(entry.message.id);
      taken.push(entry);
    }
    this.#open = left;
    return taken;
  }

  #tell(message: Message): void {
    const { id, order, isEdit, isDraft, isNotice } = message;
    const latest = this.#latest.get(id);
    if (latest !== undefined && order <= latest) return;
    this.#latest.set(id, order);
    const slot = this.#messages.get(id);
    const before = slot?.entry?.kind === "message" ? slot.entry : undefined;
    const question = message.question ?? before?.message.question;
    if (question !== undefined && !isEdit && !isDraft && !isNotice) this.#answered.set(question, order);
    const entry: Told = {
      kind: "message",
      message: { ...message, question },
      state: isDraft ? "growing" : "whole",
      isEdited: before?.isEdited ?? (this.#handedOut.has(id) || (isEdit && latest === undefined)),
    };
    if (slot !== undefined) {
      slot.entry = entry;
      return;
    }
    const added = { entry };
    this.#open.push(added);
    this.#messages.set(id, added);
  }

  #takeBack(id: string): void {
    const slot = this.#messages.get(id);
    // No form of it that becomes readable later brings it back.
    this.#latest.set(id, Infinity);
    this.#messages.delete(id);
    if (slot !== undefined) slot.entry = undefined;
    if (this.#handedOut.delete(id)) this.write({ kind: "taken_back" });
  }

  #breakOff(entry: Entry): void {
    if (entry.kind !== "message" || entry.state !== "growing") return;
    const slot = this.#messages.get(entry.message.id);
    if (slot !== undefined) slot.entry = { ...entry, state: "broken_off" };
  }

  /** Whether it is a draft in whose place the answer came as a message of its own; the draft is about to be taken back. */
  #isReplaced(entry: Entry): boolean {
    if (!isGrowing(entry)) return false;
    const { question, order } = entry.message;
    return question !== undefined && (this.#answered.get(question) ?? -1) > order;
  }
}

function isGrowing(entry: Entry): entry is Told {
  return entry.kind === "message" && entry.state === "growing";
}
