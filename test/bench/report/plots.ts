import type { Measured } from "../measured.ts";
import type { PeerName } from "../peers/peer.ts";
import type { AnswersAtSize, PeerAnswers } from "../scenarios/encrypted-answer.ts";
import type { Plot, Series } from "./plot.ts";

const NAMES: Readonly<Record<PeerName, string>> = {
  bridge: "this bridge",
  nio: "matrix-nio",
  "js-sdk": "matrix-js-sdk",
};

/** The plots for which the measurements are sufficient, by the names of their files. */
export function plotsOf({ answer, crowd = [], members = [], history = [] }: Measured): ReadonlyMap<string, Plot> {
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
          seriesOf("first answer", members, (room) => [room.members, room.firstMs]),
          seriesOf("later answers", members, (room) => [room.members, room.latencyMs]),
          seriesOf("CPU of bridge + PostgreSQL", members, (room) => [room.members, room.cpuMs]),
        ],
      },
    ],
    [
      "answer-by-history",
      {
        title: "An encrypted answer, by the messages before it",
        x: "messages in the chat",
        y: "ms",
        series: [
          seriesOf("latency", history, ({ messages, latencyMs }) => [messages, latencyMs]),
          seriesOf("CPU of bridge + PostgreSQL", history, ({ messages, cpuMs }) => [messages, cpuMs]),
        ],
      },
    ],
  ];
  // One point is no line.
  return new Map(plots.filter(([, { series }]) => series.some(({ points }) => points.length > 1)));
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
