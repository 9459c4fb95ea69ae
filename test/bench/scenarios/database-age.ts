import { ask } from "../asking.ts";
import { chatOf, onMeasuredStage } from "../measured-stage.ts";
import { answerCosts, type AnswerCosts } from "../measuring/answer-costs.ts";
import type { Statements } from "../measuring/statements.ts";

/** An encrypted answer in a database that holds the rows of this many former ones. */
export interface AnswerInOldDatabase extends AnswerCosts {
  readonly formerAnswers: number;
}

/** The questions of one measurement. */
const QUESTIONS = 20;

/** The rooms among which the copied rows are shared. */
const ROOMS = 200;

/**
 * The tables that keep rows after an answer, with the columns that tell a copy from its original. The copies belong to the
 * same agent, in other rooms, and came before everything else.
 */
const KEPT = {
  messages: { apart: ["event_id"], byRoom: ["room_id"] },
  turns: { apart: ["event_id"], byRoom: ["room_id"] },
  events: { apart: ["event_id"], byRoom: ["room_id"] },
  sends: { apart: ["txn_id", "event_id"], byRoom: ["room_id"] },
  message_indexes: { apart: ["session_id", "event_id"], byRoom: [] },
  provider_requests: { apart: [], byRoom: ["room_id"] },
} as const;

/** Measures answers in one chat, with the rows of these numbers of former answers, in ascending order. */
export function databaseAge(sizes: readonly number[]): Promise<AnswerInOldDatabase[]> {
  return onMeasuredStage(async (on) => {
    const { statements } = on;
    const chat = await chatOf(on, "person");
    for (let count = 0; count < ORIGINALS; count++) await ask(chat);
    await keepOriginals(statements);
    const found: AnswerInOldDatabase[] = [];
    let former = ORIGINALS;
    for (const size of sizes) {
      await copyRows(statements, former / ORIGINALS, size / ORIGINALS);
      former = size;
      found.push({ formerAnswers: former, ...(await answerCosts(on, () => ask(chat), QUESTIONS)) });
    }
    return found;
  });
}

/** The answers whose rows are copied. */
const ORIGINALS = 10;

async function keepOriginals(statements: Statements): Promise<void> {
  for (const table of Object.keys(KEPT)) await statements.run(`create table original_${table} as table ${table}`);
}

/** Copies the originals so many times; numbers tell the copies apart. */
async function copyRows(statements: Statements, from: number, to: number): Promise<void> {
  for (const [table, { apart, byRoom }] of Object.entries(KEPT)) {
    await statements.run(
      `do $$
       declare names text; vals text;
       begin
         select string_agg(quote_ident(column_name), ', ' order by ordinal_position),
           string_agg(case
             when column_name = any(array[${quoted(apart)}]::text[]) then quote_ident(column_name) || ' || ''-'' || n'
             when column_name = any(array[${quoted(byRoom)}]::text[]) then quote_ident(column_name) || ' || ''-'' || n % ${ROOMS}'
             else quote_ident(column_name) end, ', ' order by ordinal_position)
         into names, vals from information_schema.columns
         where table_schema = 'public' and table_name = '${table}' and is_identity = 'NO';
         execute format('insert into %I (%s) select %s from original_%s, generate_series(%s, %s) n', '${table}', names, vals,
           '${table}', ${from}, ${to - 1});
       end $$`,
    );
    await statements.run(`vacuum analyze ${table}`);
  }
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(", ");
}
