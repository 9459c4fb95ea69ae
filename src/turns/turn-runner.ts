import { setTimeout as sleep } from "node:timers/promises";
import type { Database, Queryable } from "../database/database.ts";
import type { Logger } from "../observability/log.ts";
import { conversationOf, type Turn, type TurnMessage, type TurnReply } from "./turn.ts";
import { MAX_TURN_ATTEMPTS, type OpenTurn, type TurnStore } from "./turn-store.ts";
import { reached } from "../observability/steps.ts";

/** What turns are made of; the conversation and the ghosts provide it. */
export interface TurnWork {
  /** Asks the model and composes what to say; a model's failure is an answer too (`failed`). Aborted by `signal`. */
  respond(turn: Turn, signal: AbortSignal): Promise<TurnReply>;
  /** What to say of a turn that never came to an end. */
  giveUp(turn: Turn): TurnReply;
  /** Shows in the room that the agent is at work; the returned function ends that. */
  showWorking(turn: Turn): () => void;
  /** Sends one message, once, however often it is called with the same turn and step. Returns the event's id. */
  send(turn: Turn, step: string, content: TurnMessage["content"], signal: AbortSignal): Promise<string>;
  /** Keeps what the agent has said, in the transaction that ends the turn. */
  remember(tx: Queryable, turn: Turn, eventId: string, text: string): Promise<void>;
  /** Whether the same may work later (a server away), so that the turn is kept. */
  isRetryable(error: unknown): boolean;
}

/** How long a turn waits after the server or the database failed it, in ms. */
const RETRY_MS = 2_000;

/**
 * Runs the turns: those of one conversation one after the other, different conversations side by side. The rows are the
 * queue; this holds only what is running now.
 */
export class TurnRunner {
  readonly #database: Database;
  readonly #store: TurnStore;
  readonly #work: TurnWork;
  readonly #log: Logger;
  readonly #running = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();
  #looking: Promise<void> = Promise.resolve();

  constructor(options: { database: Database; store: TurnStore; work: TurnWork; log: Logger }) {
    this.#database = options.database;
    this.#store = options.store;
    this.#work = options.work;
    this.#log = options.log;
  }

  /** Looks for turns that can run, those that a former process left among them; called at start and whenever one was queued. */
  kick(): void {
    this.#looking = this.#looking
      .then(() => this.#look())
      .catch(async (error: unknown) => {
        if (this.#stopping.signal.aborted) return;
        this.#log.warn({ error }, "the turns could not be read; trying again");
        await this.#pause();
        this.kick();
      });
  }

  /** Stops: running turns are aborted and stay in the database for the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#looking;
    await Promise.allSettled(this.#running.values());
  }

  async #look(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    for (const open of await this.#store.due()) {
      const conversation = conversationOf(open.turn);
      if (this.#running.has(conversation)) continue;
      const run = this.#run(open)
        .catch(async (error: unknown) => {
          if (this.#stopping.signal.aborted) return;
          this.#log.warn({ ...idsOf(open.turn), error }, "turn interrupted; trying again");
          await this.#pause();
        })
        .finally(() => {
          this.#running.delete(conversation);
          if (!this.#stopping.signal.aborted) this.kick();
        });
      this.#running.set(conversation, run);
    }
  }

  async #run(open: OpenTurn): Promise<void> {
    const { turn } = open;
    const log = this.#log.child(idsOf(turn));
    const endWorking = this.#work.showWorking(turn);
    try {
      const reply = open.state === "sending" ? open.reply : await this.#respond(turn, open.attempts);
      if (reply === undefined) return;
      await this.#deliver(turn, reply, log);
    } finally {
      endWorking();
    }
  }

  async #respond(turn: Turn, attempts: number): Promise<TurnReply | undefined> {
    if (!(await this.#store.start(turn))) return undefined;
    reached("turn.started");
    const started = performance.now();
    let reply: TurnReply;
    try {
      reply =
        attempts >= MAX_TURN_ATTEMPTS ? this.#work.giveUp(turn) : await this.#work.respond(turn, this.#stopping.signal);
    } catch (error) {
      // Not a failure of the model (that is a reply): the database, the server, or this process is stopping.
      if (this.#work.isRetryable(error) || this.#stopping.signal.aborted) {
        await this.#store.putBack(turn);
        throw error;
      }
      this.#log.error({ ...idsOf(turn), error }, "turn failed");
      reply = this.#work.giveUp(turn);
    }
    await this.#store.prepare(turn, reply);
    reached("turn.prepared");
    this.#log.debug({ ...idsOf(turn), ms: Math.round(performance.now() - started) }, "answer ready");
    return reply;
  }

  async #deliver(turn: Turn, reply: TurnReply, log: Logger): Promise<void> {
    const said: { eventId: string; text: string }[] = [];
    try {
      for (const [index, message] of reply.messages.entries()) {
        const eventId = await this.#work.send(turn, `answer.${index}`, message.content, this.#stopping.signal);
        if (message.remembered !== undefined) said.push({ eventId, text: message.remembered });
      }
    } catch (error) {
      if (this.#stopping.signal.aborted || this.#work.isRetryable(error)) throw error;
      // Thrown out of the room, or the room can't be spoken to: there is nobody left to tell.
      log.error({ error }, "the answer could not be sent");
      await this.#store.finish(this.#database, turn, "failed", "not sent");
      return;
    }
    await this.#database.transaction(async (tx) => {
      for (const { eventId, text } of said) await this.#work.remember(tx, turn, eventId, text);
      await this.#store.finish(tx, turn, reply.outcome, reply.failure);
    });
    log.info(
      { outcome: reply.outcome, ...(reply.failure === undefined ? {} : { failure: reply.failure }) },
      "turn ended",
    );
  }

  async #pause(): Promise<void> {
    await sleep(RETRY_MS * (0.5 + Math.random()), undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }
}

function idsOf(turn: Turn): { turn: number; ghost: string; room: string; event: string } {
  return { turn: turn.id, ghost: turn.ghost, room: turn.roomId, event: turn.eventId };
}
