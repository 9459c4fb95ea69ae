import type { Database, Queryable } from "../database/database.ts";
import { TURN, turnOf, type TurnRow } from "./turn-rows.ts";
import type { TurnAbout, TurnKind, Turn } from "./turn.ts";

/** Queues the waiting questions again. */
interface Turns {
  open(where: { readonly ghost: string; readonly roomId: string }, tx: Queryable): Promise<number>;
  enqueueAgain(tx: Queryable, ghost: string, eventId: string, kind: TurnKind): Promise<boolean>;
}

/** The rows of `turns` whose questions wait for a room's consent. */
export class ConsentTurns {
  readonly #database: Database;
  readonly #turns: Turns;

  constructor(database: Database, turns: Turns) {
    this.#database = database;
    this.#turns = turns;
  }

  /** The questions of a room that wait for its consent, each with its recipient, oldest first. */
  async withoutConsent(ghost: string, roomId: string): Promise<(TurnAbout & { readonly target: string })[]> {
    const { rows } = await this.#database.query<TurnRow & { consent_target: string }>(
      `select ${TURN}, consent_target from turns
       where ghost = $1 and room_id = $2 and failure = 'needs_consent' order by id`,
      [ghost, roomId],
    );
    return rows.map((row) => ({ turn: turnOf(row), isOpen: false, target: row.consent_target }));
  }

  /**
   * The ghosts that had asked for consent in a room and still waited when an event came: nobody can consent to a later
   * request. Later decisions do not change the result, so that all agents find the same, however slow they are.
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
   * Ends the questions' waiting for a consent. Where it was given, they are queued again, the oldest first, until the
   * room's limit of open turns. Returns the latest turns of those that found no place.
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
    const free = Math.max(0, decision.maxQueued - (await this.#turns.open({ ghost, roomId }, tx)));
    const waited = [...latest.values()];
    for (const { eventId } of waited.slice(0, free)) await this.#turns.enqueueAgain(tx, ghost, eventId, "again");
    return waited.slice(free);
  }
}
