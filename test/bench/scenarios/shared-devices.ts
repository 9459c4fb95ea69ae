import { setTimeout as sleep } from "node:timers/promises";
import { cpuOf, processes } from "../measuring/processes.ts";
import { SilentRooms } from "../silent-rooms.ts";

/** An agent's greeting in a room that it has just entered: it shares a new key with this many devices. */
export interface SharedDevices {
  readonly devices: number;
  /** From the invitation to the greeting, without the time of making the devices' keys. */
  readonly greetedMs: number;
  /** The processor time of the bridge and its PostgreSQL for it, in ms. */
  readonly cpuMs: number;
  /** The calls of the bridge to Synapse for it, and the size of their bodies. */
  readonly calls: number;
  readonly kilobytes: number;
}

/** The silent members of each room, who share the devices evenly. */
const MEMBERS = 50;

const TIDY_MS = 1_500;

/** Measures rooms with these numbers of devices, multiples of 50. Each room has other people. */
export async function sharedDevices(sizes: readonly number[]): Promise<SharedDevices[]> {
  const rooms = await SilentRooms.start();
  const { stage, wire } = rooms;
  const cpuMs = async (): Promise<number> => {
    await sleep(TIDY_MS);
    return cpuOf(await processes(), [stage.deployment.bridge.pid, stage.postgres.pid()]);
  };
  try {
    const measured: SharedDevices[] = [];
    for (const [index, devices] of sizes.entries()) {
      const before = { cpu: await cpuMs(), ...wire };
      const { greetedMs } = await rooms.make(MEMBERS, devices / MEMBERS, index * MEMBERS);
      measured.push({
        devices,
        greetedMs,
        cpuMs: (await cpuMs()) - before.cpu,
        calls: wire.calls - before.calls,
        kilobytes: (wire.bytes - before.bytes) / 1_000,
      });
    }
    return measured;
  } finally {
    await rooms.stop();
  }
}
