import type { DirectChat } from "../../quickstart/direct-chat.ts";
import { type News, newsOf, type TimelineEvent } from "../../quickstart/news.ts";
import type { Evidence } from "../../quickstart/proof.ts";
import { answerContent, draftContent, editContent, noticeContent } from "../../src/answering/reply.ts";

export const PARTNER = "@agent_whale:localhost";

/** A chat whose partner says what the test tells it to, like the bridge. */
export class ScriptedChat implements DirectChat {
  readonly partnerId = PARTNER;
  readonly partnerName = "Whale";
  typing = false;
  /** The person's messages, each under the id `$q1`, `$q2` and so on. */
  readonly said: string[] = [];
  /** The messages for which a proof was requested. */
  readonly proven: [questionId: string, answerId: string][] = [];
  readonly #listeners = new Set<(news: News) => void>();
  #events = 0;

  say(text: string): Promise<string> {
    this.said.push(text);
    return Promise.resolve(`$q${this.said.length}`);
  }

  onNews(listener: (news: News) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  evidence(questionId: string, answerId: string): Promise<Evidence> {
    this.proven.push([questionId, answerId]);
    return Promise.resolve({
      roomId: "!r",
      roomAlgorithm: "megolm",
      questionAlgorithm: "megolm",
      answerAlgorithm: "megolm",
      sender: PARTNER,
      device: "DEVICE",
      signedByOwner: true,
      warning: undefined,
    });
  }

  isTyping(): boolean {
    return this.typing;
  }

  types(isTyping: boolean): void {
    this.typing = isTyping;
    this.tell({ kind: "typing", isTyping });
  }

  /** The beginning of an answer, or more of a growing one. Returns the message. */
  drafts(text: string, question: string, id?: string): string {
    const content = draftContent(text, { eventId: question, threadRoot: undefined }, to(question));
    return this.#send(id === undefined ? content : editContent(id, content), id);
  }

  /** An answer, or the final form of a growing one. Returns the message. */
  answers(text: string, question: string, id?: string): string {
    const content = answerContent(text, { eventId: question, threadRoot: undefined }, to(question));
    return this.#send(id === undefined ? content : editContent(id, content), id);
  }

  /** A notice, in reply to a message or to none. */
  notifies(text: string, question?: string): string {
    return this.#send(
      noticeContent(text, question === undefined ? undefined : { eventId: question, threadRoot: undefined }),
    );
  }

  takesBack(id: string): void {
    this.#event({ type: "m.room.redaction", content: { redacts: id }, relation: undefined });
  }

  reacts(to: string, key: string): void {
    const relation = { rel_type: "m.annotation", event_id: to, key };
    this.#event({ type: "m.reaction", content: {}, relation });
  }

  tell(news: News): void {
    for (const listener of this.#listeners) listener(news);
  }

  #send(content: Readonly<Record<string, unknown>>, edited?: string): string {
    const id = this.#event({ type: "m.room.message", content, relation: content["m.relates_to"] });
    return edited ?? id;
  }

  #event(event: Omit<TimelineEvent, "id" | "redacts">): string {
    const order = ++this.#events;
    const id = `$a${order}`;
    const news = newsOf({ ...event, id, redacts: undefined }, order);
    if (news !== undefined) this.tell(news);
    return id;
  }
}

function to(question: string) {
  return { mentions: ["@person:localhost"], mark: { origin: question, hops: 0 } };
}
