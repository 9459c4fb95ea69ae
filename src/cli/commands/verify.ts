import type { Database } from "../../database/database.ts";
import {
  decideVerification,
  waitingVerifications,
  type WaitingVerification,
} from "../../ghost/device/operator-verifications.ts";
import { isColoured } from "../../observability/colour.ts";
import { atDatabase } from "../at-database.ts";
import { defineCommand } from "../command.ts";
import { operator } from "../operator.ts";
import { printable } from "../printable.ts";
import { drawQrCode } from "../qr-code.ts";
import { UsageError } from "../usage-error.ts";

/** The action on verifications that wait for an operator. */
type Action = { readonly kind: "list" } | { readonly kind: "match" | "mismatch"; readonly id: number };

/**
 * Records the operator's confirmation of the other side. Returns 0, or 1 when the named verification no longer waits.
 * Throws UsageError, ConfigError, and the error of opening the database.
 */
export const command = defineCommand({
  summary: "show the verifications that wait for you, and confirm or reject them",
  arguments: {
    "[list]": "show the emoji, or the code to scan, of each",
    "confirm ID": "the emoji are the same on the other side, or the code was scanned by the right person",
    "reject ID": "they differ, or somebody else scanned the code",
  },
  options: {},
  run({ config: file }, args) {
    const action = parseAction(args);
    return atDatabase(file, ({ config, database }) => {
      const { verification } = config.encryption;
      if (verification !== "operator") {
        const why = `encryption.verification is ${verification}: nothing waits for you; with operator it does`;
        if (action.kind !== "list") throw new UsageError(why);
        process.stdout.write(`${why}\n`);
        return Promise.resolve(0);
      }
      return action.kind === "list" ? list(database) : decide(database, action.id, action.kind);
    });
  },
});

function parseAction([verb = "list", id, ...more]: readonly string[]): Action {
  if (verb === "list" && id === undefined) return { kind: "list" };
  if (verb !== "confirm" && verb !== "reject") {
    throw new UsageError(
      `verify shows the verifications that wait; verify confirm ID confirms one (the emoji are the same, or the right person scanned the code), verify reject ID rejects it`,
    );
  }
  if (id === undefined || more.length > 0 || !/^[1-9]\d{0,15}$/.test(id)) {
    throw new UsageError(`name one: matrix-agents verify ${verb} ID, as verify shows it`);
  }
  return { kind: verb === "confirm" ? "match" : "mismatch", id: Number(id) };
}

async function list(database: Database): Promise<number> {
  const waiting = await waitingVerifications(database);
  if (waiting.length === 0) process.stdout.write("no verification waits for you\n");
  for (const { id, ghost, userId, shows } of waiting) {
    process.stdout.write(`${id}: ${printable(userId)} verifies ${ghost}\n${describe(shows)}\n`);
  }
  return 0;
}

function describe(shows: WaitingVerification["shows"]): string {
  switch (shows.kind) {
    case "emoji":
      return `   ${shows.emoji.map(({ symbol, description }) => `${symbol}  ${description}`).join("   ")}`;
    case "scanned":
      return "   An app has scanned the code. Ask this person whether it was theirs and shows a tick; if so, confirm.";
    case "code":
      return process.stdout.isTTY
        ? `   They can scan this code from your screen, or compare emoji, which verify then shows.\n${drawQrCode(shows.code, { isColoured: isColoured(process.stdout) })}`
        : "   They can scan a code, which verify shows on a terminal, or compare emoji, which verify then shows.";
  }
}

async function decide(database: Database, id: number, decision: "match" | "mismatch"): Promise<number> {
  const decided = await decideVerification(database, id, decision, operator());
  if (decided === undefined) {
    process.stderr.write(`matrix-agents: verification ${id} does not wait for you; it may have timed out\n`);
    return 1;
  }
  const { ghost, userId } = decided;
  process.stdout.write(`${decision === "match" ? "confirmed" : "rejected"}: ${printable(userId)} and ${ghost}\n`);
  return 0;
}
