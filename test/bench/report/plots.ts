import type { Measured } from "../measured.ts";
import type { PeerName } from "../peers/peer.ts";
import type { PeerAnswers } from "../scenarios/encrypted-answer.ts";
import type { Plot, Series } from "./plot.ts";

const NAMES: Readonly<Record<PeerName, string>> = {
  bridge: "this bridge",
  nio: "matrix-nio",
  "js-sdk": "matrix-js-sdk",
};

/** The plots for which there are enough measurements, by the names of their files. */
export function plotsOf(measured: Measured): ReadonlyMap<string, Plot> {
  const sizes = [measured.answer, ...(measured.crowd ?? [])].filter((size) => size !== undefined);
  const byAgents = (title: string, y: string, of: (answers: PeerAnswers) => number): Plot => ({
    title,
    x: "agents, all asked at once",
    y,
    series: (Object.keys(NAMES) as PeerName[])
      .map((name): Series => {
        const points = sizes.flatMap(({ agents, peers }) => {
          const found = peers[name];
          return found === undefined ? [] : [{ x: agents, y: of(found) }];
        });
        return { name: NAMES[name], points };
      })
      .filter(({ points }) => points.length > 0),
  });
  const plots = new Map<string, Plot>();
  if (sizes.length > 1) {
    const cpu = byAgents("An encrypted answer: CPU of the program and its database", "ms", (answers) => {
      return answers.cpuMs + answers.databaseMs;
    });
    plots.set("cpu-by-agents", cpu);
    plots.set(
      "memory-by-agents",
      byAgents("Memory of the program", "MiB (PSS)", ({ memoryMiB }) => memoryMiB),
    );
  }
  const { members = [] } = measured;
  if (members.length > 1) {
    const series = (name: string, of: (room: (typeof members)[number]) => number): Series => {
      return { name, points: members.map((room) => ({ x: room.members, y: of(room) })) };
    };
    plots.set("answer-by-members", {
      title: "An encrypted answer, by the members of the room",
      x: "members, a device each",
      y: "ms",
      series: [
        series("first answer", ({ firstMs }) => firstMs),
        series("later answers", ({ latencyMs }) => latencyMs),
        series("CPU of bridge + PostgreSQL", ({ cpuMs }) => cpuMs),
      ],
    });
  }
  return plots;
}
