import { parseDetails, type AuditRow } from "../../audit/audit-entry.ts";
import { AuditLog, type Verdict } from "../../audit/audit-log.ts";
import type { Break, ChainHead } from "../../audit/chain.ts";
import { atDatabase } from "../at-database.ts";
import { defineCommand } from "../command.ts";
import { printable } from "../printable.ts";
import { UsageError } from "../usage-error.ts";
import { counted } from "../../language/counted.ts";

/**
 * Prints the audit log, the oldest entry first, or checks that it is unchanged. Returns 0, or 1 when an entry was
 * changed or is missing. Throws UsageError, ConfigError, and the error of opening the database.
 */
export const command = defineCommand({
  summary: "print the audit log: joins, refusals, changed settings, exported keys and more",
  options: {
    since: { type: "string", value: "WHEN", meaning: "only entries since a date (2026-05-31) or an age (12h, 7d)" },
    verify: { type: "boolean", meaning: "check whether a row was changed or is missing, and show the head of the log" },
    head: {
      type: "string",
      value: "HEAD",
      meaning: "with --verify: a head that was shown earlier, and kept elsewhere",
    },
    json: { type: "boolean", meaning: "print one JSON object per line" },
  },
  examples: ["matrix-agents audit --since 7d", "matrix-agents audit --verify --json"],
  run({ config, since, verify, head, json }) {
    if (head !== undefined && !verify) throw new UsageError("--head is for audit --verify only");
    if (since !== undefined && verify)
      throw new UsageError("--since is not for audit --verify, which checks every row");
    const from = since === undefined ? undefined : momentOf(since, new Date());
    const kept = head === undefined ? undefined : parseHead(head);
    return atDatabase(config, async ({ database }) => {
      const log = new AuditLog(database);
      if (verify) {
        const verdict = await log.verify(kept);
        process.stdout.write(`${json ? JSON.stringify(verdictAsJson(verdict)) : describe(verdict)}\n`);
        return verdict.broken === undefined ? 0 : 1;
      }
      for await (const row of log.since(from)) process.stdout.write(`${json ? asJson(row) : lineOf(row)}\n`);
      return 0;
    });
  },
});

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** A typed time: a date, with or without a time (UTC where it names no zone), or an age. Throws UsageError. */
export function momentOf(typed: string, now: Date): Date {
  const [, number, unit] = /^(\d{1,6})([mhdw])$/.exec(typed) ?? [];
  if (number !== undefined) return new Date(now.getTime() - Number(number) * UNITS[unit as keyof typeof UNITS]);
  const isDate = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?)?$/.exec(typed);
  if (isDate !== null) {
    const [, time, , zone] = isDate;
    const moment = new Date(
      time !== undefined && zone === undefined ? `${typed.replace(" ", "T")}Z` : typed.replace(" ", "T"),
    );
    // JavaScript takes the 31st of February for the third of March.
    const midnight = new Date(`${typed.slice(0, 10)}T00:00Z`);
    const isDay = midnight.getUTCDate() === Number(typed.slice(8, 10));
    if (!Number.isNaN(moment.getTime()) && isDay) return moment;
  }
  throw new UsageError(
    `--since needs a date such as 2026-05-31 or 2026-05-31T14:00Z, or an age such as 90m, 12h, 7d or 4w`,
  );
}

function parseHead(typed: string): ChainHead {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(typed) ?? [];
  if (seq === undefined || hash === undefined) throw new UsageError("--head needs a head as audit --verify shows it");
  return { seq: Number(seq), hash };
}

function shownHead({ seq, hash }: ChainHead): string {
  return seq === 0 ? "none" : `${seq}:${hash}`;
}

function describe({ rows, head, broken }: Verdict): string {
  if (broken !== undefined) {
    return `the audit log is not as it was written: ${whatIsBroken(broken)}\nNothing from that row on is proved.`;
  }
  return `${counted(rows, "row", "rows")}: each is as it was written, and none is missing between them\nhead: ${shownHead(head)}\nKeep the head where nobody who can write to the database can change it; --verify --head HEAD then also tells whether\nsomebody removed rows from the end, or wrote the whole log again.`;
}

function whatIsBroken({ seq, how }: Break): string {
  switch (how) {
    case "changed":
      return `row ${seq} was changed`;
    case "missing":
      return `row ${seq} is missing`;
    case "replaced":
      return `row ${seq} was replaced by another one`;
    case "added":
      return `row ${seq} was never appended`;
  }
}

function verdictAsJson({ rows, head, broken }: Verdict): object {
  return { whole: broken === undefined, rows, head: shownHead(head), broken };
}

function asJson({ seq, at, kind, details, hash }: AuditRow): string {
  return JSON.stringify({ seq, at: at.toISOString(), kind, ...parseDetails(details), hash });
}

/** `12  2026-05-31T14:00:00Z  agent.joined  ghost=@agent_llama:hs room=!abc:hs`. */
function lineOf({ seq, at, kind, details }: AuditRow): string {
  const pairs = Object.entries(parseDetails(details)).map(([name, value]) => `${name}=${shown(value)}`);
  return printable(`${seq}  ${at.toISOString().slice(0, 19)}Z  ${kind}  ${pairs.join(" ")}`);
}

function shown(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return /[\s"]/.test(text) ? JSON.stringify(text) : text;
}
