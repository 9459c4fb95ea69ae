import type { Database, Queryable } from "../database/database.ts";
import { fenced, type Lease } from "../leases/leases.ts";
import { isStorable, storable } from "../database/text.ts";
import { unlessBroken } from "../sealing/sealed-text.ts";
import type { SealedRow, Seals } from "../sealing/seals.ts";
import type { Turn, TurnKind, TurnReply, TurnState } from "./turn.ts";

/**
 * A turn that was begun this often and never came to its answer fails, and so does one whose answer was begun to be sent
 * this often: the process ended each time. More than three, because a process that is killed from outside, again and
 * again, says little of what it was doing.
 */
export const MAX_TURN_ATTEMPTS = 5;

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

  constructor(database: Database, seals: Seals) {
    this.#database = database;
    this.#seals = seals;
  }

  /** Queues a question, once: asking for the same event again changes nothing. */
  async enqueue(tx: Queryable, turn: NewTurn): Promise<void> {
    await insertTurn(tx, turn, "queued", undefined);
  }

  /**
   * Declines a question, once: `reply` is all that comes of it. Decided here, in one transaction with the end of the
   * message in the mailbox: a crash must not make it be decided again, and otherwise.
   */
  async decline(tx: Queryable, turn: NewTurn, reply: TurnReply): Promise<void> {
    await insertTurn(tx, turn, "sending", await this.#sealed(tx, turn, reply));
  }

  /** Queues a question that was asked before once more. False when it is not known. */
  async enqueueAgain(tx: Queryable, ghost: string, eventId: string, kind: TurnKind): Promise<boolean> {
    const { count } = await tx.query(
      `insert into turns (ghost, room_id, event_id, asker, position, thread_root, origin, hops, round, kind)
       select ghost, room_id, event_id, asker, position, thread_root, origin, hops, round + 1, $3
       from turns where ghost = $1 and event_id = $2 order by round desc limit 1`,
      [ghost, storable(eventId), kind],
    );
    return count > 0;
  }

  /** The latest turn that an event belongs to: as its question, its draft or an answer. */
  async about(ghost: string, roomId: string, eventId: string): Promise<TurnAbout | undefined> {
    if (!isStorable(eventId)) return undefined;
    const { rows } = await this.#database.query<TurnRow>(
      `with ids as (
         select id from turns where ghost = $1 and event_id = $3
         union select id from turns where ghost = $1 and draft = $3
         union select turns.id from messages join turns on turns.position = messages.answers
           where messages.ghost = $1 and messages.event_id = $3)
       select id, ghost, room_id, event_id, asker, position, thread_root, origin, hops, round, kind, state from turns
       where id in (select id from ids) and room_id = $2 order by id desc limit 1`,
      [ghost, roomId, eventId],
    );
    const [row] = rows;
    return row && { turn: turnOf(row), isOpen: ["queued", "running", "sending"].includes(row.state) };
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
         coalesce(sum(prompt_tokens + answer_tokens), 0)::integer as tokens
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
      `select id, ghost, room_id, event_id, asker, position, thread_root, origin, hops, round, kind, consent_target from turns
       where ghost = $1 and room_id = $2 and failure = 'needs_consent' order by id`,
      [ghost, roomId],
    );
    return rows.map((row) => ({ turn: turnOf(row), isOpen: false, target: row.consent_target }));
  }

  /** The questions that waited for consent to something do so no more; queued again where it was given. */
  async consented(tx: Queryable, ghost: string, roomId: string, target: string, granted: boolean): Promise<void> {
    const { rows } = await tx.query<{ event_id: string }>(
      `update turns set failure = case when $4 then 'asked_again' else 'declined' end
       where ghost = $1 and room_id = $2 and failure = 'needs_consent' and consent_target = $3 returning event_id`,
      [ghost, roomId, target, granted],
    );
    if (!granted) return;
    for (const eventId of new Set(rows.map((row) => row.event_id)))
      await this.enqueueAgain(tx, ghost, eventId, "again");
  }

  /** Whether a ghost takes part in a thread: it was asked there. */
  async isInThread(ghost: string, roomId: string, threadRoot: string): Promise<boolean> {
    if (!isStorable(threadRoot)) return false;
    const { count } = await this.#database.query(
      "select from turns where ghost = $1 and room_id = $2 and thread_root = $3 limit 1",
      [ghost, roomId, threadRoot],
    );
    return count > 0;
  }

  /** Whether any agent takes part in a thread. */
  async isAgentsThread(roomId: string, threadRoot: string): Promise<boolean> {
    if (!isStorable(threadRoot)) return false;
    const { count } = await this.#database.query("select from turns where room_id = $1 and thread_root = $2 limit 1", [
      roomId,
      threadRoot,
    ]);
    return count > 0;
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
      `update turns set state = 'cancelled', stopped = true, failure = 'stopped', finished_at = now()
       where ${which} and state = 'queued'`,
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
      `update turns set state = 'cancelled', finished_at = now()
       where ghost = $1 and room_id = $2 and event_id = $3 and state = 'queued'`,
      [ghost, roomId, eventId],
    );
  }

  /**
   * The oldest open turn of each conversation of the ghosts that a process has, and all declined ones, which wait for
   * nobody. One that is `running` in the database but not in this process was left by one that ended: the caller knows
   * what it runs and takes up the rest.
   */
  async due(process: number): Promise<OpenTurn[]> {
    const found = await this.#database.query<TurnRow>(
      `with open as (
         select id, ghost, room_id, event_id, asker, position, thread_root, origin, hops, round, kind, state, reply,
           sealed_by, attempts, stopped,
           extract(epoch from now() - created_at) * 1000 as age_ms, attempts = 0 and state = 'sending' as declined
         from turns join leases using (ghost)
         where state in ('queued', 'running', 'sending') and owner = $1
       ), first as (
         select distinct on (ghost, room_id, thread_root) * from open where not declined
         order by ghost, room_id, thread_root, id
       )
       select * from open where declined union all select * from first order by id`,
      [process],
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
      `update turns set state = 'failed', failure = 'damaged', reply = null, sealed_by = null, finished_at = now()
       where id = $1 and state = 'sending'`,
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

  /** How many turns of a conversation have not come to their end. */
  async open(tx: Queryable, ghost: string, roomId: string): Promise<number> {
    const { rows } = await tx.query<{ open: number }>(
      `select count(*)::integer as open from turns
       where ghost = $1 and room_id = $2 and state in ('queued', 'running', 'sending')`,
      [ghost, roomId],
    );
    return rows[0]?.open ?? 0;
  }

  /** `queued` → `running`, the attempt counted. False when it has been cancelled. Throws StaleLease. */
  async start(lease: Lease, turn: Turn): Promise<boolean> {
    const { count } = await fenced(this.#database, lease, (tx) =>
      tx.query(
        "update turns set state = 'running', attempts = attempts + 1 where id = $1 and state in ('queued', 'running')",
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
   */
  async prepare(lease: Lease, turn: Turn, reply: TurnReply): Promise<void> {
    await fenced(this.#database, lease, async (tx) => {
      const { id, text } = await this.#sealed(tx, turn, reply);
      await tx.query("update turns set state = 'sending', reply = $2, sealed_by = $3, deliveries = 1 where id = $1", [
        turn.id,
        text,
        id,
      ]);
    });
  }

  async #sealed(tx: Queryable, turn: NewTurn & Partial<Turn>, reply: TurnReply): Promise<SealedReply> {
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

  /** The end of a turn, in a fenced transaction. */
  async finish(
    tx: Queryable,
    turn: Turn,
    { outcome, failure, usage, consentTarget }: Pick<TurnReply, "outcome" | "failure" | "usage" | "consentTarget">,
  ): Promise<void> {
    const stopped = outcome === "stopped";
    await tx.query(
      `update turns set state = $2, failure = $3, prompt_tokens = $4, answer_tokens = $5, reply = null, sealed_by = null,
         consent_target = $6, finished_at = now() where id = $1`,
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
}

async function insertTurn(
  tx: Queryable,
  turn: NewTurn,
  state: "queued" | "sending",
  reply: SealedReply | undefined,
): Promise<void> {
  await tx.query(
    `insert into turns (ghost, room_id, event_id, asker, position, thread_root, origin, hops, state, reply, sealed_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (ghost, event_id, round) do nothing`,
    [
      turn.ghost,
      turn.roomId,
      turn.eventId,
      turn.asker,
      turn.position,
      turn.threadRoot ?? null,
      turn.origin,
      turn.hops,
      state,
      reply?.text ?? null,
      reply?.id ?? null,
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
function placeOf({ ghost, eventId, round = 0 }: { ghost: string; eventId: string; round?: number }): string[] {
  return ["turns.reply", ghost, eventId, String(round)];
}

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
  };
}
