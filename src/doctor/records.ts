import type { Database } from "../database/database.ts";
import { HeldMail, type MailboxSummary } from "../mailbox/held-mail.ts";
import { CHECK } from "../sealing/master-key.ts";
import { unsealedRows } from "../sealing/seal-existing.ts";

/** What the database holds of a ghost's keys. All of it is public. */
export interface GhostKeys {
  readonly userId: string;
  readonly deviceId: string;
  readonly deviceMade: boolean;
  /** The device's Ed25519 key; undefined before it was made. */
  readonly fingerprint: string | undefined;
  /** The identity's master signing key. */
  readonly masterKey: string | undefined;
  /** Whether its secrets and room keys are kept on the homeserver. */
  readonly secured: boolean;
}

/** What a doctor wants to know of the database; no words of people and no secrets. It crosses a process boundary as JSON. */
export interface Records {
  readonly kind: Database["kind"];
  /** As PostgreSQL counts: 140005 is 14.5. */
  readonly versionNumber: number;
  readonly encoding: string;
  readonly bytes: number;
  /** The largest first. */
  readonly tables: readonly { readonly name: string; readonly bytes: number }[];
  readonly migrations: readonly string[];
  /** Those among them that versions from before can live with. */
  readonly compatible: readonly string[];
  /** Absent where the schema is not there yet, or is another version's. */
  readonly state?: {
    readonly ghosts: readonly GhostKeys[];
    readonly mailbox: MailboxSummary;
    /** How long the oldest event has been ready to be handled, in seconds; null when none is. */
    readonly oldestReadySeconds: number | null;
    /** To-device messages that ended the process again and again. */
    readonly setAsideToDevice: number;
    /** Rows with words that nobody has sealed. */
    readonly unsealedRows: number;
    /** Rooms that count as encrypted for a message alone, though their state was read and does not say so. */
    readonly roomsMarkedByMessage: number;
    /** How many processes live on this database. */
    readonly processes: number;
    /** Tells the master key without giving it away; null before there was one. */
    readonly masterKeyCheck: string | null;
  };
}

/** How many tables are named. */
const LARGEST = 3;

/** Reads what there is, and changes nothing. Throws DatabaseError. */
export async function readRecords(database: Database): Promise<Records> {
  const { rows } = await database.query<{ version: string; encoding: string; bytes: number; migrated: boolean }>(
    `select current_setting('server_version_num') as version, current_setting('server_encoding') as encoding,
       pg_database_size(current_database()) as bytes, to_regclass('migrations') is not null as migrated`,
  );
  const [server] = rows;
  if (server === undefined) throw new Error("the database tells nothing of itself");
  const tables = await database.query<{ name: string; bytes: number }>(
    `select relname::text as name, pg_total_relation_size(oid) as bytes from pg_class
     where relkind = 'r' and relnamespace = current_schema()::regnamespace order by bytes desc, relname limit ${LARGEST}`,
  );
  const migrations = server.migrated
    ? (
        await database.query<{ name: string; breaking: boolean }>(
          `select name, coalesce((to_json(migrations) ->> 'breaking')::boolean, true) as breaking
           from migrations order by number`,
        )
      ).rows
    : [];
  const state = server.migrated ? await readState(database).catch(() => undefined) : undefined;
  return {
    kind: database.kind,
    versionNumber: Number(server.version),
    encoding: server.encoding,
    bytes: server.bytes,
    tables: tables.rows,
    migrations: migrations.map(({ name }) => name),
    compatible: migrations.filter(({ breaking }) => !breaking).map(({ name }) => name),
    ...(state === undefined ? {} : { state }),
  };
}

async function readState(database: Database): Promise<NonNullable<Records["state"]>> {
  const { rows: ghosts } = await database.query<{
    user_id: string;
    device_id: string;
    device_made: boolean;
    fingerprint: string | null;
    master_key: string | null;
    secured: boolean;
  }>("select user_id, device_id, device_made, fingerprint, master_key, secured from ghosts order by user_id");
  const { rows: numbers } = await database.query<{
    oldest: number | null;
    aside: number;
    processes: number;
    marked: number;
    master: string | null;
  }>(
    `select (select extract(epoch from clock_timestamp() - min(received_at)) from mailbox join events using (event_id)
         where state = 'ready')::float8 as oldest,
       (select count(*) from to_device_trials where set_aside)::integer as aside,
       (select count(*) from rooms where marked_by_message and read_at_change >= greatest(changes, 1))::integer as marked,
       (select count(*) from processes where process_lives(number))::integer as processes,
       (select value from settings where name = $1) as master`,
    [CHECK],
  );
  const { oldest = null, aside = 0, processes = 0, marked = 0, master = null } = numbers[0] ?? {};
  return {
    ghosts: ghosts.map((row) => ({
      userId: row.user_id,
      deviceId: row.device_id,
      deviceMade: row.device_made,
      fingerprint: row.fingerprint ?? undefined,
      masterKey: row.master_key ?? undefined,
      secured: row.secured,
    })),
    mailbox: await new HeldMail(database).summary(),
    oldestReadySeconds: oldest,
    setAsideToDevice: aside,
    unsealedRows: (await unsealedRows(database)).reduce((sum, { rows }) => sum + rows, 0),
    roomsMarkedByMessage: marked,
    processes,
    masterKeyCheck: master,
  };
}
