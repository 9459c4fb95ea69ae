import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Serial } from "../../concurrency/serial.ts";
import type { Logger } from "../../observability/log.ts";
import { DatabaseError, databaseError, type Database, type Queryable } from "../database.ts";
import { boundedLines } from "./lines.ts";
import {
  answerLine,
  LONGEST_REQUEST,
  MalformedMessage,
  parseRequest,
  type Answer,
  type Request,
  type Why,
} from "./messages.ts";

/** The words for a command that is sent away. */
const WORDS: Readonly<Record<Why, string>> = {
  late: "this command kept the bridge waiting for too long, so the bridge has taken back what it began",
  stopping: "the bridge is stopping; try again when it has stopped",
  crowded: "too many commands ask the bridge at once; try again in a moment",
  malformed: "the bridge does not understand this command: it runs in another version of matrix-agents",
};

/** The time in which a command that is sent away reads why, in ms. */
const GOODBYE_MS = 1_000;

/** The bounds of a command's transaction, in ms. */
export interface Patience {
  /**
   * The longest time for which it may leave the bridge waiting: before its first request, and in the transaction between an
   * answer and its next request.
   */
  readonly silenceMs: number;
  /** The longest time for the whole transaction. */
  readonly transactionMs: number;
}

/** The things that sessions share. */
export interface Serving {
  readonly database: Database;
  /** One transaction at a time: what waits inside the bridge then comes between those of two commands. */
  readonly turns: Serial;
  readonly patience: Patience;
  readonly log: Logger;
}

/** The command has gone, or was sent away: its transaction is rolled back. */
class Left extends Error {
  override readonly name = "Left";
}

/** The connection of a command, for one transaction. */
export class Session {
  readonly #socket: Socket;
  readonly #serving: Serving;
  #hasBegun = false;

  constructor(socket: Socket, serving: Serving) {
    this.#socket = socket;
    this.#serving = serving;
    // Whatever breaks the connection also ends what is read.
    socket.on("error", () => undefined);
  }

  /** Serves the connection until it has ended. Never rejects. */
  async serve(): Promise<void> {
    const { turns, log, patience } = this.#serving;
    // The reason for which a command is sent away has to be told after the reading.
    const requests = boundedLines(this.#socket.iterator({ destroyOnReturn: false }), LONGEST_REQUEST);
    try {
      const first = await this.#within(patience.silenceMs, nextOf(requests));
      await turns.run(() => this.#transaction(first, requests));
    } catch (error) {
      if (error instanceof MalformedMessage) this.#sendAway("malformed");
      else if (!(error instanceof Left || error instanceof DatabaseError)) {
        log.warn({ error }, "a command that asked the bridge could not be served");
      }
    } finally {
      // It ends when the next line comes, or when the connection is closed.
      requests.return(undefined).catch(() => undefined);
      await this.#close();
    }
  }

  /** Sends it away where too many are served. Resolves when the connection has ended. */
  async refuse(): Promise<void> {
    this.#sendAway("crowded");
    await this.#close();
  }

  /** Sends it away, unless its transaction has begun: that ends within its bounds. */
  stop(): void {
    if (!this.#hasBegun) this.#sendAway("stopping");
  }

  /** Tells why, and says nothing more. */
  #sendAway(why: Why): void {
    if (!this.#socket.writable) return;
    this.#socket.end(answerLine({ kind: "sent_away", message: WORDS[why], why }));
    // One that does not read would keep the connection.
    setTimeout(() => this.#socket.destroy(), GOODBYE_MS).unref();
  }

  async #transaction(first: Request, requests: AsyncGenerator<string>): Promise<void> {
    // It went, or was sent away, while it waited for its turn.
    if (!this.#socket.writable) throw new Left();
    this.#hasBegun = true;
    const { database, patience } = this.#serving;
    const deadline = performance.now() + patience.transactionMs;
    try {
      await database.transaction(async (tx) => {
        for (let request = first; request.kind !== "commit";) {
          const answer = await outcomeOf(tx, request);
          const leftMs = Math.min(patience.silenceMs, deadline - performance.now());
          const next = this.#say(answer).then(() => nextOf(requests));
          request = await this.#within(leftMs, next);
        }
      });
    } catch (error) {
      if (!(error instanceof Left || error instanceof MalformedMessage)) await this.#say(failureOf(error));
      throw error;
    }
    await this.#say({ kind: "done" });
  }

  /** Throws {@link Left} when the time is over, and then sends the command away. */
  async #within<T>(ms: number, step: Promise<T>): Promise<T> {
    const over = new AbortController();
    const late = async (): Promise<never> => {
      await sleep(ms, undefined, { signal: over.signal });
      this.#serving.log.warn(this.#hasBegun ? "a command kept the database for too long" : "a command asked nothing");
      this.#sendAway("late");
      throw new Left();
    };
    const limit = late();
    limit.catch(() => undefined);
    // What comes after the limit concerns nobody.
    step.catch(() => undefined);
    try {
      return await Promise.race([step, limit]);
    } finally {
      over.abort();
    }
  }

  /** Sends an answer, and waits while the command does not read. Throws {@link Left}. */
  async #say(answer: Answer): Promise<void> {
    if (!this.#socket.writable) throw new Left();
    if (this.#socket.write(answerLine(answer))) return;
    const read = new AbortController();
    const closed = once(this.#socket, "close", { signal: read.signal }).then(() => {
      throw new Left();
    });
    closed.catch(() => undefined);
    try {
      await Promise.race([once(this.#socket, "drain", { signal: read.signal }), closed]);
    } finally {
      read.abort();
    }
  }

  /** Resolves when the connection has ended, with all that was said, or without where nobody reads it. */
  async #close(): Promise<void> {
    if (this.#socket.closed) return;
    const closed = once(this.#socket, "close");
    // What the other side still sends is of no interest, but its end is.
    this.#socket.resume();
    if (this.#socket.writable) this.#socket.end();
    const timer = setTimeout(() => this.#socket.destroy(), GOODBYE_MS);
    await closed.catch(() => undefined);
    clearTimeout(timer);
  }
}

/** The next request. Throws {@link Left} where there is none, and MalformedMessage. */
async function nextOf(requests: AsyncGenerator<string>): Promise<Request> {
  const next = await requests.next().catch((error: unknown) => {
    throw error instanceof MalformedMessage ? error : new Left();
  });
  if (next.done === true) throw new Left();
  return parseRequest(next.value);
}

/** The answer to a statement. One that failed ends no connection, but lets nothing be committed. */
async function outcomeOf(tx: Queryable, request: Exclude<Request, { readonly kind: "commit" }>): Promise<Answer> {
  try {
    if (request.kind === "execute") {
      await tx.execute(request.sql);
      return { kind: "done" };
    }
    const { rows, count } = await tx.query(request.sql, request.values);
    return { kind: "result", rows, count };
  } catch (error) {
    return failureOf(error);
  }
}

function failureOf(error: unknown): Answer {
  const { message, code, retryable } = databaseError(error);
  return { kind: "failed", message, ...(code === undefined ? {} : { code }), retryable };
}
