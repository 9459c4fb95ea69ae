import { setTimeout as sleep } from "node:timers/promises";
import type { Chat } from "../asking.ts";
import { cpuOf, processes } from "../measuring/processes.ts";
import { median } from "../measuring/median.ts";
import { SilentRooms } from "../silent-rooms.ts";

/** An answer that grows for some seconds, shown in one of two ways in a room with so many devices. */
export interface GrowingAnswer {
  readonly devices: number;
  readonly stream: "edit" | "live";
  /** The forms that the person's client has shown before the last. */
  readonly forms: number;
  /** The calls of the bridge to Synapse for it, and the size of their bodies. */
  readonly calls: number;
  readonly kilobytes: number;
  /** Processor time, in ms. */
  readonly cpuMs: number;
  readonly synapseMs: number;
}

/** Six seconds of words, by a model that takes its time. */
const WORDS = Array.from({ length: 30 }, (_, index) => `word${index}`).join(" ");
const TOKEN_MS = 200;

const TIDY_MS = 1_500;

/** The rooms: silent members, and the devices of each. The person and the agent are there too. */
const ROOMS = [
  { silent: 0, each: 1, devices: 2 },
  { silent: 48, each: 1, devices: 50 },
  { silent: 50, each: 10, devices: 502 },
];

/** Measures the median of so many answers in each room, in each way. One device watches. */
export async function liveAnswers(answers: number): Promise<GrowingAnswer[]> {
  const rooms = await SilentRooms.start();
  try {
    rooms.stage.model.install("llama3.2", { answer: () => WORDS, tokenMs: TOKEN_MS });
    await rooms.person.followStreams();
    const measured: GrowingAnswer[] = [];
    let first = 0;
    for (const { silent, each, devices } of ROOMS) {
      const { chat } = await rooms.make(silent, each, first);
      first += silent;
      for (const stream of ["edit", "live"] as const) {
        await set(chat, stream);
        // Not counted: the first one warms up.
        await growing(rooms, chat);
        const all: Omit<GrowingAnswer, "devices" | "stream">[] = [];
        for (let count = 0; count < answers; count++) all.push(await growing(rooms, chat));
        const of = (what: keyof (typeof all)[number]): number => median(all.map((one) => one[what]));
        measured.push({
          devices,
          stream,
          forms: of("forms"),
          calls: of("calls"),
          kilobytes: of("kilobytes"),
          cpuMs: of("cpuMs"),
          synapseMs: of("synapseMs"),
        });
      }
    }
    return measured;
  } finally {
    await rooms.stop();
  }
}

async function set({ person, roomId, agent }: Chat, stream: "edit" | "live"): Promise<void> {
  const command = await person.sendText({ roomId, body: `!stream ${stream}`, mentions: [agent] });
  await person.waitMessage({ roomId, sender: agent, after: command });
}

async function growing(rooms: SilentRooms, chat: Chat): Promise<Omit<GrowingAnswer, "devices" | "stream">> {
  const { person, roomId, agent } = chat;
  const { stage, wire } = rooms;
  const cpu = async (): Promise<{ readonly ours: number; readonly synapse: number }> => {
    await sleep(TIDY_MS);
    const all = await processes();
    return {
      ours: cpuOf(all, [stage.deployment.bridge.pid, stage.postgres.pid()]),
      synapse: cpuOf(all, [stage.deployment.synapse.pid ?? 0, stage.synapsePostgres.pid()]),
    };
  };
  const before = { ...(await cpu()), calls: wire.calls, bytes: wire.bytes };
  const question = await person.sendText({ roomId, body: "tell me", mentions: [agent] });
  const draft = await person.waitMessage({ roomId, sender: agent, after: question });
  const whole = await person.waitMessage({
    roomId,
    sender: agent,
    timeoutMs: 120_000,
    where: ({ eventId, body }) => eventId === draft.eventId && body === WORDS,
  });
  const after = await cpu();
  return {
    forms: person.streamed(draft.eventId).length + whole.edits,
    calls: wire.calls - before.calls,
    kilobytes: (wire.bytes - before.bytes) / 1_000,
    cpuMs: after.ours - before.ours,
    synapseMs: after.synapse - before.synapse,
  };
}
