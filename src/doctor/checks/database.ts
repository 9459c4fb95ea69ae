import { knownMigrations } from "../../database/migrate.ts";
import { malformedInWords } from "../../mailbox/malformed.ts";
import { bad, good, unknown, type Check, type Finding } from "../check.ts";
import type { DatabaseSight } from "../patient.ts";
import type { Records } from "../records.ts";
import { inWords } from "./machine.ts";
import { counted } from "../../language/counted.ts";

const OLDEST_POSTGRES = 140_000;

/**
 * The longest time that an event may be ready without being handled, in seconds. A turn before it takes minutes, never
 * this long.
 */
const MOST_LAG_SECONDS = 15 * 60;

const NONE_YET = unknown("there is no database yet; the first start makes it");

/** The database is reachable, new enough, and in an encoding for all text; and its size. */
export const database: Check = {
  name: "database",
  run: ({ database: sight }) => Promise.resolve([judgeDatabase(sight)]),
};

export function judgeDatabase(sight: DatabaseSight): Finding {
  switch (sight.kind) {
    case "none":
      return NONE_YET;
    case "unread":
      return unknown(sight.reason);
    case "unreadable":
      return bad(`the database can't be used: ${sight.reason}`, sight.mend);
    case "read": {
      const { kind, versionNumber, encoding, bytes, tables } = sight.records;
      const version = `${Math.floor(versionNumber / 10_000)}.${versionNumber % 10_000}`;
      if (versionNumber < OLDEST_POSTGRES) return bad(`PostgreSQL ${version} is too old`, "update it to 14 or later");
      if (encoding !== "UTF8") {
        return bad(
          `the database's encoding is ${encoding}`,
          "make a database with encoding UTF8: create database … encoding 'UTF8' template template0",
        );
      }
      const largest = tables.map((table) => `${table.name} ${inWords(table.bytes)}`).join(", ");
      const name = kind === "postgres" ? `PostgreSQL ${version}` : "embedded";
      return good(`${name}, ${encoding}, ${inWords(bytes)}${largest === "" ? "" : `; the largest tables: ${largest}`}`);
    }
  }
}

export const migrations: Check = {
  name: "migrations",
  async run({ database: sight }) {
    if (sight.kind !== "read") return [sight.kind === "none" ? NONE_YET : unknown("the database can't be read")];
    const known = (await knownMigrations()).map(({ name }) => name);
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
      `a newer version (${newer.join(", ")}) has used the database`,
      "run that version of matrix-agents, or a later one",
    );
  }
  const missing = known.filter((name) => !applied.includes(name));
  if (missing.length > 0) return unknown(`the next start applies ${missing.length}`);
  return good(`all ${known.length} are applied`);
}

/** Waiting mail, and mail that nobody could handle. */
export const mailbox: Check = {
  name: "mailbox",
  run: ({ database: sight, bridge }) => {
    const state = sight.kind === "read" ? sight.records.state : undefined;
    if (state === undefined) return Promise.resolve([unknown("the database can't be read")]);
    return Promise.resolve(judgeMailbox(state, bridge.kind === "running"));
  },
};

export function judgeMailbox(
  {
    mailbox: { ready, awaitingKey, setAside, refused, malformed },
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
        `${counted(ready, "event waits", "events wait")} to be handled, the oldest for ${counted(minutes, "minute", "minutes")}`,
        isRunning ? "check the bridge's log for the failures of its agents" : "start the bridge: matrix-agents start",
      ),
    );
  }
  const failed = setAside - refused;
  if (failed > 0) {
    findings.push(
      bad(
        `${counted(failed, "event was", "events were")} set aside: ${failed === 1 ? "it" : "they"} could not be handled`,
        "list them with matrix-agents mailbox; then run mailbox retry or mailbox drop",
      ),
    );
  }
  if (setAsideToDevice > 0) {
    findings.push(
      bad(
        `${counted(setAsideToDevice, "to-device message", "to-device messages")} ended the process again and again, and ${setAsideToDevice === 1 ? "was" : "were"} set aside`,
        "report it with the log lines of that time; matrix-agents keys new-device AGENT gives the agent a new device with the keys of its backup",
      ),
    );
  }
  if (findings.length > 0) return findings;
  return [
    good(
      `${ready} to be handled, ${awaitingKey} waiting for a key, ${refused === 0 ? "none set aside" : `${refused} set aside as not trusted, not readable or repeated (matrix-agents mailbox lists them)`}, ${malformedInWords(malformed)}`,
    ),
  ];
}

/** Rooms in which agents refuse unencrypted messages, because somebody once sent an encrypted one. */
export const rooms: Check = {
  name: "rooms",
  run: ({ database: sight }) => {
    const state = sight.kind === "read" ? sight.records.state : undefined;
    return Promise.resolve([state === undefined ? unknown("the database can't be read") : judgeRooms(state)]);
  },
};

export function judgeRooms({
  roomsMarkedByMessage: marked,
}: Pick<NonNullable<Records["state"]>, "roomsMarkedByMessage">): Finding {
  if (marked === 0) return good("every room is as encrypted as its state says");
  return bad(
    `${counted(marked, "room counts", "rooms count")} as encrypted because an encrypted message came, though the state does not say so: somebody made that message up, or the homeserver hides that the room is encrypted`,
    "ask its members what their apps show; matrix-agents rooms lists such rooms, and rooms unmark undoes it",
  );
}

/** Words in the database that we did not write. */
export const sealing: Check = {
  name: "sealing",
  run: ({ database: sight }) => {
    const state = sight.kind === "read" ? sight.records.state : undefined;
    return Promise.resolve([state === undefined ? unknown("the database can't be read") : judgeSealing(state)]);
  },
};

function judgeSealing({ unsealedRows: rows }: Pick<NonNullable<Records["state"]>, "unsealedRows">): Finding {
  if (rows === 0) return good("all texts in the database are sealed");
  return bad(
    `${counted(rows, "row holds words that are", "rows hold words that are")} not sealed: somebody has written them into the database, or an old version that sealed no words did`,
    "run matrix-agents keys seal-existing: it tells which of the two happened, and what to do",
  );
}
