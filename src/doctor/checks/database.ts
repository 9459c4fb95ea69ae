import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { bad, good, unknown, type Check, type Finding } from "../check.ts";
import type { DatabaseSight } from "../patient.ts";
import type { Records } from "../records.ts";
import { inWords } from "./machine.ts";

const OLDEST_POSTGRES = 140_000;

/** How long events may be ready to be handled, in seconds: a turn in front of them takes minutes, never this long. */
const MOST_LAG_SECONDS = 15 * 60;

const MIGRATIONS = fileURLToPath(new URL("../../../migrations/", import.meta.url));

const NONE_YET = unknown("there is none yet; the first start makes it");

/** Reachable, new enough, in an encoding that holds what people write; and how large it is. */
export const database: Check = {
  name: "database",
  run: ({ database: sight }) => Promise.resolve([judgeDatabase(sight)]),
};

export function judgeDatabase(sight: DatabaseSight): Finding {
  switch (sight.kind) {
    case "none":
      return NONE_YET;
    case "unreadable":
      return bad(
        `it can't be used: ${sight.reason}`,
        "start it, or correct database.url; the embedded one is open in one process at a time",
      );
    case "read": {
      const { kind, versionNumber, encoding, bytes, tables } = sight.records;
      const version = `${Math.floor(versionNumber / 10_000)}.${versionNumber % 10_000}`;
      if (versionNumber < OLDEST_POSTGRES) return bad(`PostgreSQL ${version} is too old`, "update it to 14 or later");
      if (encoding !== "UTF8") {
        return bad(
          `its encoding is ${encoding}`,
          "make a database with encoding UTF8: create database … encoding 'UTF8' template template0",
        );
      }
      const largest = tables.map((table) => `${table.name} ${inWords(table.bytes)}`).join(", ");
      const name = kind === "embedded" ? "embedded" : `PostgreSQL ${version}`;
      return good(`${name}, ${encoding}, ${inWords(bytes)}${largest === "" ? "" : `; the largest tables: ${largest}`}`);
    }
  }
}

export const migrations: Check = {
  name: "migrations",
  async run({ database: sight }) {
    if (sight.kind !== "read") return [sight.kind === "none" ? NONE_YET : unknown("the database can't be read")];
    const known = (await readdir(MIGRATIONS)).filter((name) => name.endsWith(".sql")).sort();
    return [judgeMigrations(sight.records.migrations, known, sight.records.compatible)];
  },
};

export function judgeMigrations(
  applied: readonly string[],
  known: readonly string[],
  compatible: readonly string[] = [],
): Finding {
  const newer = applied.filter((name) => !known.includes(name) && !compatible.includes(name));
  if (newer.length > 0) {
    return bad(
      `it was used by a newer version (${newer.join(", ")})`,
      "run that version of matrix-agents, or a later one",
    );
  }
  const missing = known.filter((name) => !applied.includes(name));
  if (missing.length > 0) return unknown(`${missing.length} to be applied by the next start`);
  return good(`all ${known.length} applied`);
}

/** Mail that waits, and mail that nobody could handle. */
export const mailbox: Check = {
  name: "mailbox",
  run: ({ database: sight, bridge }) => {
    const state = sight.kind === "read" ? sight.records.state : undefined;
    if (state === undefined) return Promise.resolve([unknown("nothing can be told of it without the database")]);
    return Promise.resolve(judgeMailbox(state, bridge.kind === "running"));
  },
};

export function judgeMailbox(
  {
    mailbox: { ready, awaitingKey, setAside, malformed },
    oldestReadySeconds,
    setAsideToDevice,
  }: Pick<NonNullable<Records["state"]>, "mailbox" | "oldestReadySeconds" | "setAsideToDevice">,
  isRunning: boolean,
): Finding[] {
  const findings: Finding[] = [];
  if (oldestReadySeconds !== null && oldestReadySeconds > MOST_LAG_SECONDS) {
    const minutes = Math.round(oldestReadySeconds / 60);
    findings.push(
      bad(
        `${ready} events wait to be handled, the oldest for ${minutes} minutes`,
        isRunning ? "look into the bridge's log for what its agents fail at" : "start the bridge: matrix-agents start",
      ),
    );
  }
  if (setAside > 0) {
    findings.push(
      bad(
        `${setAside} events were set aside after three attempts`,
        "matrix-agents mailbox lists them; then mailbox retry, or mailbox drop",
      ),
    );
  }
  if (setAsideToDevice > 0) {
    findings.push(
      bad(
        `${setAsideToDevice} to-device messages ended the process again and again, and were set aside`,
        "report it with the log's lines of that time; matrix-agents keys new-device AGENT gives the agent what else came",
      ),
    );
  }
  if (findings.length > 0) return findings;
  return [
    good(
      `${ready} to be handled, ${awaitingKey} waiting for a key, none set aside, ${malformed} parts of transactions that were no events`,
    ),
  ];
}
