import type { Queryable } from "../database/database.ts";
import { storable } from "../database/text.ts";
import type { SealedRow } from "../sealing/seals.ts";
import type { TokenUsage, Turn, TurnEnd, TurnKind, TurnState } from "./turn.ts";

/** The context that what is to be sent is sealed with: see sealing/sealed-text.ts. */
export function replyContext({ ghost, eventId, round }: Pick<Turn, "ghost" | "eventId" | "round">): string[] {
  return ["turns.reply", ghost, eventId, String(round)];
}

/** The columns of a turn: see {@link turnOf}. */
export const TURN =
  "id, ghost, room_id, event_id, asker, position, thread_root, origin, hops, round, kind, came_encrypted, asked_encrypted";

/** The part of a row of `turns` that is read. */
export interface TurnRow extends SealedRow {
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
  asked_encrypted: boolean | null;
  state: TurnState;
  reply: string | null;
  attempts: number;
  age_ms: number;
  stopped: boolean;
  declined: boolean;
  begun: boolean;
  late: boolean;
  edits: number;
}

/** The turn of a row. */
export function turnOf(row: TurnRow): Turn {
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
    ...(row.asked_encrypted === true ? { isAuthentic: true } : {}),
  };
}

/** Records a further event of a turn: see `turn_events`. It starts its only statement at once. */
export async function noteEvent(
  tx: Queryable,
  { id, ghost }: Pick<Turn, "id" | "ghost">,
  eventId: string,
  shownAs = eventId,
): Promise<void> {
  await tx.query(
    "insert into turn_events (ghost, event_id, turn, shown_as) values ($1, $2, $3, $4) on conflict do nothing",
    [ghost, storable(eventId), id, storable(shownAs)],
  );
}

/** A turn that was stored. */
interface InsertedTurn {
  readonly id: number;
  /** Whether another turn of its conversation is open. */
  readonly follows: boolean;
}

/** Stores a turn, unless that round of its question exists. It starts its only statement at once. */
export async function insertTurn(
  tx: Queryable,
  turn: Omit<Turn, "id">,
  state: "queued" | "sending" | "failed",
  reply: SealedReply | undefined,
  failure?: string,
): Promise<InsertedTurn | undefined> {
  const { rows } = await tx.query<InsertedTurn>(
    `insert into turns (ghost, room_id, event_id, asker, position, thread_root, origin, hops, round, kind, state, reply,
       sealed_by, came_encrypted, failure, asked_encrypted)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) on conflict (ghost, event_id, round) do nothing
     returning id, exists (select from turns as other where other.ghost = $1 and other.room_id = $2
       and other.thread_root is not distinct from $6 and other.state in ('queued', 'running', 'sending')) as follows`,
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
      failure ?? null,
      turn.kind === "answer" && turn.isAuthentic === true,
    ],
  );
  return rows[0];
}

/** A reply as it is stored. */
export interface SealedReply {
  /** The key's id. */
  readonly id: number;
  readonly text: string;
}

/** The last columns of a turn's row. */
export function endedAs(end: TurnEnd): {
  readonly state: TurnState;
  readonly failure?: string;
  readonly usage?: TokenUsage | undefined;
  readonly consentTarget?: string | undefined;
} {
  switch (end.outcome) {
    case "answered":
      return { state: "answered", usage: end.usage };
    case "failed":
      return { state: "failed", failure: end.failure, consentTarget: end.consentTarget };
    case "stopped":
      return { state: "cancelled", failure: "stopped" };
  }
}
