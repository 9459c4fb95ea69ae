import { setTimeout as sleep } from "node:timers/promises";
import { ask, askInParts, type Chat } from "../asking.ts";
import { median } from "../measuring/median.ts";
import { cpuOf, processes } from "../measuring/processes.ts";
import { SilentRooms } from "../silent-rooms.ts";

/** An encrypted answer in a room with this number of members, each with a device. */
export interface RoomOfSize {
  readonly members: number;
  /** From the agent's invitation to its greeting: it shares its key with all devices. Without the time of making their keys. */
  readonly greetedMs: number;
  /** From the first question, after the greeting, to its answer. */
  readonly firstMs: number;
  /** The part of it in which the person's own client shares its key with all devices and sends the question. Older results lack it. */
  readonly firstSendingMs?: number;
  /** A later answer: the median. */
  readonly latencyMs: number;
  /** The processor time of the bridge and its PostgreSQL for a later answer, in ms. */
  readonly cpuMs: number;
  /** The same for Synapse. */
  readonly synapseMs: number;
}

const TIDY_MS = 1_500;

/** Measures rooms of these sizes. */
export async function roomMembers(sizes: readonly number[], questions: number): Promise<RoomOfSize[]> {
  const rooms = await SilentRooms.start();
  try {
    const measured: RoomOfSize[] = [];
    for (const members of sizes) {
      const { chat, greetedMs } = await rooms.make(members - 2, 1);
      measured.push({ members, greetedMs, ...(await measure(rooms, chat, questions)) });
    }
    return measured;
  } finally {
    await rooms.stop();
  }
}

async function measure(
  { stage: { deployment, postgres } }: SilentRooms,
  chat: Chat,
  questions: number,
): Promise<Omit<RoomOfSize, "members" | "greetedMs">> {
  const times = async (): Promise<{ readonly own: number; readonly synapse: number }> => {
    const all = await processes();
    const own = cpuOf(all, [deployment.bridge.pid, postgres.pid()]);
    return { own, synapse: cpuOf(all, [deployment.synapse.pid ?? 0]) };
  };
  const first = await askInParts(chat, { mention: true });
  for (let count = 0; count < 2; count++) await ask(chat, { mention: true });
  await sleep(TIDY_MS);
  const before = await times();
  const latencies: number[] = [];
  for (let count = 0; count < questions; count++) latencies.push(await ask(chat, { mention: true }));
  await sleep(TIDY_MS);
  const after = await times();
  return {
    firstMs: first.ms,
    firstSendingMs: first.sendingMs,
    latencyMs: median(latencies),
    cpuMs: (after.own - before.own) / questions,
    synapseMs: (after.synapse - before.synapse) / questions,
  };
}
