import type { Measured } from "../measured.ts";
import type { PeerName } from "../peers/peer.ts";
import type { AnswersAtSize, PeerAnswers } from "../scenarios/encrypted-answer.ts";
import type { AnswerCosts } from "../measuring/answer-costs.ts";
import type { Plot, Series } from "./plot.ts";

const NAMES: Readonly<Record<PeerName, string>> = {
  bridge: "this bridge",
  nio: "matrix-nio",
  "js-sdk": "matrix-js-sdk",
};

/** The plots for which the measurements are sufficient, by the names of their files. */
export function plotsOf({
  answer,
  crowd = [],
  members = [],
  devices = [],
  ...growth
}: Measured): ReadonlyMap<string, Plot> {
  const sizes = [answer, ...crowd].filter((size) => size !== undefined);
  const plots: readonly (readonly [string, Plot])[] = [
    [
      "cpu-by-agents",
      {
        title: "An encrypted answer: CPU of the program and its database",
        x: "agents, all asked at once",
        y: "ms",
        series: byAgents(sizes, ({ cpuMs, databaseMs }) => cpuMs + databaseMs),
      },
    ],
    [
      "memory-by-agents",
      {
        title: "Memory of the program",
        x: "agents",
        y: "MiB (PSS)",
        series: byAgents(sizes, ({ memoryMiB }) => memoryMiB),
      },
    ],
    [
      "answer-by-members",
      {
        title: "An encrypted answer, by the members of the room",
        x: "members, a device each",
        y: "ms",
        series: [
          seriesOf("from invitation to greeting", members, (room) => [room.members, room.greetedMs]),
          seriesOf("first answer", members, (room) => [room.members, room.firstMs]),
          seriesOf("later answers", members, (room) => [room.members, room.latencyMs]),
          seriesOf("CPU of bridge + PostgreSQL", members, (room) => [room.members, room.cpuMs]),
        ],
      },
    ],
    [
      "greeting-by-devices",
      {
        title: "A new room key, by the devices that get it",
        x: "devices of 50 members",
        y: "ms",
        series: [
          seriesOf("from invitation to greeting", devices, (room) => [room.devices, room.greetedMs]),
          seriesOf("CPU of bridge + PostgreSQL", devices, (room) => [room.devices, room.cpuMs]),
        ],
      },
    ],
    ...costPlots("rooms", "rooms of the agent", growth.rooms ?? [], (one) => one.rooms),
    ...costPlots("history", "messages in the chat", growth.history ?? [], ({ messages }) => messages),
    ...costPlots("threads", "threads in the room", growth.threads ?? [], (one) => one.threads),
    ...costPlots("queue", "questions waiting in another chat", growth.queued ?? [], ({ queued }) => queued),
    ...costPlots("age", "former answers in the database", growth.age ?? [], ({ formerAnswers }) => formerAnswers),
  ];
  // One point is no line.
  return new Map(plots.filter(([, { series }]) => series.some(({ points }) => points.length > 1)));
}

/** A plot of an answer's times by a size, and one of the pages that it needs in PostgreSQL. */
function costPlots<T extends AnswerCosts>(
  by: string,
  x: string,
  all: readonly T[],
  sizeOf: (one: T) => number,
): (readonly [string, Plot])[] {
  const times: Plot = {
    title: `An encrypted answer, by ${x}`,
    x,
    y: "ms",
    series: [
      seriesOf("latency", all, (one) => [sizeOf(one), one.latencyMs]),
      seriesOf("CPU of bridge + PostgreSQL", all, (one) => [sizeOf(one), one.cpuMs]),
    ],
  };
  const pages: Plot = {
    title: `PostgreSQL's pages for an answer, by ${x}`,
    x,
    y: "pages of 8 KiB",
    series: [seriesOf("pages", all, (one) => [sizeOf(one), one.pages])],
  };
  return [
    [`answer-by-${by}`, times],
    [`pages-by-${by}`, pages],
  ];
}

function byAgents(sizes: readonly AnswersAtSize[], of: (answers: PeerAnswers) => number): Series[] {
  return (Object.keys(NAMES) as PeerName[])
    .map((name): Series => {
      const points = sizes.flatMap(({ agents, peers }) => {
        const found = peers[name];
        return found === undefined ? [] : [{ x: agents, y: of(found) }];
      });
      return { name: NAMES[name], points };
    })
    .filter(({ points }) => points.length > 0);
}

function seriesOf<T>(name: string, all: readonly T[], of: (one: T) => readonly [number, number]): Series {
  return {
    name,
    points: all.map((one) => {
      const [x, y] = of(one);
      return { x, y };
    }),
  };
}
