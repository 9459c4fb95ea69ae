import { isPaused } from "../agents/pauses.ts";
import { deleteInBatches } from "../database/batches.ts";
import type { Database, Queryable } from "../database/database.ts";
import { fencedAtOnce, fencedWithLast, StaleLease, type Lease } from "../leases/leases.ts";
import { onceMore } from "../database/once-more.ts";
import { isStorable, storable } from "../database/text.ts";
import type { Scope, Seal, Seals } from "../sealing/seals.ts";
import { CallFiles } from "./call-files.ts";
import { ConsentTurns } from "./consent-turns.ts";
import { TurnQueue } from "./turn-queue.ts";
import {
  endedAs,
  insertTurn,
  noteEvent,
  replyContext,
  TURN,
  turnOf,
  type SealedReply,
  type TurnRow,
} from "./turn-rows.ts";
import type { StepEnd } from "./turn-step.ts";
import { stopOpenTurns } from "./stop-open-turns.ts";
import { END_STEP, FORGET_STEPS, sealedEnd, TurnSteps, WRITE_FIRST_STEP } from "./turn-steps.ts";
import {
  firstTurn,
  type NewTurn,
  type StoppedTurns,
  type Turn,
  type TurnAbout,
  type TurnEnd,
  type TurnKind,
  type TurnReply,
  type WhichTurns,
} from "./turn.ts";
import { WaitingTurns } from "./waiting-turns.ts";

/** Turns are kept this much longer than the ids of events. */
const MARGIN_DAYS = 30;

/** The rows of `turns`. */
export class TurnStore {
  readonly #database: Database;
  readonly #seals: Seals;
  /** The steps of turns so far. */
  readonly steps: TurnSteps;
  /** The files in results of their calls. */
  readonly files: CallFiles;
  /** The turns to be taken. */
  readonly queue: TurnQueue;
  /** The turns that wait for consent. */
  readonly consent: ConsentTurns;
  /** The turns that wait for a word about calls of tools. */
  readonly waiting: WaitingTurns;

  constructor(database: Database, seals: Seals) {
    this.#database = database;
    this.#seals = seals;
    this.steps = new TurnSteps(database, seals);
    this.files = new CallFiles(database, seals);
    this.queue = new TurnQueue(database, seals);
    this.consent = new ConsentTurns(database, this);
    this.waiting = new WaitingTurns(database, this.steps);
  }

  /**
   * Queues a question once: the same event again changes nothing. It starts its only statement at once. Returns the turn
   * where it is new and no other one of its conversation is open.
   */
  async enqueue(tx: Queryable, turn: NewTurn): Promise<Turn | undefined> {
    const first = firstTurn(turn);
    const inserted = await insertTurn(tx, first, "queued", undefined);
    return inserted === undefined || inserted.follows ? undefined : { ...first, id: inserted.id };
  }

  /**
   * Declines a question once: `reply` is its only result. This is decided in one transaction with the end of the
   * message in the mailbox, because a crash must not cause another decision.
   */
  async decline(tx: Queryable, turn: NewTurn, reply: TurnReply): Promise<void> {
    const first = firstTurn(turn);
    await insertTurn(tx, first, "sending", await this.#sealed(tx, first, reply));
  }

  /** Stores a question that gets no answer and no notice of its own: it can be asked again. */
  async refuse(tx: Queryable, turn: NewTurn, failure: string): Promise<void> {
    await insertTurn(tx, firstTurn(turn), "failed", undefined, failure);
  }

  /** Declines the repetition of an earlier question. */
  async declineAgain(tx: Queryable, turn: Turn, reply: TurnReply): Promise<void> {
    const again = { ...turn, round: turn.round + 1, kind: "again" } as const;
    await insertTurn(tx, again, "sending", await this.#sealed(tx, again, reply));
  }

  /** Queues the repetition of an earlier question. False when the question is unknown. */
  async enqueueAgain(tx: Queryable, ghost: string, eventId: string, kind: TurnKind): Promise<boolean> {
    const { count } = await tx.query(
      `insert into turns (ghost, room_id, event_id, asker, position, thread_root, origin, hops, round, kind,
         came_encrypted)
       select ghost, room_id, event_id, asker, position, thread_root, origin, hops, round + 1, $3, came_encrypted
       from turns where ghost = $1 and event_id = $2 order by round desc limit 1`,
      [ghost, storable(eventId), kind],
    );
    return count > 0;
  }

  /**
   * The latest turn of the question that an event belongs to: as the question, a draft, an answer or a part of one, an
   * edit of these, or the notice instead of an answer.
   */
  async about(ghost: string, roomId: string, eventId: string): Promise<TurnAbout | undefined> {
    if (!isStorable(eventId)) return undefined;
    const { rows } = await this.#database.query<TurnRow & { shown_as: string; is_answer: boolean }>(
      `with said as (
         select turn, shown_as from turn_events where ghost = $1 and event_id = $3),
       shown as (
         select coalesce((select shown_as from said), $3) as event_id),
       answers as (
         select turns.event_id from turns where ghost = $1 and draft = (select event_id from shown)
         union select turns.event_id from messages join turns on turns.position = messages.answers
           where messages.ghost = $1 and messages.event_id = (select event_id from shown)),
       questions as (
         select event_id from answers
         union select event_id from turns where ghost = $1 and event_id = $3
         union select turns.event_id from turns where id = (select turn from said))
       select ${TURN}, state, (select event_id from shown) as shown_as, exists (select from answers) as is_answer
       from turns
       where ghost = $1 and event_id in (select event_id from questions) and room_id = $2 order by id desc limit 1`,
      [ghost, roomId, eventId],
    );
    const [row] = rows;
    if (row === undefined) return undefined;
    const isOpen = ["queued", "running", "waiting", "sending"].includes(row.state);
    return { turn: turnOf(row), isOpen, ...(row.is_answer ? { answer: row.shown_as } : {}) };
  }

  /** A person's last question to a ghost in a room. */
  async lastQuestion(ghost: string, roomId: string, asker: string): Promise<TurnAbout | undefined> {
    const { rows } = await this.#database.query<{ event_id: string }>(
      "select event_id from turns where ghost = $1 and room_id = $2 and asker = $3 order by id desc limit 1",
      [ghost, roomId, asker],
    );
    const [row] = rows;
    return row && this.about(ghost, roomId, row.event_id);
  }

  /** The number of unanswered turns of a room, of one asker or of all. */
  async openOf(ghost: string, roomId: string, asker: string | undefined): Promise<number> {
    const { rows } = await this.#database.query<{ open: number }>(
      `select count(*)::integer as open from turns
       where ghost = $1 and room_id = $2 and ($3::text is null or asker = $3)
         and (state in ('queued', 'running') or state = 'waiting')`,
      [ghost, roomId, asker ?? null],
    );
    return rows[0]?.open ?? 0;
  }

  /** The number of open turns of all ghosts, by state. */
  async openByState(): Promise<Readonly<Record<"queued" | "running" | "waiting" | "sending", number>>> {
    const { rows } = await this.#database.query<{ state: string; open: number }>(
      `select state, count(*)::integer as open from turns where state in ('queued', 'running', 'sending') group by state
       union all select state, count(*)::integer as open from turns where state = 'waiting' group by state`,
    );
    const [queued, running, waiting, sending] = ["queued", "running", "waiting", "sending"].map(
      (state) => rows.find((row) => row.state === state)?.open ?? 0,
    ) as [number, number, number, number];
    return { queued, running, waiting, sending };
  }

  /** A person's questions of the last 30 days: to a ghost in a room, and to all ghosts everywhere. */
  async usage(ghost: string, roomId: string, asker: string): Promise<{ readonly here: Usage; readonly all: Usage }> {
    const { rows } = await this.#database.query<{ here: boolean; questions: number; tokens: number }>(
      `select ghost = $2 and room_id = $3 as here, count(*)::integer as questions,
         coalesce(sum(prompt_tokens::bigint + answer_tokens), 0)::float8 as tokens
       from turns where asker = $1 and created_at > now() - interval '30 days' group by 1`,
      [asker, ghost, roomId],
    );
    const none = { questions: 0, tokens: 0 };
    const here = rows.find((row) => row.here) ?? none;
    const elsewhere = rows.find((row) => !row.here) ?? none;
    const all = { questions: here.questions + elsewhere.questions, tokens: here.tokens + elsewhere.tokens };
    return { here: { questions: here.questions, tokens: here.tokens }, all };
  }

  /** Whether a ghost takes part in a thread: it was asked there. */
  async isInThread(ghost: string, roomId: string, threadRoot: string): Promise<boolean> {
    if (!isStorable(threadRoot)) return false;
    const { count } = await this.#database.query(
      `select from turns where ghost = $1 and room_id = $2 and thread_root = $3
       union all select from messages
         where ghost = $1 and room_id = $2 and thread_root = $3 and author = 'agent' limit 1`,
      [ghost, roomId, threadRoot],
    );
    return count > 0;
  }

  /** Whether any agent takes part in a thread. */
  async isAgentsThread(roomId: string, threadRoot: string): Promise<boolean> {
    if (!isStorable(threadRoot)) return false;
    const { count } = await this.#database.query(
      `select from turns where room_id = $1 and thread_root = $2
       union all select from messages where room_id = $1 and thread_root = $2 and author = 'agent' limit 1`,
      [roomId, threadRoot],
    );
    return count > 0;
  }

  /** Records a further event of a turn: see `turn_events`. */
  async note(tx: Queryable, turn: Turn, eventId: string, shownAs = eventId): Promise<void> {
    await noteEvent(tx, turn, eventId, shownAs);
  }

  /**
   * Deletes old edits and notices, and turns that ended some time earlier: while a question's event is known, its turn
   * must be known too. Returns the number of rows.
   */
  async prune(olderThanDays: number, signal?: AbortSignal): Promise<number> {
    const events = await deleteInBatches(
      this.#database,
      { from: "turn_events", where: "created_at < now() - $1 * interval '1 day'", values: [olderThanDays] },
      signal,
    );
    const where = `state in ('answered', 'failed', 'cancelled')
      and coalesce(finished_at, created_at) < now() - $1 * interval '1 day'`;
    const values = [olderThanDays + MARGIN_DAYS];
    const steps = await this.steps.prune(signal);
    return events + steps + (await deleteInBatches(this.#database, { from: "turns", where, values }, signal));
  }

  /** Records that a part of a turn's prompt came encrypted. This is never undone. */
  async markEncrypted({ id }: Turn): Promise<void> {
    await this.#database.query("update turns set came_encrypted = true where id = $1 and not came_encrypted", [id]);
  }

  /** Whether any part of a turn came encrypted, as far as known now. A deleted turn counts as encrypted. */
  async cameEncrypted({ id }: Turn, database: Queryable = this.#database): Promise<boolean> {
    const { rows } = await database.query<{ came_encrypted: boolean }>(
      "select came_encrypted from turns where id = $1",
      [id],
    );
    return rows[0]?.came_encrypted ?? true;
  }

  /** Records the event of a growing answer, in a fenced transaction. */
  async setDraft(tx: Queryable, turn: Turn, eventId: string): Promise<void> {
    await tx.query("update turns set draft = $2 where id = $1", [turn.id, storable(eventId)]);
  }

  /** Stops open turns; see {@link stopOpenTurns}. */
  stop(tx: Queryable, which: WhichTurns): Promise<StoppedTurns> {
    return stopOpenTurns(tx, this.steps, which);
  }

  /** Counts the edits of a draft, in a fenced transaction. */
  async countEdits(tx: Queryable, { id }: Turn, edits: number): Promise<void> {
    await tx.query("update turns set edits = $2 where id = $1", [id, edits]);
  }

  /**
   * The number of open turns of a room.
   *
   * @param which.insteadOf the question whose turns do not count.
   */
  async open(
    {
      ghost,
      roomId,
      insteadOf,
    }: { readonly ghost: string; readonly roomId: string; readonly insteadOf?: string | undefined },
    tx: Queryable = this.#database,
  ): Promise<number> {
    const { rows } = await tx.query<{ open: number }>(
      `select count(*)::integer as open from turns
       where ghost = $1 and room_id = $2 and state in ('queued', 'running', 'sending') and event_id is distinct from $3`,
      [ghost, roomId, insteadOf === undefined ? null : storable(insteadOf)],
    );
    return rows[0]?.open ?? 0;
  }

  /**
   * `queued` → `running`, or from `waiting`, when its time is over: counts the attempt and writes the turn's first step. False
   * when it has been cancelled, or its agent is paused. Throws StaleLease.
   */
  async start(lease: Lease, turn: Turn): Promise<boolean> {
    const { rows } = await this.#database.query<{ leases: number; started: number }>(
      `with lease as materialized (
         select from leases where ghost = $2 and epoch = $3 for share
       ), started as (
         update turns set state = 'running', attempts = attempts + 1 from lease
         where id = $1 and (state in ('queued', 'running') or (state = 'waiting' and waits_until <= now()))
           and (state = 'running' or not ${isPaused("turns")})
         returning id, ghost
       ), written as (${WRITE_FIRST_STEP})
       select (select count(*)::integer from lease) as leases, (select count(*)::integer from started) as started`,
      [turn.id, lease.ghost, lease.epoch],
    );
    if (rows[0]?.leases !== 1) throw new StaleLease(lease);
    return rows[0].started > 0;
  }

  /** `running` → `queued`, without counting: the obstacle was not the turn's fault. Throws StaleLease. */
  async putBack(lease: Lease, turn: Turn): Promise<void> {
    await fencedAtOnce(this.#database, lease, (tx) =>
      tx.query(
        "update turns set state = 'queued', attempts = greatest(attempts - 1, 0) where id = $1 and state = 'running'",
        [turn.id],
      ),
    );
  }

  /**
   * `running` → `sending`: from here on the same messages are sent in any case. Counts the first attempt at that.
   * A repeat changes nothing. Throws StaleLease.
   *
   * @param end the result of the turn's last step.
   */
  async prepare(lease: Lease, turn: Turn, reply: TurnReply, end?: StepEnd): Promise<void> {
    // A failure would have the model asked again.
    await onceMore(() =>
      fencedWithLast(
        this.#database,
        lease,
        (tx) => this.#seals.in(tx, this.scopeOf(turn)),
        (tx, seal) => this.prepareIn(tx, seal, turn, reply, end),
      ),
    );
  }

  /** The same in a fenced transaction, sealed for {@link scopeOf}. It starts its only statement at once. */
  async prepareIn(tx: Queryable, seal: Seal, turn: Turn, reply: TurnReply, end?: StepEnd): Promise<void> {
    await tx.query(
      `with sending as (
         update turns set state = 'sending', reply = $2, sealed_by = $3, deliveries = 1
         where id = $1 and state in ('queued', 'running')
       ) ${END_STEP}`,
      [turn.id, seal.seal(JSON.stringify(reply), ...replyContext(turn)), seal.id, ...sealedEnd(turn, end, seal)],
    );
  }

  /** The scope of a turn's texts. */
  scopeOf({ ghost, roomId }: Omit<Turn, "id">): Scope {
    return { ghost, roomId };
  }

  async #sealed(tx: Queryable, turn: Omit<Turn, "id">, reply: TurnReply): Promise<SealedReply> {
    const key = await this.#seals.in(tx, this.scopeOf(turn));
    return { id: key.id, text: key.seal(JSON.stringify(reply), ...replyContext(turn)) };
  }

  /** Counts a further attempt at sending, and returns the number of earlier ones. Throws StaleLease. */
  async resume(lease: Lease, turn: Turn): Promise<number> {
    const { rows } = await fencedAtOnce(this.#database, lease, (tx) =>
      tx.query<{ deliveries: number }>(
        "update turns set deliveries = deliveries + 1 where id = $1 returning deliveries",
        [turn.id],
      ),
    );
    return (rows[0]?.deliveries ?? 1) - 1;
  }

  /** Takes back an attempt at sending: the obstacle was not the turn's fault. Throws StaleLease. */
  async uncountDelivery(lease: Lease, turn: Turn): Promise<void> {
    await fencedAtOnce(this.#database, lease, (tx) =>
      tx.query("update turns set deliveries = greatest(deliveries - 1, 0) where id = $1", [turn.id]),
    );
  }

  /** Ends a turn, in a fenced transaction, and deletes its steps, which nothing reads any more. */
  async finish(tx: Queryable, turn: Turn, end: TurnEnd): Promise<void> {
    const { state, failure, usage, consentTarget } = endedAs(end);
    await tx.query(
      `with ended as (
         update turns set state = $2, failure = $3, prompt_tokens = $4, answer_tokens = $5, reply = null, sealed_by = null,
           consent_target = $6, finished_at = now() where id = $1 returning id
       ) ${FORGET_STEPS}`,
      [
        turn.id,
        state,
        failure ?? null,
        usage?.promptTokens ?? null,
        usage?.answerTokens ?? null,
        consentTarget ?? null,
      ],
    );
  }
}

/** A person's use. */
export interface Usage {
  readonly questions: number;
  readonly tokens: number;
}
