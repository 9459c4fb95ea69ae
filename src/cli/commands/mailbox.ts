import type { Database } from "../../database/database.ts";
import { malformedInWords } from "../../mailbox/malformed.ts";
import { dropHeld, HeldMail, retryHeld, type HeldItem, type HeldSelection } from "../../mailbox/held-mail.ts";
import { atDatabase } from "../at-database.ts";
import { defineCommand } from "../command.ts";
import { operator } from "../operator.ts";
import { printable } from "../printable.ts";
import { UsageError } from "../usage-error.ts";
import { counted } from "../../language/counted.ts";

/** The action on mail that needs an operator. */
type Action = { readonly kind: "list" } | { readonly kind: "retry" | "drop"; readonly selection: HeldSelection };

/**
 * Returns 0, or 1 when a named id does not exist. Throws UsageError, ConfigError, and the error of opening the
 * database.
 */
export const command = defineCommand({
  summary: "list the events that agents could not handle, retry them, or drop them",
  arguments: {
    "[list]": "list them, with their ids",
    "retry ID… | all": "retry these, or all",
    "drop ID… | all": "drop these, or all",
  },
  options: {},
  run({ config }, args) {
    const action = parseAction(args);
    return atDatabase(config, ({ database }) => act(action, database));
  },
});

async function act(action: Action, database: Database): Promise<number> {
  switch (action.kind) {
    case "list":
      process.stdout.write(await describe(new HeldMail(database)));
      return 0;
    case "retry":
      return report("to be tried again", action.selection, await retryHeld(database, action.selection, operator()));
    case "drop":
      return report("dropped", action.selection, await dropHeld(database, action.selection, operator()));
  }
}

function parseAction(args: readonly string[]): Action {
  const [verb = "list", ...ids] = args;
  switch (verb) {
    case "list":
      if (ids.length > 0) throw new UsageError("mailbox list takes no ids");
      return { kind: "list" };
    case "retry":
    case "drop": {
      if (ids.length === 1 && ids[0] === "all") return { kind: verb, selection: "all" };
      if (ids.length === 0 || !ids.every((id) => /^[1-9]\d{0,15}$/.test(id))) {
        throw new UsageError(`name events: matrix-agents mailbox ${verb} ID… (as mailbox list shows them), or: all`);
      }
      return { kind: verb, selection: ids.map(Number) };
    }
    default:
      throw new UsageError(`mailbox can list, retry and drop, not "${verb}"`);
  }
}

async function describe(held: HeldMail): Promise<string> {
  const { ready, awaitingKey, setAside, malformed } = await held.summary();
  const items = await held.list();
  const counts = `${ready} to be handled, ${awaitingKey} waiting for a key, ${setAside} set aside, ${malformedInWords(malformed)}\n`;
  if (items.length === 0) return counts;
  const rows = [["ID", "RECEIVED", "AGENT", "ROOM", "EVENT", "STATE"], ...items.map(cellsOf)];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return `${counts}\n${lines.join("\n")}\n`;
}

function cellsOf(item: HeldItem): string[] {
  const state = item.state === "set_aside" ? "set aside" : "waits for its key";
  const why = item.reason === undefined ? state : `${state}: ${item.reason}`;
  return [String(item.id), item.receivedAt.toISOString().slice(0, 19), item.ghost, item.roomId, item.eventId, why].map(
    printable,
  );
}

function report(what: string, selection: HeldSelection, done: readonly number[]): number {
  process.stdout.write(`${counted(done.length, "event", "events")} ${what}\n`);
  const missing = selection === "all" ? [] : selection.filter((id) => !done.includes(id));
  if (missing.length === 0) return 0;
  process.stderr.write(`matrix-agents: no event that waits or was set aside has these ids: ${missing.join(", ")}\n`);
  return 1;
}
