import type { Emoji } from "../crypto/verifications.ts";
import { loadConfig } from "../config/load.ts";
import type { Database } from "../database/database.ts";
import { locationOf, openDatabase } from "../database/open.ts";
import { ringProcesses } from "../leases/processes.ts";
import { createLogger } from "../observability/log.ts";
import { explainStartFailure } from "./start-failure.ts";
import { UsageError } from "./usage-error.ts";

/** What is to be done with the verifications that wait for an operator. */
type Action = { readonly kind: "list" } | { readonly kind: "match" | "mismatch"; readonly id: number };

/**
 * Shows the emoji of verifications that people have asked agents for, and takes the operator's word on whether they are
 * the same on both sides. Returns 0, or 1 when the one that was named waits no more. Throws UsageError, ConfigError, and
 * what keeps the database from being opened.
 */
export async function verify(options: { readonly config: string; readonly args: readonly string[] }): Promise<number> {
  const action = parseAction(options.args);
  const config = await loadConfig(options.config);
  if (config.encryption.verification !== "operator") {
    throw new UsageError(
      `encryption.verification is ${config.encryption.verification}: nothing waits for an operator; "operator" needs a PostgreSQL database`,
    );
  }
  const database = await openDatabase(locationOf(config), createLogger("warn", "auto")).catch((error: unknown) => {
    throw explainStartFailure(error, config);
  });
  try {
    return action.kind === "list" ? await list(database) : await decide(database, action.id, action.kind);
  } finally {
    await database.close();
  }
}

function parseAction([verb = "list", id, ...more]: readonly string[]): Action {
  if (verb === "list" && id === undefined) return { kind: "list" };
  if (verb !== "confirm" && verb !== "reject") {
    throw new UsageError(
      `verify shows what waits; verify confirm ID when the emoji are the same, verify reject ID when not`,
    );
  }
  if (id === undefined || more.length > 0 || !/^[1-9]\d{0,15}$/.test(id)) {
    throw new UsageError(`say which: matrix-agents verify ${verb} ID, as verify shows it`);
  }
  return { kind: verb === "confirm" ? "match" : "mismatch", id: Number(id) };
}

async function list(database: Database): Promise<number> {
  const { rows } = await database.query<{ id: number; ghost: string; user_id: string; emoji: string }>(
    "select id, ghost, user_id, emoji from verifications where state = 'comparing' and decision is null order by id",
  );
  if (rows.length === 0) process.stdout.write("no verification waits for you\n");
  for (const { id, ghost, user_id: userId, emoji } of rows) {
    const pictures = (JSON.parse(emoji) as Emoji[]).map(({ symbol, description }) => `${symbol}  ${description}`);
    process.stdout.write(`${id}: ${printable(userId)} verifies ${ghost}\n   ${pictures.join("   ")}\n`);
  }
  return 0;
}

async function decide(database: Database, id: number, decision: "match" | "mismatch"): Promise<number> {
  const { rows } = await database.query<{ ghost: string; user_id: string }>(
    `update verifications set decision = $2 where id = $1 and state = 'comparing' and decision is null
     returning ghost, user_id`,
    [id, decision],
  );
  const [row] = rows;
  if (row === undefined) {
    process.stderr.write(`matrix-agents: verification ${id} does not wait for you; it may have timed out\n`);
    return 1;
  }
  await ringProcesses(database, { mail: [], doorbells: [row.ghost] });
  const said = decision === "match" ? "confirmed" : "rejected";
  process.stdout.write(`${said}: ${printable(row.user_id)} and ${row.ghost}\n`);
  return 0;
}

/** User ids come from other servers; a terminal must not be told what to do by them. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, "\ufffd");
}
