import type { Database } from "../database/database.ts";
import { awaitNewDevice } from "../ghost/new-device.ts";

/**
 * Waits for the new device of an agent that was asked for, and prints the outcome. Returns the exit code. Throws DatabaseError.
 */
export async function tellNewDevice(database: Database, userId: string): Promise<number> {
  const outcome = await awaitNewDevice(database, userId);
  switch (outcome.kind) {
    case "made":
      process.stdout.write(`${userId} has the new device ${outcome.deviceId}, fingerprint ${outcome.fingerprint}\n`);
      return 0;
    case "at the next start":
      process.stdout.write(`${userId} gets a new device, signed by the same identity, when the bridge is started\n`);
      return 0;
    case "late":
      process.stderr.write(
        `matrix-agents: the bridge has not made the new device of ${userId} yet; its log says why\n`,
      );
      return 1;
  }
}
