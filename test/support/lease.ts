import type { Database } from "../../src/database/database.ts";
import { acquireLease, type Lease } from "../../src/leases/leases.ts";

/** A process in the database without a heartbeat: its ghosts can be taken over. */
export async function addProcess(database: Database): Promise<number> {
  const { rows } = await database.query<{ number: number }>(
    "insert into processes (expires_at) values (clock_timestamp()) returning number",
  );
  const number = rows[0]?.number;
  if (number === undefined) throw new Error("the process was given no number");
  return number;
}

/** Takes a ghost over for a process of its own. */
export async function takeLease(database: Database, ghost: string): Promise<Lease> {
  return acquireLease(database, ghost, await addProcess(database));
}
