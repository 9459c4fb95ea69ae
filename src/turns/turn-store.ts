import { deleteInBatches } from "../database/batches.ts";
import type { Database, Queryable } from "../database/database.ts";
import { fenced, type Lease } from "../leases/leases.ts";
import { isStorable, storable } from "../database/text.ts";
import { unlessBroken } from "../sealing/sealed-text.ts";
import type { SealedRow, Seals } from "../sealing/seals.ts";
import { AT_WORK, type AtWork } from "./at-work.ts";
import type { StepEnd } from "./turn-step.ts";
import { END_STEP, FORGET_STEPS, sealedEnd, TurnSteps, WRITE_FIRST_STEP } from "./turn-steps.ts";
import type { Turn, TurnKind, TurnReply, TurnState } from "./turn.ts";

/**
 * A turn that was begun this often and never came to its answer fails, and so does one whose answer was begun to be sent
 * this often: the process ended each time. More than three, because a process that is killed from outside, again and
 * again, says little of what it was doing.
 */
export const MAX_TURN_ATTEMPTS = 5;

/** Turns are kept for so much longer than events are known by their ids. */
const MARGIN_DAYS = 30;

/** An open turn and how far it has come. */
export type OpenTurn =
  | {
      readonly state: "queued";
      readonly turn: Turn;
      readonly attempts: number;
      /** How long ago it was asked, in ms by the database's clock. */
      readonly ageMs: number;
      /** Stopped before the process that ran it ended. */
      readonly isStopped: boolean;
    }
  | {
      readonly state: "sending";
      readonly turn: Turn;
      readonly reply: TurnReply;
      /** Was never begun: its reply does not wait for the turns before it. */
      readonly isDeclined: boolean;
    };

/** The rows of `turns`. */
export class TurnStore {
  readonly #database: Database;
  readonly #seals: Seals;
  /** What turns have asked so far. */
  readonly steps: TurnSteps;

  constructor(database: Database, seals: Seals) {
    this.#database = database;
    this.#seals = seals;
    this.steps = new TurnSteps(database, seals);
  }

  /** Queues a question, once: asking for the same event again changes nothing. */
  async enqueue(tx: Queryable, turn: NewTurn): Promise<void> {
    await insertTurn(tx, { ...turn, round: 0, kind: "answer" }, "queued", undefined);
  }

  /**
   * Declines a question, once: `reply` is all that comes of it. Decided here, in one transaction with the end of the
   * message in the mailbox: a crash must not make it be decided again, and otherwise.
   */
  async decline(tx: Queryable, turn: NewTurn, reply: TurnReply): Promise<void> {
    const first = { ...turn, round: 0, kind: "answer" } as const;
    await insertTurn(tx, first, "sending", await this.#sealed(tx, first, reply));
  }

  /** Declines a question that was asked before, and is asked once more. */
  async declineAgain(tx: Queryable, turn: Turn, reply: TurnReply): Promise<void> {
    const again = { ...turn, round: turn.round + 1, kind: "again" } as const;
    await insertTurn(tx, again, "sending", await this.#sealed(tx, again, reply));
  }

  /** Queues a question that was asked before once more. False when it is not known. */
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
   * The latest turn of the question that an event belongs to: as the question, as a draft, an answer or a part of one, as an
   * edit of these, or as the notice that there is none.
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
    const isOpen = ["queued", "running", "sending"].includes(row.state);
    return { turn: turnOf(row), isOpen, ...(row.is_answer ? { answer: row.shown_as } : {}) };
  }

  /** The last question of somebody to a ghost in a room. */
  async lastQuestion(ghost: string, roomId: string, asker: string): Promise<TurnAbout | undefined> {
    const { rows } = await this.#database.query<{ event_id: string }>(
      "select event_id from turns where ghost = $1 and room_id = $2 and asker = $3 order by id desc limit 1",
      [ghost, roomId, asker],
    );
    const [row] = rows;
    return row && this.about(ghost, roomId, row.event_id);
  }

  /** How many turns of a room have not been answered, of one asker or of all. */
  async openOf(ghost: string, roomId: string, asker: string | undefined): Promise<number> {
    const { rows } = await this.#database.query<{ open: number }>(
      `select count(*)::integer as open from turns
       where ghost = $1 and room_id = $2 and ($3::text is null or asker = $3) and state in ('queued', 'running')`,
      [ghost, roomId, asker ?? null],
    );
    return rows[0]?.open ?? 0;
  }

  /** How many turns of all ghosts have not come to their end, by state. */
  async openByState(): Promise<Readonly<Record<"queued" | "running" | "sending", number>>> {
    const { rows } = await this.#database.query<{ state: string; open: number }>(
      `select state, count(*)::integer as open from turns
       where state in ('queued', 'running', 'sending') group by state`,
    );
    const openIn = (state: string): number => rows.find((row) => row.state === state)?.open ?? 0;
    return { queued: openIn("queued"), running: openIn("running"), sending: openIn("sending") };
  }

  /** What somebody has asked in the last 30 days: a ghost in a room, and all ghosts everywhere. */
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

  /** The questions of a room that wait for its consent, each with what it is to, oldest first. */
  async withoutConsent(ghost: string, roomId: string): Promise<(TurnAbout & { readonly target: string })[]> {
    const { rows } = await this.#database.query<TurnRow & { consent_target: string }>(
      `select ${TURN}, consent_target from turns
       where ghost = $1 and room_id = $2 and failure = 'needs_consent' order by id`,
      [ghost, roomId],
    );
    return rows.map((row) => ({ turn: turnOf(row), isOpen: false, target: row.consent_target }));
  }

  /**
   * The ghosts that waited for consent in a room, and had said so, when an event came: nobody agrees to what is only asked
   * after that. What was decided since does not change it, so that all agents find the same, however slow they are.
   */
  async waitedForConsent(roomId: string, eventId: string): Promise<string[]> {
    const { rows } = await this.#database.query<{ ghost: string }>(
      `with came as (select coalesce((select received_at from events where event_id = $2), now()) as at)
       select distinct turns.ghost from came, turns left join consents
         on consents.room_id = turns.room_id and consents.ghost = turns.ghost and target = consent_target
       where turns.room_id = $1 and finished_at < came.at
         and (failure = 'needs_consent' or (failure in ('asked_again', 'declined') and decided_at > came.at))
       order by turns.ghost`,
      [roomId, eventId],
    );
    return rows.map((row) => row.ghost);
  }

  /**
   * The questions that waited for consent to something do so no more; queued again where it was given, the oldest first, until
   * so many turns of the room are open. Returns the latest turns of those that found no place.
   */
  async consented(
    tx: Queryable,
    { ghost, roomId, target }: { readonly ghost: string; readonly roomId: string; readonly target: string },
    decision: "declined" | { readonly maxQueued: number },
  ): Promise<Turn[]> {
    const granted = decision !== "declined";
    const { rows } = await tx.query<TurnRow>(
      `update turns set failure = case when $4 then 'asked_again' else 'declined' end
       where ghost = $1 and room_id = $2 and failure = 'needs_consent' and consent_target = $3
       returning ${TURN}`,
      [ghost, roomId, target, granted],
    );
    if (!granted) return [];
    const latest = new Map(rows.sort((a, b) => a.id - b.id).map((row) => [row.event_id, turnOf(row)]));
    const free = Math.max(0, decision.maxQueued - (await this.open({ ghost, roomId }, tx)));
    const waited = [...latest.values()];
    for (const { eventId } of waited.slice(0, free)) await this.enqueueAgain(tx, ghost, eventId, "again");
    return waited.slice(free);
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

  /** Notes an event with which a turn said something besides: see `turn_events`. */
  async note(tx: Queryable, turn: Turn, eventId: string, shownAs = eventId): Promise<void> {
    await tx.query(
      `insert into turn_events (ghost, event_id, turn, shown_as) values ($1, $2, $3, $4) on conflict do nothing`,
      [turn.ghost, storable(eventId), turn.id, storable(shownAs)],
    );
  }

  /**
   * Forgets edits and notices that are old, and turns that ended some time before that: as long as a question's event is known,
   * it is to be known that it was taken. Returns how many rows.
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

  /** Notes that something came encrypted that goes into a turn's prompt. It is never taken back. */
  async markEncrypted({ id }: Turn): Promise<void> {
    await this.#database.query("update turns set came_encrypted = true where id = $1 and not came_encrypted", [id]);
  }

  /** Whether anything that a turn is made of came encrypted, as far as that is known by now. One that is gone counts so. */
  async cameEncrypted({ id }: Turn, database: Queryable = this.#database): Promise<boolean> {
    const { rows } = await database.query<{ came_encrypted: boolean }>(
      "select came_encrypted from turns where id = $1",
      [id],
    );
    return rows[0]?.came_encrypted ?? true;
  }

  /** Notes the event that an answer is shown as while it is made. Throws StaleLease. */
  async setDraft(lease: Lease, turn: Turn, eventId: string): Promise<void> {
    await fenced(this.#database, lease, (tx) =>
      tx.query("update turns set draft = $2 where id = $1", [turn.id, storable(eventId)]),
    );
  }

  /**
   * Stops the open turns of a conversation, or the one of a question or of the draft of its answer. Those that were not
   * begun are cancelled; of those that run it is noted, and their ids are returned. Declined ones say so all the same.
   */
  async stop(
    tx: Queryable,
    { ghost, roomId, eventId, asker }: WhichTurns,
  ): Promise<{ readonly running: readonly number[]; readonly cancelled: number }> {
    const which =
      "ghost = $1 and room_id = $2 and ($3::text is null or event_id = $3) and ($4::text is null or asker = $4)";
    const values = [ghost, roomId, eventId ?? null, asker ?? null];
    const { count } = await tx.query(
      `with ended as (
         update turns set state = 'cancelled', stopped = true, failure = 'stopped', finished_at = now()
         where ${which} and state = 'queued' returning id
       ), forgotten as (${FORGET_STEPS})
       select from ended`,
      values,
    );
    const { rows } = await tx.query<{ id: number }>(
      `update turns set stopped = true where ${which} and state = 'running' returning id`,
      values,
    );
    return { running: rows.map((row) => row.id), cancelled: count };
  }

  /** Counts an edit of the draft; tells how many there are now. Throws StaleLease. */
  async countEdit(lease: Lease, turn: Turn): Promise<number> {
    const { rows } = await fenced(this.#database, lease, (tx) =>
      tx.query<{ edits: number }>("update turns set edits = edits + 1 where id = $1 returning edits", [turn.id]),
    );
    return rows[0]?.edits ?? Infinity;
  }

  /** Withdraws a question that has not been taken up. */
  async cancel(tx: Queryable, ghost: string, roomId: string, eventId: string): Promise<void> {
    if (!isStorable(eventId)) return;
    await tx.query(
      `with ended as (
         update turns set state = 'cancelled', finished_at = now()
         where ghost = $1 and room_id = $2 and event_id = $3 and state = 'queued' returning id
       ) ${FORGET_STEPS}`,
      [ghost, roomId, eventId],
    );
  }

  /**
   * The turns that a process is to take up beside those that it runs: the oldest open turn of each conversation of the ghosts
   * that it has, as many as `atWork` has place for, each person's first before anybody's second; and of declined ones, which
   * wait for nobody, as many again. One that is `running` in the database but not in `running` was left by a process that
   * ended.
   */
  async due(process: number, running: readonly number[] = [], atWork: AtWork = AT_WORK): Promise<OpenTurn[]> {
    const found = await this.#database.query<TurnRow>(
      `with open as (
         select ${TURN}, state, reply, sealed_by, attempts, stopped,
           extract(epoch from now() - created_at) * 1000 as age_ms, attempts = 0 and state = 'sending' as declined
         from turns join leases using (ghost)
         where state in ('queued', 'running', 'sending') and owner = $1
       ), first as (
         select distinct on (ghost, room_id, thread_root) id, ghost, asker, id = any($2::bigint[]) as runs
         from open where not declined order by ghost, room_id, thread_root, id
       ), of_asker as (
         select *, row_number() over (partition by asker order by runs desc, id) as nth_of_asker from first
       ), of_ghost as (
         select *, row_number() over (partition by ghost order by runs desc, nth_of_asker, id) as nth_of_ghost
         from of_asker where nth_of_asker <= $3
       ), placed as (
         select id from of_ghost where nth_of_ghost <= $4 order by runs desc, nth_of_asker, id limit $5
       ), declined as (
         select id from open where declined order by id limit $5
       )
       select * from open
       where id <> all($2::bigint[]) and (id in (select id from placed) or id in (select id from declined))
       order by id`,
      [process, running, atWork.ofAsker, atWork.ofGhost, atWork.all],
    );
    const { rows, open } = await this.#seals.open(found.rows);
    const turns: OpenTurn[] = [];
    for (const row of rows) {
      const turn = turnOf(row);
      if (row.state !== "sending" || row.reply === null) {
        turns.push({ state: "queued", turn, attempts: row.attempts, ageMs: row.age_ms, isStopped: row.stopped });
        continue;
      }
      const { reply: sealed } = row;
      const reply = unlessBroken(() => open(row, sealed, ...placeOf(turn)));
      if (reply === undefined) await this.#giveUp(turn);
      else turns.push({ state: "sending", turn, reply: JSON.parse(reply) as TurnReply, isDeclined: row.declined });
    }
    return turns;
  }

  /** What was to be sent can't be opened any more: it holds up nothing else. */
  async #giveUp(turn: Turn): Promise<void> {
    await this.#database.query(
      `with ended as (
         update turns set state = 'failed', failure = 'damaged', reply = null, sealed_by = null, finished_at = now()
         where id = $1 and state = 'sending' returning id
       ) ${FORGET_STEPS}`,
      [turn.id],
    );
  }

  /** Ghosts with open turns that a process has, or could have because nobody else does. */
  async ghostsWithOpenTurns(process: number): Promise<string[]> {
    const { rows } = await this.#database.query<{ ghost: string }>(
      `select distinct ghost from turns left join leases using (ghost)
       where state in ('queued', 'running', 'sending')
         and (owner is null or owner = $1 or not process_lives(owner))`,
      [process],
    );
    return rows.map((row) => row.ghost);
  }

  /**
   * How many turns of a room have not come to their end.
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
   * `queued` → `running`, the attempt counted and the turn's first step written. False when it has been cancelled. Throws
   * StaleLease.
   */
  async start(lease: Lease, turn: Turn): Promise<boolean> {
    const { count } = await fenced(this.#database, lease, (tx) =>
      tx.query(
        `with started as (
           update turns set state = 'running', attempts = attempts + 1
           where id = $1 and state in ('queued', 'running') returning id, ghost
         ), written as (${WRITE_FIRST_STEP})
         select from started`,
        [turn.id],
      ),
    );
    return count > 0;
  }

  /** `running` → `queued`, uncounted: what stood in the way was not the turn's fault. Throws StaleLease. */
  async putBack(lease: Lease, turn: Turn): Promise<void> {
    await fenced(this.#database, lease, (tx) =>
      tx.query(
        "update turns set state = 'queued', attempts = greatest(attempts - 1, 0) where id = $1 and state = 'running'",
        [turn.id],
      ),
    );
  }

  /**
   * `running` → `sending`: from here on the same messages are sent, whatever happens. The first try at that is counted.
   * Throws StaleLease.
   *
   * @param end what the turn's last step came to.
   */
  async prepare(lease: Lease, turn: Turn, reply: TurnReply, end?: StepEnd): Promise<void> {
    await fenced(this.#database, lease, async (tx) => {
      const seal = await this.#seals.in(tx, { ghost: turn.ghost, roomId: turn.roomId });
      await tx.query(
        `with sending as (
           update turns set state = 'sending', reply = $2, sealed_by = $3, deliveries = 1 where id = $1
         ) ${END_STEP}`,
        [turn.id, seal.seal(JSON.stringify(reply), ...placeOf(turn)), seal.id, ...sealedEnd(turn, end, seal)],
      );
    });
  }

  async #sealed(tx: Queryable, turn: Omit<Turn, "id">, reply: TurnReply): Promise<SealedReply> {
    const key = await this.#seals.in(tx, { ghost: turn.ghost, roomId: turn.roomId });
    return { id: key.id, text: key.seal(JSON.stringify(reply), ...placeOf(turn)) };
  }

  /** Counts a further try at sending, and tells how many there were before. Throws StaleLease. */
  async resume(lease: Lease, turn: Turn): Promise<number> {
    const { rows } = await fenced(this.#database, lease, (tx) =>
      tx.query<{ deliveries: number }>(
        "update turns set deliveries = deliveries + 1 where id = $1 returning deliveries",
        [turn.id],
      ),
    );
    return (rows[0]?.deliveries ?? 1) - 1;
  }

  /** What stood in the way of sending was not the turn's fault. Throws StaleLease. */
  async uncountDelivery(lease: Lease, turn: Turn): Promise<void> {
    await fenced(this.#database, lease, (tx) =>
      tx.query("update turns set deliveries = greatest(deliveries - 1, 0) where id = $1", [turn.id]),
    );
  }

  /** The end of a turn, in a fenced transaction. Its steps go: nothing reads them any more. */
  async finish(
    tx: Queryable,
    turn: Turn,
    { outcome, failure, usage, consentTarget }: Pick<TurnReply, "outcome" | "failure" | "usage" | "consentTarget">,
  ): Promise<void> {
    const stopped = outcome === "stopped";
    await tx.query(
      `with ended as (
         update turns set state = $2, failure = $3, prompt_tokens = $4, answer_tokens = $5, reply = null, sealed_by = null,
           consent_target = $6, finished_at = now() where id = $1 returning id
       ) ${FORGET_STEPS}`,
      [
        turn.id,
        stopped ? "cancelled" : outcome,
        stopped ? "stopped" : (failure ?? null),
        usage?.promptTokens ?? null,
        usage?.answerTokens ?? null,
        consentTarget ?? null,
      ],
    );
  }
}

/** A question that is asked for the first time. */
export type NewTurn = Omit<Turn, "id" | "round" | "kind">;

/** Turns of a conversation: all, or those of a question or of a person. */
export interface WhichTurns {
  readonly ghost: string;
  readonly roomId: string;
  readonly eventId?: string;
  readonly asker?: string;
}

/** What somebody has asked. */
export interface Usage {
  readonly questions: number;
  readonly tokens: number;
}

/** A turn that somebody points at. */
export interface TurnAbout {
  readonly turn: Turn;
  /** Whether it has not come to its end. */
  readonly isOpen: boolean;
  /** The message pointed at, as people see it, where it is an answer or a part of one. */
  readonly answer?: string;
}

async function insertTurn(
  tx: Queryable,
  turn: Omit<Turn, "id">,
  state: "queued" | "sending",
  reply: SealedReply | undefined,
): Promise<void> {
  await tx.query(
    `insert into turns (ghost, room_id, event_id, asker, position, thread_root, origin, hops, round, kind, state, reply,
       sealed_by, came_encrypted)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) on conflict (ghost, event_id, round) do nothing`,
    [
      turn.ghost,
      turn.roomId,
      turn.eventId,
      turn.asker,
      turn.position,
      turn.threadRoot ?? null,
      turn.origin,
      turn.hops,
      turn.round,
      turn.kind,
      state,
      reply?.text ?? null,
      reply?.id ?? null,
      turn.encrypted,
    ],
  );
}

/** What is to be sent, as it is stored. */
interface SealedReply {
  /** The key's. */
  readonly id: number;
  readonly text: string;
}

/** Where what is to be sent stands sealed. */
function placeOf({ ghost, eventId, round }: Pick<Turn, "ghost" | "eventId" | "round">): string[] {
  return ["turns.reply", ghost, eventId, String(round)];
}

/** The columns that a turn is made of: see {@link turnOf}. */
const TURN = "id, ghost, room_id, event_id, asker, position, thread_root, origin, hops, round, kind, came_encrypted";

interface TurnRow extends SealedRow {
  id: number;
  ghost: string;
  room_id: string;
  event_id: string;
  asker: string;
  position: number;
  thread_root: string | null;
  origin: string | null;
  hops: number;
  round: number;
  kind: TurnKind;
  came_encrypted: boolean;
  state: TurnState;
  reply: string | null;
  attempts: number;
  age_ms: number;
  stopped: boolean;
  declined: boolean;
}

function turnOf(row: TurnRow): Turn {
  return {
    id: row.id,
    ghost: row.ghost,
    roomId: row.room_id,
    eventId: row.event_id,
    asker: row.asker,
    position: row.position,
    threadRoot: row.thread_root ?? undefined,
    origin: row.origin ?? row.event_id,
    hops: row.hops,
    round: row.round,
    kind: row.kind,
    encrypted: row.came_encrypted,
  };
}
