import type { Queryable } from "../database/database.ts";
import { TURN, turnOf, type TurnRow } from "./turn-rows.ts";
import { FORGET_STEPS, type TurnSteps } from "./turn-steps.ts";
import type { StoppedTurns, StoppedWait, WhichTurns } from "./turn.ts";

/**
 * Stops the open turns of a conversation, or that of a question or of its answer's draft. Turns that have not begun,
 * or wait for a person, are cancelled. Running ones are marked, and their ids are returned. Declined ones still send
 * their notice.
 */
export async function stopOpenTurns(
  tx: Queryable,
  steps: Pick<TurnSteps, "words">,
  { ghost, roomId, eventId, asker }: WhichTurns,
): Promise<StoppedTurns> {
  const which =
    "ghost = $1 and room_id = $2 and ($3::text is null or event_id = $3) and ($4::text is null or asker = $4)";
  const values = [ghost, roomId, eventId ?? null, asker ?? null];
  const { rows: ended } = await tx.query<EndedRow>(
    `with ended as (
       update turns set state = 'cancelled', stopped = true, failure = 'stopped', finished_at = now()
       where ${which} and (state = 'queued' or state = 'waiting') returning ${TURN}, draft
     ), forgotten as (${FORGET_STEPS})
     select ended.*, (select array_agg(code) from turn_steps where turn = ended.id and state = 'waiting') as codes,
       said.number, said.answer, said.sealed_by
     from ended left join lateral (
       select number, answer, sealed_by from turn_steps where turn = ended.id and state = 'called'
       order by number desc limit 1
     ) as said on true`,
    values,
  );
  const { rows } = await tx.query<{ id: number }>(
    `update turns set stopped = true where ${which} and state = 'running' returning id`,
    values,
  );
  const waiting = await waited(tx, steps, ended);
  return { running: rows.map((row) => row.id), cancelled: ended.length, waiting };
}

/** The turns that waited for people, with the model's words so far. */
async function waited(
  tx: Queryable,
  steps: Pick<TurnSteps, "words">,
  ended: readonly EndedRow[],
): Promise<readonly StoppedWait[]> {
  const found: StoppedWait[] = [];
  for (const row of ended) {
    const { codes, draft, number, answer } = row;
    if (codes === null) continue;
    const turn = turnOf(row);
    const words =
      number === null || answer === null
        ? ""
        : await steps.words(tx, turn, { number, answer, sealed_by: row.sealed_by });
    found.push({ turn, codes, draft: draft ?? undefined, said: words });
  }
  return found;
}

/** A turn that was ended before its answer, with its last step in which the model called tools. */
interface EndedRow extends TurnRow {
  readonly codes: readonly string[] | null;
  readonly draft: string | null;
  readonly number: number | null;
  readonly answer: string | null;
}
