import type { Database, Queryable } from "../database/database.ts";
import { formFor, type SendOptions, type SentEvent } from "../ghost/form.ts";
import { fencedAtOnce, fencedWithLast, type Lease } from "../leases/leases.ts";
import type { Logger } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import { reached } from "../observability/steps.ts";
import type { StepEnd } from "./turn-step.ts";
import type { TurnStore } from "./turn-store.ts";
import type { MessageWithFile, TurnWork } from "./turn-work.ts";
import { idsOfTurn, type Turn, type TurnEnd, type TurnMessage, type TurnReply } from "./turn.ts";
import { UnstoredReply } from "./unstored-reply.ts";

/** The options of one sending, by its turn; see {@link SendOptions}. */
type SendTry = Pick<SendOptions, "isFirst" | "beside">;

/** How a form of a growing answer is shown. */
interface Showing extends Pick<SendOptions, "isFirst" | "beside"> {
  /** Records its event, and starts its statements at once. */
  readonly noted: (tx: Queryable, eventId: string) => Promise<void>;
  /** The step that is reached when it is shown. */
  readonly reaches: "draft.shown" | "draft.edited";
}

const NOT_SENT = { outcome: "failed", failure: "not sent" } as const;

/** Sends the replies of turns, and ends the turns with that. */
export class Delivery {
  readonly #work: TurnWork;
  readonly #database: Database;
  readonly #store: TurnStore;
  readonly #log: Logger;
  readonly #metrics: Metrics | undefined;
  readonly #stopping: AbortSignal;

  /** @param stopping ends running attempts. */
  constructor(
    work: TurnWork,
    options: {
      readonly database: Database;
      readonly store: TurnStore;
      readonly log: Logger;
      readonly metrics?: Metrics | undefined;
    },
    stopping: AbortSignal,
  ) {
    this.#work = work;
    this.#database = options.database;
    this.#store = options.store;
    this.#log = options.log;
    this.#metrics = options.metrics;
    this.#stopping = stopping;
  }

  /** Sends a reply that was just made, and stores it before. Throws the errors after which it is tried again. */
  deliverFirst(lease: Lease, turn: Turn, reply: TurnReply, end: StepEnd | undefined): Promise<void> {
    const unstored = new UnstoredReply(this.#store, this.#log.child(idsOfTurn(turn)), lease, { turn, reply, end });
    return unstored.during(() => this.deliver(lease, turn, reply, unstored));
  }

  /**
   * `sending` → `answered` or `failed`. Throws the errors after which it is tried again.
   *
   * @param unstored where the reply was just made: stores it with the first message.
   */
  async deliver(lease: Lease, turn: Turn, reply: TurnReply, unstored?: UnstoredReply): Promise<void> {
    const isFirst = unstored !== undefined;
    const log = this.#log.child(idsOfTurn(turn));
    const said: { eventId: string; text: string }[] = [];
    const beside: { eventId: string; shownAs: string }[] = [];
    let unmarked: SentEvent["mark"];
    try {
      if (reply.messages.length === 0) await unstored?.store();
      for (const [index, message] of reply.messages.entries()) {
        const storing = index === 0 ? unstored?.beside : undefined;
        const { eventId, mark } = await this.send(turn, `answer.${index}`, message, { isFirst, beside: storing });
        // The last one is marked with the end of the turn.
        if (index === reply.messages.length - 1) unmarked = mark;
        else if (mark !== undefined) await fencedAtOnce(this.#database, lease, mark);
        const shownAs = message.editOf ?? eventId;
        if (message.remembered !== undefined) said.push({ eventId: shownAs, text: message.remembered });
        if (message.remembered === undefined || shownAs !== eventId) beside.push({ eventId, shownAs });
      }
      for (const eventId of reply.redacts ?? []) await this.#takeBack(turn, eventId);
    } catch (error) {
      if (this.#stopping.aborted || this.#work.retryAfterMs(error) !== undefined) {
        await unstored?.store();
        await this.#store.uncountDelivery(lease, turn);
        throw error;
      }
      // The agent was removed from the room, or can't speak in it: nobody is left to be told.
      log.error({ error }, "the answer could not be sent");
      await this.endUnsent(lease, turn);
      return;
    }
    await fencedWithLast(
      this.#database,
      lease,
      async (tx) => (said.length === 0 ? undefined : this.#work.remembering(tx, turn)),
      (tx, remember) =>
        Promise.all([
          unmarked?.(tx),
          ...said.map(({ eventId, text }) => remember?.(eventId, text)),
          ...beside.map(({ eventId, shownAs }) => this.#store.note(tx, turn, eventId, shownAs)),
          this.#store.finish(tx, turn, reply),
        ]),
    );
    if (unmarked !== undefined) reached("send.marked");
    const { outcome } = reply;
    log.info({ outcome, ...(outcome === "failed" ? { failure: reply.failure } : {}) }, "turn ended");
    this.#count(turn, reply);
    this.#work.ended(turn, reply);
  }

  /** Sends a form of a growing answer, and records it with the event's id. Returns that. */
  async show(
    lease: Lease,
    turn: Turn,
    step: string,
    content: TurnMessage["content"],
    { isFirst, beside, noted, reaches }: Showing,
  ): Promise<string> {
    const { eventId, mark } = await this.send(turn, step, { content }, { isFirst, beside });
    reached(reaches);
    await fencedAtOnce(this.#database, lease, (tx) => Promise.all([mark?.(tx), noted(tx, eventId)]));
    return eventId;
  }

  /** Sends a message of a turn, once for the same step. */
  async send(
    turn: Turn,
    step: string,
    { content, file, isFixed }: Pick<TurnMessage, "content" | "file" | "isFixed">,
    { isFirst, beside }: SendTry,
  ): Promise<SentEvent> {
    const { form, signal } = await this.optionsFor(turn, isFixed);
    const whole = file === undefined ? content : await this.#withUpload(turn, step, { content, file });
    return this.#work.send(turn, step, whole, { form, signal, isFirst, beside });
  }

  async #withUpload(turn: Turn, step: string, message: MessageWithFile): Promise<TurnMessage["content"]> {
    // What was sent is not sent again, and needs no second upload.
    if ((await this.#work.sent(turn, step)) !== undefined) return message.content;
    return this.#work.withUpload(turn, message);
  }

  /** The encrypted mark belongs to the turn, and is read each time until it is set: the answer's making may set it. */
  async optionsFor(turn: Turn, isFixed = false): Promise<SendOptions> {
    const form = isFixed
      ? "of_room"
      : formFor({ encrypted: turn.encrypted || (await this.#store.cameEncrypted(turn)) });
    return { form, signal: this.#stopping };
  }

  /** Ends a turn whose reply could not be sent. */
  async endUnsent(lease: Lease, turn: Turn): Promise<void> {
    this.#count(turn, NOT_SENT);
    await fencedAtOnce(this.#database, lease, (tx) => this.#store.finish(tx, turn, NOT_SENT));
  }

  #count(turn: Turn, end: TurnEnd): void {
    const metrics = this.#metrics;
    if (metrics === undefined) return;
    const agent = metrics.agent(turn.ghost);
    metrics.turns.inc({ agent, outcome: end === NOT_SENT ? "not_sent" : end.outcome });
    if (end.outcome === "failed") metrics.turnFailures.inc({ failure: end.failure });
    if (end.outcome !== "answered" || end.usage === undefined) return;
    metrics.turnTokens.inc({ agent, kind: "prompt" }, end.usage.promptTokens);
    metrics.turnTokens.inc({ agent, kind: "answer" }, end.usage.answerTokens);
  }

  /** A draft that can't be deleted stays; the answer exists. */
  async #takeBack(turn: Turn, eventId: string): Promise<void> {
    await this.#work.redact(turn, `${eventId} taken back`, eventId).catch((error: unknown) => {
      if (this.#stopping.aborted || this.#work.retryAfterMs(error) !== undefined) throw error;
      this.#log.warn({ ...idsOfTurn(turn), error }, "an earlier form of the answer could not be deleted");
    });
  }
}
