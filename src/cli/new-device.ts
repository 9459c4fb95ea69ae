import { setTimeout as pause } from "node:timers/promises";
import type { Database } from "../database/database.ts";
import { askForNewDevice, finishedDevice } from "../ghost/operator-requests.ts";
import { countLiveProcesses } from "../leases/live-processes.ts";

/** The time that a running bridge gets, in ms. */
const NEW_DEVICE_TIMEOUT_MS = 60_000;

/**
 * Asks for a new device of an agent and waits until a running bridge has made it; a stopped bridge makes it at its next
 * start. Returns the exit code. Throws DatabaseError.
 */
export async function renewDevice(database: Database, userId: string): Promise<number> {
  await askForNewDevice(database, userId);
  if ((await countLiveProcesses(database)) === 0) {
    process.stdout.write(`${userId} gets a new device, signed by the same identity, when the bridge is started\n`);
    return 0;
  }
  const deadline = performance.now() + NEW_DEVICE_TIMEOUT_MS;
  while (performance.now() < deadline) {
    const device = await finishedDevice(database, userId);
    if (device !== undefined) {
      process.stdout.write(`${userId} has the new device ${device.deviceId}, fingerprint ${device.fingerprint}\n`);
      return 0;
    }
    await pause(500);
  }
  process.stderr.write(`matrix-agents: the bridge has not made the new device of ${userId} yet; its log says why\n`);
  return 1;
}
