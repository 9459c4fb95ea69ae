import { SCENARIOS, STREAMED_EDITS } from "../../test/bench/counts.ts";
import { shortNumber } from "../../test/bench/report/goals.ts";
import type { Measured } from "../../test/bench/measured.ts";
import { AT_WORK } from "../../src/turns/at-work.ts";
import { KEPT_FOR_DAYS } from "../../src/mailbox/pruning.ts";
import { table } from "./table.ts";

/** The people of the deployment, and their use of it: nobody measured these. */
const PEOPLE = 100_000;
const ASK_ON_A_DAY = 0.2;
const QUESTIONS_EACH = 10;
const IN_BUSIEST_HOUR = 0.15;
const MODEL_SECONDS = 10;
const MODEL_TOKENS = 300;
/** A server is planned to be busy for this part of the time, so that it takes a burst and the work of one that is gone. */
const PLANNED_LOAD = 0.5;

const ANSWERS_A_DAY = PEOPLE * ASK_ON_A_DAY * QUESTIONS_EACH;
const PER_SECOND = (ANSWERS_A_DAY * IN_BUSIEST_HOUR) / 3_600;
const AT_ONCE = PER_SECOND * MODEL_SECONDS;

/** The pool of a process, and its two connections beside it. */
const CONNECTIONS = 12;

/** A question and its answer are two events of the homeserver; each edit of the answer is one more. */
const EVENTS = (2 + STREAMED_EDITS) / 2;

/** A part of the deployment, its need, and the origin of the number that it was computed from. */
type Need = readonly [part: string, need: string, from: string];

/** A section of the page: the parts that a large deployment needs, computed from what was measured. */
export function largeDeployment(measured: Measured): string {
  const perSecond = shortNumber(PER_SECOND);
  const rows = [
    ...answerNeeds(measured),
    ...databaseNeeds(measured),
    ...takeoverNeeds(measured),
    ["model servers", `${up(AT_ONCE)} answers at once, ${up(PER_SECOND * MODEL_TOKENS)} tokens a second`, "assumed"],
  ];
  return `## ${number(PEOPLE)} people, on paper

${table(["part", "need", "from"], rows)}

Assumed, not measured: ${shortNumber(ASK_ON_A_DAY * 100)} % of the people ask on a day, ${QUESTIONS_EACH} questions each, and ${shortNumber(IN_BUSIEST_HOUR * 100)} % of a day's
questions come in its busiest hour. That makes ${number(ANSWERS_A_DAY)} answers a day and ${perSecond} a second in that hour. A model takes ${MODEL_SECONDS} seconds
for an answer of ${MODEL_TOKENS} tokens, so ${up(AT_ONCE)} answers are made at once. Servers are planned to be busy ${PLANNED_LOAD * 100} % of the time. With other assumptions
the needs grow in proportion. An answer is shown while it is made, here in ${STREAMED_EDITS} edits. The bench has the processor time of
answers that come whole, so the bridge's is multiplied as its round trips grow with the edits, and Synapse's as the events do: ${2 + STREAMED_EDITS} in
place of 2.

Limits that no number of machines moves:

- An agent is in one process at a time, which makes at most ${AT_WORK.ofGhost} of its answers at once, and ${AT_WORK.all} of all agents
  ([at-work.ts](../src/turns/at-work.ts)). With ${MODEL_SECONDS} seconds for an answer, that is ${shortNumber(AT_WORK.ofGhost / MODEL_SECONDS)} a second for an agent, so the people have to be spread over at
  least ${up(AT_ONCE / AT_WORK.ofGhost)} agents, and over twice as many when one is liked more than the others. \`max_concurrent\` of the providers, and
  \`num_parallel\` of Ollama, must allow as much.
- The process of an agent has the agent's whole cryptographic state in memory while the agent is loaded
  ([decision](decisions/0018-the-crypto-engine-is-wasm-on-an-indexeddb-in-memory.md)): each device of each person, and each room key. The
  state grows with the people of an agent, not with its answers of a day, and no scenario has measured it
  for ${number(PEOPLE)} people yet; the long run below has what one visit adds.
- Synapse sends the transactions of an application service one after the other, from one worker (\`notify_appservices_from_worker\`). The next
  one carries what came meanwhile, up to 100 events, so transactions become larger before they become late.

Not in the table, because the bench has none of it: what the people do beside asking (their clients' \`/sync\`, their own rooms, media, federation),
Synapse with workers (the bench runs one process), PostgreSQL's replicas, and the network between machines.
`;
}

function answerNeeds({ answer, crowd = [], counts }: Measured): Need[] {
  const size = crowd.at(-1) ?? answer;
  const bridge = size?.peers.bridge;
  const [whole, shown] = [counts?.[SCENARIOS.direct], counts?.[SCENARIOS.streamed]];
  if (size === undefined || bridge === undefined || whole === undefined || shown === undefined) return [];
  const statements = shown.roundTrips / whole.roundTrips;
  const cores = (ms: number, times: number): number => ((ms * times) / 1_000) * (PER_SECOND / PLANNED_LOAD);
  const from = (column: string, ms: number, times: number): string =>
    `${shortNumber(ms)} ms (“${column}”, ${size.agents} ${size.agents === 1 ? "agent" : "agents"}) times ${shortNumber(times)}`;
  const byCores = up(cores(bridge.cpuMs, statements));
  const byTurns = up(AT_ONCE / (AT_WORK.all * PLANNED_LOAD));
  const processes = Math.max(byCores, byTurns) + 1;
  return [
    [
      "processes of the bridge",
      `${processes}: ${byCores} by their cores or ${byTurns} by the answers at once, and one that may be gone`,
      from("CPU ms", bridge.cpuMs, statements),
    ],
    ["their memory", `${up(processes * bridge.memoryMiB)} MiB`, `${up(bridge.memoryMiB)} MiB each (“memory”)`],
    [
      "the bridge's PostgreSQL",
      `${shortNumber(cores(bridge.databaseMs, statements))} cores, ${processes * CONNECTIONS} connections`,
      from("its PostgreSQL ms", bridge.databaseMs, statements),
    ],
    [
      "Synapse, for the agents alone",
      `${up(cores(bridge.synapseMs, EVENTS))} workers of a core each`,
      from("Synapse ms", bridge.synapseMs, EVENTS),
    ],
    [
      "Synapse's PostgreSQL, for them",
      `${shortNumber(cores(bridge.synapseDatabaseMs, EVENTS))} cores`,
      from("Synapse's PostgreSQL ms", bridge.synapseDatabaseMs, EVENTS),
    ],
  ];
}

function databaseNeeds({ counts, kept }: Measured): Need[] {
  const wal = counts?.[SCENARIOS.streamed]?.wal;
  const needs: Need[] = [];
  if (wal !== undefined) {
    const [second, day] = [(wal * PER_SECOND) / 1e6, (wal * ANSWERS_A_DAY) / 1e9];
    needs.push([
      "its write-ahead log",
      `${shortNumber(second)} MB a second, ${shortNumber(day)} GB a day`,
      `${up(wal / 1_000)} kB for an answer (“WAL bytes”, ${STREAMED_EDITS} edits)`,
    ]);
  }
  if (kept !== undefined) {
    const gigabytes = (kept.megabytesPerThousand * ANSWERS_A_DAY * KEPT_FOR_DAYS) / 1e6;
    needs.push([
      `its disk, after ${KEPT_FOR_DAYS} days`,
      `${up(gigabytes)} GB, and the conversations by \`memory.retention\``,
      `${shortNumber(kept.megabytesPerThousand)} MB for 1,000 answers: “kept per 1,000 answers”`,
    ]);
  }
  return needs;
}

function takeoverNeeds({ processes }: Measured): Need[] {
  if (processes === undefined) return [];
  const { usualMs, afterKillMs } = processes.takeover;
  return [
    [
      "a process that is killed",
      `delays the next answer of its agents by ${shortNumber((afterKillMs - usualMs) / 1_000)} s`,
      "the table of several processes",
    ],
  ];
}

function up(value: number): number {
  return Math.ceil(value);
}

function number(value: number): string {
  return value.toLocaleString("en-GB");
}
