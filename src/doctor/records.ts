import { pausedAgents, type Pause } from "../agents/pauses.ts";
import type { Database } from "../database/database.ts";
import { appliedMigrations } from "../database/migrate.ts";
import { serverFacts } from "../database/server-facts.ts";
import { countSetAside } from "../ghost/device/to-device-attempts.ts";
import { publicKeys, type GhostKeys } from "../ghost/public-keys.ts";
import { countLiveProcesses } from "../leases/live-processes.ts";
import { HeldMail, type MailboxSummary } from "../mailbox/held-mail.ts";
import { countRoomsMarkedByMessage } from "../rooms/encrypted-by-message.ts";
import { masterKeyCheck } from "../sealing/master-key.ts";
import { countSignIns } from "../tools/sign-in/tool-sign-ins.ts";
import { unsealedRows } from "../sealing/seal-existing.ts";

/** The facts that a doctor needs from the database, without message text or secrets. */
export interface Records {
  readonly kind: Database["kind"];
  /** In PostgreSQL's form: 140005 is 14.5. */
  readonly versionNumber: number;
  readonly encoding: string;
  readonly bytes: number;
  /** The largest first. */
  readonly tables: readonly { readonly name: string; readonly bytes: number }[];
  readonly migrations: readonly string[];
  /** Those migrations among them that an earlier version can work with. */
  readonly compatible: readonly string[];
  /** Absent where the schema does not exist yet, or belongs to another version. */
  readonly state?: {
    readonly ghosts: readonly GhostKeys[];
    /** Agents that somebody has paused. */
    readonly paused: readonly Pause[];
    readonly mailbox: MailboxSummary;
    /** The waiting time of the oldest ready event, in seconds; null when there is none. */
    readonly oldestReadySeconds: number | null;
    /** To-device messages that ended the process again and again. */
    readonly setAsideToDevice: number;
    /** Rows with unsealed words. */
    readonly unsealedRows: number;
    /** Rooms that count as encrypted only because of a message: their state was read and does not say so. */
    readonly roomsMarkedByMessage: number;
    /** The number of people who have signed in to each tool server. */
    readonly signIns: ReadonlyMap<string, number>;
    /** The number of live processes on this database. */
    readonly processes: number;
    /** Identifies the master key without revealing it; null before there is one. */
    readonly masterKeyCheck: string | null;
  };
}

/** The number of tables that are named. */
const LARGEST = 3;

/** Reads the facts. Changes nothing. Throws DatabaseError. */
export async function readRecords(database: Database): Promise<Records> {
  const { versionNumber, encoding, bytes, isMigrated, tables } = await serverFacts(database, LARGEST);
  const migrations = isMigrated ? await appliedMigrations(database) : [];
  const state = isMigrated ? await readState(database).catch(() => undefined) : undefined;
  return {
    kind: database.kind,
    versionNumber,
    encoding,
    bytes,
    tables,
    migrations: migrations.map(({ name }) => name),
    compatible: migrations.filter(({ isBreaking }) => !isBreaking).map(({ name }) => name),
    ...(state === undefined ? {} : { state }),
  };
}

async function readState(database: Database): Promise<NonNullable<Records["state"]>> {
  const held = new HeldMail(database);
  return {
    ghosts: await publicKeys(database),
    paused: await pausedAgents(database),
    mailbox: await held.summary(),
    oldestReadySeconds: await held.oldestReadySeconds(),
    setAsideToDevice: await countSetAside(database),
    unsealedRows: (await unsealedRows(database)).reduce((sum, { rows }) => sum + rows, 0),
    roomsMarkedByMessage: await countRoomsMarkedByMessage(database),
    signIns: await countSignIns(database),
    processes: await countLiveProcesses(database),
    masterKeyCheck: (await masterKeyCheck(database)) ?? null,
  };
}
