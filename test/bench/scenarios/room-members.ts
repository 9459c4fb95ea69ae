import { setTimeout as sleep } from "node:timers/promises";
import { startHttpProxy, type HttpProxy } from "../../support/http-proxy.ts";
import { PersonOfKeys, withKeysOf } from "../../support/many-devices.ts";
import type { User } from "../../support/user.ts";
import { ask, type Chat } from "../asking.ts";
import { median } from "../measuring/median.ts";
import { cpuOf, processes } from "../measuring/processes.ts";
import { SilentMembers } from "../silent-members.ts";
import { startStage, type Stage } from "../stage.ts";

/** An encrypted answer in a room with this number of members, each with a device. */
export interface RoomOfSize {
  readonly members: number;
  /**
   * From the first question to its answer: the agent shares its key with all devices. Without the time of making their
   * keys.
   */
  readonly firstMs: number;
  /** A later answer: the median. */
  readonly latencyMs: number;
  /** The processor time of the bridge and its PostgreSQL for a later answer, in ms. */
  readonly cpuMs: number;
  /** The same for Synapse. */
  readonly synapseMs: number;
}

const TIDY_MS = 1_500;

/** Keys of devices without a client, as the homeserver would give them out; and the time of making them. */
interface Devices {
  readonly people: Map<string, PersonOfKeys>;
  madeMs: number;
}

/**
 * Measures rooms of these sizes. Their members are Synapse's; their devices are only in its answers about keys, and get
 * keys like others.
 */
export async function roomMembers(sizes: readonly number[], questions: number): Promise<RoomOfSize[]> {
  const members = await SilentMembers.prepare();
  const devices: Devices = { people: new Map(), madeMs: 0 };
  let port = 0;
  const toSynapse = await startHttpProxy(() => port);
  handOutKeys(toSynapse, devices);
  let stage: Stage | undefined;
  try {
    stage = await startStage({
      agents: 1,
      registrations: [members.registration],
      through: (edge, url) => {
        if (edge !== "bridge to synapse") return Promise.resolve(url);
        port = Number(new URL(url).port);
        return Promise.resolve(toSynapse.url);
      },
    });
    const person = await stage.deployment.user("js-sdk", "person");
    const rooms: RoomOfSize[] = [];
    for (const size of sizes) {
      const agent = stage.deployment.agent(stage.names[0] ?? "");
      const roomId = await fill(stage, person, members, devices, size - 2);
      await person.invite(roomId, agent);
      await person.waitMember(roomId, agent, "join", 600_000);
      rooms.push({ members: size, ...(await measure(stage, { person, roomId, agent }, devices, questions)) });
    }
    return rooms;
  } finally {
    await stage?.stop();
    await toSynapse.stop();
  }
}

function handOutKeys(toSynapse: HttpProxy, devices: Devices): void {
  toSynapse.intercept = async (request) => {
    const answer = await toSynapse.forward(request);
    const started = performance.now();
    const withKeys = withKeysOf(devices.people, request, answer);
    devices.madeMs += performance.now() - started;
    return withKeys;
  };
}

/** Makes a room with the person and this number of silent members; resolves with its id. */
async function fill(
  { deployment }: Stage,
  person: User,
  members: SilentMembers,
  { people }: Devices,
  count: number,
): Promise<string> {
  for (const userId of members.ids(count)) {
    if (people.has(userId)) continue;
    const keys = new PersonOfKeys(userId, 1);
    people.set(userId, keys);
    // Its devices are made now.
    keys.query();
  }
  const roomId = await person.createRoom({ preset: "public_chat" });
  await members.join(deployment.synapse.url, roomId, count);
  return roomId;
}

async function measure(
  { deployment, postgres }: Stage,
  chat: Chat,
  devices: Devices,
  questions: number,
): Promise<Omit<RoomOfSize, "members">> {
  const times = async (): Promise<{ readonly own: number; readonly synapse: number }> => {
    const all = await processes();
    const own = cpuOf(all, [deployment.bridge.pid, postgres.pid()]);
    return { own, synapse: cpuOf(all, [deployment.synapse.pid ?? 0]) };
  };
  devices.madeMs = 0;
  const firstMs = (await ask(chat, { mention: true })) - devices.madeMs;
  for (let count = 0; count < 2; count++) await ask(chat, { mention: true });
  await sleep(TIDY_MS);
  const before = await times();
  const latencies: number[] = [];
  for (let count = 0; count < questions; count++) latencies.push(await ask(chat, { mention: true }));
  await sleep(TIDY_MS);
  const after = await times();
  return {
    firstMs,
    latencyMs: median(latencies),
    cpuMs: (after.own - before.own) / questions,
    synapseMs: (after.synapse - before.synapse) / questions,
  };
}
