import { SCENARIOS, STREAMED_EDITS } from "../counts.ts";
import type { Measured } from "../measured.ts";
import type { PeerName } from "../peers/peer.ts";
import type { AnswersAtSize, PeerAnswers } from "../scenarios/encrypted-answer.ts";

/** A value that must be at most or at least so much, with its value before anybody worked on it. */
interface Goal {
  readonly what: string;
  readonly before: string;
  readonly unit: Unit;
  readonly bound: Bound;
  /** Undefined where it was not measured. */
  readonly value: (measured: Measured) => number | undefined;
}

type Bound = { readonly atMost: number } | { readonly atLeast: number } | { readonly below: number };

type Unit = "×" | "ms" | "s" | "MiB" | "MB" | "%" | "a second" | "";

/** A line of the table of goals. */
export interface GoalRow {
  readonly what: string;
  readonly before: string;
  readonly goal: string;
  readonly now: string;
  readonly verdict: "reached" | "missed" | "not measured";
}

/** The processor time of a program and its own PostgreSQL. */
function own({ cpuMs, databaseMs }: PeerAnswers): number {
  return cpuMs + databaseMs;
}

/** The bridge's comparison with another program, for answers one at a time. */
function against(peer: PeerName, of: (answers: PeerAnswers) => number): Goal["value"] {
  return ({ answer }) => ratio(answer, peer, of);
}

function ratio(
  size: AnswersAtSize | undefined,
  peer: PeerName,
  of: (answers: PeerAnswers) => number,
): number | undefined {
  const [ours, theirs] = [size?.peers.bridge, size?.peers[peer]];
  return ours === undefined || theirs === undefined ? undefined : of(ours) / of(theirs);
}

function crowdOf({ crowd }: Measured, agents: number): AnswersAtSize | undefined {
  return crowd?.find((size) => size.agents === agents);
}

function counted(scenario: string, of: "roundTrips" | "transactions" | "calls"): Goal["value"] {
  return ({ counts }) => counts?.[scenario]?.[of];
}

/** The largest room compared with the smallest. */
function byMembers(of: "latencyMs" | "cpuMs"): Goal["value"] {
  return ({ members }) => {
    const [small, large] = [members?.at(0), members?.at(-1)];
    return small === undefined || large === undefined ? undefined : large[of] / small[of];
  };
}

const WHOLE = "DM answer, not streamed";

/** In the order of the table. */
const GOALS: readonly Goal[] = [
  {
    what: "CPU of bridge + its PostgreSQL for an encrypted answer, 1 agent, against a nio bot's",
    before: "6.4×",
    unit: "×",
    bound: { atMost: 1.5 },
    value: against("nio", own),
  },
  {
    what: "the same with 50 agents",
    before: "",
    unit: "×",
    bound: { below: 1 },
    value: (measured) => ratio(crowdOf(measured, 50), "nio", own),
  },
  {
    what: "the same, 1 agent, against matrix-js-sdk (in-memory store)",
    before: "4×",
    unit: "×",
    bound: { atMost: 1 },
    value: against("js-sdk", own),
  },
  {
    what: "Synapse's CPU for it, against nio's",
    before: "1.35×",
    unit: "×",
    bound: { atMost: 1 },
    value: against("nio", ({ synapseMs }) => synapseMs),
  },
  {
    what: "latency from question to readable answer, against nio's",
    before: "1.6×",
    unit: "×",
    bound: { atMost: 1 },
    value: against("nio", ({ latencyMs }) => latencyMs),
  },
  {
    what: `SQL round trips, ${WHOLE}`,
    before: "84",
    unit: "",
    bound: { atMost: 15 },
    value: counted(SCENARIOS.direct, "roundTrips"),
  },
  {
    what: `transactions, ${WHOLE}`,
    before: "9",
    unit: "",
    bound: { atMost: 4 },
    value: counted(SCENARIOS.direct, "transactions"),
  },
  {
    what: `calls to Synapse, ${WHOLE}`,
    before: "5",
    unit: "",
    bound: { atMost: 4 },
    value: counted(SCENARIOS.direct, "calls"),
  },
  {
    what: `SQL round trips, streamed with ${STREAMED_EDITS} edits`,
    before: "198",
    unit: "",
    bound: { atMost: 15 + 6 * STREAMED_EDITS },
    value: counted(SCENARIOS.streamed, "roundTrips"),
  },
  {
    what: "push stored → model asked",
    before: "125 ms",
    unit: "ms",
    bound: { atMost: 10 },
    value: ({ pauses }) => pauses?.storedToAskedMs,
  },
  {
    what: "model's last token → PUT begun",
    before: "103 ms",
    unit: "ms",
    bound: { atMost: 8 },
    value: ({ pauses }) => pauses?.answeredToSentMs,
  },
  {
    what: "latency of an answer in the largest room, against one of 5 members",
    before: "8×",
    unit: "×",
    bound: { atMost: 1.3 },
    value: byMembers("latencyMs"),
  },
  {
    what: "the same, CPU of bridge + its PostgreSQL",
    before: "",
    unit: "×",
    bound: { atMost: 1.3 },
    value: byMembers("cpuMs"),
  },
  {
    what: "first question in the largest room, after the greeting",
    before: "3.3 s",
    unit: "s",
    bound: { atMost: 0.5 },
    value: ({ members }) => inThousands(members?.at(-1)?.firstMs),
  },
  {
    what: "second start with many agents, to ready",
    before: "6–7 s",
    unit: "s",
    bound: { atMost: 2 },
    value: ({ starts }) => inThousands(starts?.second.readyMs),
  },
  {
    what: "Synapse's CPU for it",
    before: "16–27 s",
    unit: "s",
    bound: { atMost: 1 },
    value: ({ starts }) => inThousands(starts?.second.synapseMs),
  },
  {
    what: "memory with 200 agents loaded, PSS",
    before: "364–428 MiB",
    unit: "MiB",
    bound: { atMost: 250 },
    value: ({ starts }) => (starts?.loaded.agents === 200 ? starts.loaded.pss : undefined),
  },
  {
    what: "first start, with a device and a signed identity: calls to Synapse for an agent",
    before: "37",
    unit: "",
    bound: { atMost: 8 },
    value: ({ starts }) => starts && starts.first.calls / starts.agents,
  },
  {
    what: "the same, Synapse's CPU for an agent",
    before: "0.8–1 s",
    unit: "s",
    bound: { atMost: 0.1 },
    value: ({ starts }) => inThousands(starts && starts.first.synapseMs / starts.agents),
  },
  {
    what: "idle bridge on the embedded database, RSS",
    before: "500 MiB",
    unit: "MiB",
    bound: { atMost: 250 },
    value: ({ idle }) => idle?.used.rss,
  },
  {
    what: "100 agents with 100 questions open, answers",
    before: "9.8 a second",
    unit: "a second",
    bound: { atLeast: 14 },
    value: (measured) => crowdOf(measured, 100)?.peers.bridge?.perSecond,
  },
  {
    what: "the same, part of bridge + its PostgreSQL in the servers' CPU",
    before: "27 %",
    unit: "%",
    bound: { atMost: 12 },
    value: (measured) => inPercent(crowdOf(measured, 100)?.peers.bridge?.share),
  },
  {
    what: "kept per 1,000 answers, outside retention",
    before: "4.8–12 MB",
    unit: "MB",
    bound: { atMost: 2 },
    value: ({ kept }) => kept?.megabytesPerThousand,
  },
];

/** All goals with their measured values. */
export function goalRows(measured: Measured): GoalRow[] {
  return GOALS.map(({ what, before, unit, bound, value }) => {
    const now = value(measured);
    return {
      what,
      before: before === "" ? "–" : before,
      goal: goalText(bound, unit),
      now: now === undefined ? "–" : withUnit(now, unit),
      verdict: now === undefined ? "not measured" : isReached(now, bound) ? "reached" : "missed",
    };
  });
}

function isReached(value: number, bound: Bound): boolean {
  if ("atMost" in bound) return value <= bound.atMost;
  return "below" in bound ? value < bound.below : value >= bound.atLeast;
}

function goalText(bound: Bound, unit: Unit): string {
  if ("atMost" in bound) return `≤ ${withUnit(bound.atMost, unit)}`;
  return "below" in bound ? `< ${withUnit(bound.below, unit)}` : `≥ ${withUnit(bound.atLeast, unit)}`;
}

function withUnit(value: number, unit: Unit): string {
  const number = shortNumber(value);
  return unit === "×" || unit === "" ? `${number}${unit}` : `${number} ${unit}`;
}

/** A number with its meaningful digits; a dash where it was not measured. */
export function shortNumber(value: number | undefined): string {
  if (value === undefined) return "–";
  const digits = Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0;
  return String(Number(value.toFixed(digits)));
}

function inThousands(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value / 1_000;
}

function inPercent(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value * 100;
}
