import type { Emoji } from "../crypto/verifications.ts";
import { loadConfig } from "../config/load.ts";
import type { Database } from "../database/database.ts";
import { locationOf, openDatabase } from "../database/open.ts";
import { ringProcesses } from "../leases/processes.ts";
import { createLogger } from "../observability/log.ts";
import { noteCommand } from "./operator.ts";
import { explainStartFailure } from "./start-failure.ts";
import { drawQrCode } from "./qr-code.ts";
import { UsageError } from "./usage-error.ts";

/** What is to be done with the verifications that wait for an operator. */
type Action = { readonly kind: "list" } | { readonly kind: "match" | "mismatch"; readonly id: number };

/**
 * Shows the emoji, or the code to scan, of verifications that people have asked agents for, and takes the operator's word
 * on whether all is well on the other side. Returns 0, or 1 when the one that was named waits no more. Throws UsageError, ConfigError, and
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
      `verify shows what waits; verify confirm ID when the emoji are the same (or the code that was scanned is accepted), verify reject ID when not`,
    );
  }
  if (id === undefined || more.length > 0 || !/^[1-9]\d{0,15}$/.test(id)) {
    throw new UsageError(`say which: matrix-agents verify ${verb} ID, as verify shows it`);
  }
  return { kind: verb === "confirm" ? "match" : "mismatch", id: Number(id) };
}

async function list(database: Database): Promise<number> {
  const { rows } = await database.query<Waiting>(
    `select id, ghost, user_id, emoji, code from verifications
     where (state = 'comparing' and decision is null) or (state = 'requested' and code is not null) order by id`,
  );
  if (rows.length === 0) process.stdout.write("no verification waits for you\n");
  for (const row of rows) {
    process.stdout.write(`${row.id}: ${printable(row.user_id)} verifies ${row.ghost}\n${describe(row)}\n`);
  }
  return 0;
}

interface Waiting {
  id: number;
  ghost: string;
  user_id: string;
  emoji: string | null;
  code: string | null;
}

function describe({ emoji, code }: Waiting): string {
  if (emoji !== null) {
    const pictures = (JSON.parse(emoji) as Emoji[]).map(({ symbol, description }) => `${symbol}  ${description}`);
    return `   ${pictures.join("   ")}`;
  }
  if (code === null) {
    return "   Somebody's app has scanned the code. Ask whether it was theirs, and whether it shows a tick: then confirm.";
  }
  const picture = drawQrCode(Buffer.from(code, "base64"));
  return `   They can scan this code from your screen, or compare emoji, which are shown here then.\n${picture}`;
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
  await noteCommand(database, decision === "match" ? "verify confirm" : "verify reject", `${row.ghost} ${row.user_id}`);
  await ringProcesses(database, { mail: [], doorbells: [row.ghost] });
  const said = decision === "match" ? "confirmed" : "rejected";
  process.stdout.write(`${said}: ${printable(row.user_id)} and ${row.ghost}\n`);
  return 0;
}

/** User ids come from other servers; a terminal must not be told what to do by them. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, "\ufffd");
}
