import type { Measured } from "../measured.ts";
import type { AnswerCosts } from "../measuring/answer-costs.ts";
import type { PeerName } from "../peers/peer.ts";
import type { AnswersAtSize, PeerAnswers } from "../scenarios/encrypted-answer.ts";
import { goalRows, shortNumber } from "./goals.ts";
import type { Table } from "./table.ts";

const NAMES: Readonly<Record<PeerName, string>> = {
  bridge: "this bridge",
  nio: "matrix-nio, a process each",
  "js-sdk": "matrix-js-sdk, one process",
};

/** Everything that was measured, the goals first. */
export function tablesOf(measured: Measured): Table[] {
  const { answer, crowd = [] } = measured;
  return [
    goalTable(measured),
    ...[answer, ...crowd].filter((size) => size !== undefined).map(answerTable),
    ...countTable(measured),
    ...statementTable(measured),
    ...pauseTable(measured),
    ...memberTable(measured),
    ...deviceTable(measured),
    ...liveTable(measured),
    ...costTables(measured),
    ...startTable(measured),
    ...processTable(measured),
    ...idleTable(measured),
    ...keptTable(measured),
    ...delayTable(measured),
  ];
}

function goalTable(measured: Measured): Table {
  return {
    title: "Goals",
    head: ["what", "before", "goal", "now", ""],
    rows: goalRows(measured).map(({ what, before, goal, now, verdict }) => [what, before, goal, now, verdict]),
  };
}

function answerTable({ agents, answers, peers }: AnswersAtSize): Table {
  const rows = (Object.entries(peers) as [PeerName, PeerAnswers][]).map(([name, of]) => [
    NAMES[name],
    ...[of.cpuMs, of.databaseMs, of.synapseMs, of.synapseDatabaseMs, of.latencyMs, of.perSecond].map(shortNumber),
    String(of.unanswered),
    shortNumber(of.memoryMiB),
  ]);
  return {
    title:
      agents === 1
        ? `An encrypted answer, one question at a time (medians; ${answers} answers of each)`
        : `An encrypted answer, ${agents} agents all asked at once (medians; ${answers} answers of each)`,
    head: [
      "",
      "CPU ms",
      "its PostgreSQL ms",
      "Synapse ms",
      "Synapse's PostgreSQL ms",
      "latency ms",
      "answers a second",
      "unanswered",
      "memory MiB (PSS)",
    ],
    rows,
  };
}

function countTable({ counts }: Measured): Table[] {
  if (counts === undefined) return [];
  const rows = Object.entries(counts).map(([scenario, of]) => [
    scenario,
    ...[of.roundTrips, of.statements, of.transactions, of.calls, of.wal].map(shortNumber),
  ]);
  const head = ["", "SQL round trips", "statements", "transactions", "calls to Synapse", "WAL bytes"];
  return [{ title: "Counts on the wires", head, rows }];
}

function statementTable({ statements }: Measured): Table[] {
  if (statements === undefined) return [];
  const rows = statements.longest.map(({ text, calls, ms }) => [
    `\`${text.replaceAll("|", "\\|")}\``,
    shortNumber(calls),
    shortNumber(ms),
  ]);
  const [planning, executing] = [statements.planningMs, statements.executingMs].map(shortNumber);
  const title = `PostgreSQL's own account of an answer: ${planning} ms of planning, ${executing} of execution`;
  return [{ title, head: ["statement", "for an answer", "ms"], rows }];
}

function pauseTable({ pauses }: Measured): Table[] {
  if (pauses === undefined) return [];
  const rows = [
    ["push stored → model asked", shortNumber(pauses.storedToAskedMs)],
    ["model's last token → PUT begun", shortNumber(pauses.answeredToSentMs)],
    ["the same, of a model that answers at once", shortNumber(pauses.answeredAtOnceToSentMs)],
  ];
  return [{ title: "Pauses in an answer", head: ["", "ms"], rows }];
}

function memberTable({ members }: Measured): Table[] {
  if (members === undefined) return [];
  const rows = members.map(({ members, greetedMs, firstMs, firstSendingMs, latencyMs, cpuMs, synapseMs }) => [
    `${members} members`,
    ...[greetedMs, firstMs, firstSendingMs, latencyMs, cpuMs, synapseMs].map(shortNumber),
  ]);
  const head = [
    "",
    "greeting after ms",
    "first answer ms",
    "of it the person's client ms",
    "later answers ms",
    "bridge + PostgreSQL CPU ms",
    "Synapse CPU ms",
  ];
  return [{ title: "Rooms with many members, a device each", head, rows }];
}

function deviceTable({ devices }: Measured): Table[] {
  if (devices === undefined) return [];
  const rows = devices.map(({ devices: count, greetedMs, cpuMs, calls, kilobytes }) => [
    `${count} devices`,
    ...[greetedMs, cpuMs, calls, kilobytes].map(shortNumber),
  ]);
  const head = ["", "greeting after ms", "bridge + PostgreSQL CPU ms", "calls to Synapse", "kB sent to Synapse"];
  return [{ title: "A new room key for the devices of 50 members", head, rows }];
}

function liveTable({ live }: Measured): Table[] {
  if (live === undefined) return [];
  const rows = live.map(({ devices, stream, forms, calls, kilobytes, cpuMs, synapseMs }) => [
    `${devices} devices, ${stream === "live" ? "a stream to one device" : "edits"}`,
    ...[forms, calls, kilobytes, cpuMs, synapseMs].map(shortNumber),
  ]);
  const head = [
    "",
    "forms shown",
    "calls to Synapse",
    "kB sent to Synapse",
    "bridge + PostgreSQL CPU ms",
    "Synapse + PostgreSQL CPU ms",
  ];
  return [
    { title: "An answer that grows for six seconds, shown by edits or by an event stream (MSC4471)", head, rows },
  ];
}

function costTables({ rooms = [], history = [], threads = [], queued = [], age = [] }: Measured): Table[] {
  const table = (title: string, all: readonly (readonly [string, AnswerCosts])[]): Table[] => {
    const rows = all.map(([name, { latencyMs, cpuMs, pages }]) => [
      name,
      ...[latencyMs, cpuMs, pages].map(shortNumber),
    ]);
    const head = ["", "latency ms", "bridge + PostgreSQL CPU ms", "PostgreSQL's pages"];
    return rows.length === 0 ? [] : [{ title, head, rows }];
  };
  return [
    ...table(
      "In many rooms",
      rooms.map((one) => [`of ${one.rooms} rooms`, one]),
    ),
    ...table(
      "Direct chats with a long history",
      history.map((one) => [`after ${one.messages} messages`, one]),
    ),
    ...table(
      "Rooms with many threads",
      threads.map((one) => [`after ${one.threads} threads`, one]),
    ),
    ...table(
      "While others wait for the same agent",
      queued.map((one) => [`beside ${one.queued} questions`, one]),
    ),
    ...table(
      "In an old database",
      age.map((one) => [`after ${one.formerAnswers} answers`, one]),
    ),
  ];
}

function startTable({ starts }: Measured): Table[] {
  if (starts === undefined) return [];
  const { agents, first, entering, second, loaded } = starts;
  const row = (what: string, of: typeof entering, readyMs?: number): string[] => [
    what,
    readyMs === undefined ? "–" : shortNumber(readyMs),
    ...[of.untilQuietMs, of.calls, of.mostAtOnce, of.calls / of.agents, of.synapseMs, of.synapseMs / of.agents].map(
      shortNumber,
    ),
  ];
  return [
    {
      title: `Starts with ${agents} agents; ${loaded.agents} loaded take ${shortNumber(loaded.pss)} MiB (PSS)`,
      head: [
        "",
        "ready after ms",
        "quiet after ms",
        "calls to Synapse",
        "most at once",
        "calls for an agent",
        "Synapse CPU ms",
        "CPU for an agent",
      ],
      rows: [
        row("first start", { ...first, agents }, first.readyMs),
        row(`${entering.agents} enter a room`, entering),
        row("second start", { ...second, agents }, second.readyMs),
      ],
    },
  ];
}

function processTable({ processes }: Measured): Table[] {
  if (processes === undefined) return [];
  const { agents, sizes, takeover } = processes;
  const rows = sizes.map((of) => [
    String(of.processes),
    ...[of.perSecond, of.latencyMs, of.cpuMs, of.busiest * of.cpuMs, of.databaseMs, of.synapseMs].map(shortNumber),
  ]);
  const [usual, killed] = [takeover.usualMs, takeover.afterKillMs].map(shortNumber);
  return [
    {
      title: `Several processes with ${agents} agents, all asked at once; an answer takes ${usual} ms, and ${killed} from a SIGKILL of the agent's process`,
      head: [
        "processes",
        "answers a second",
        "latency ms",
        "CPU ms of all",
        "of the busiest",
        "PostgreSQL ms",
        "Synapse ms",
      ],
      rows,
    },
  ];
}

function idleTable({ idle }: Measured): Table[] {
  if (idle === undefined) return [];
  const rows = [
    ["after its start", shortNumber(idle.started.rss), shortNumber(idle.started.pss)],
    ["after some answers", shortNumber(idle.used.rss), shortNumber(idle.used.pss)],
  ];
  return [{ title: "The bridge on the embedded database, at rest", head: ["", "RSS MiB", "PSS MiB"], rows }];
}

function keptTable({ kept }: Measured): Table[] {
  if (kept === undefined) return [];
  const rows = Object.entries(kept.byTable).map(([table, bytes]) => [table, shortNumber(bytes)]);
  return [{ title: `What ${kept.answers} answers leave in the database`, head: ["table", "bytes an answer"], rows }];
}

function delayTable({ delays }: Measured): Table[] {
  if (delays === undefined) return [];
  const { quickMs, database, synapse, models } = delays;
  const rows = [
    ["nothing is slow", shortNumber(quickMs), ""],
    [
      `PostgreSQL answers ${database.addedMs} ms later`,
      shortNumber(database.latencyMs),
      `${shortNumber(database.trips)} round trips`,
    ],
    [
      `Synapse takes ${synapse.addedMs} ms longer for a call`,
      shortNumber(synapse.latencyMs),
      `${shortNumber(synapse.trips)} calls`,
    ],
    ...models.map(({ tokens, tokensPerSecond, besideMs }) => [
      `a model makes ${tokens} tokens, ${shortNumber(tokensPerSecond)} a second`,
      shortNumber(besideMs),
      "beside the model's time",
    ]),
  ];
  return [{ title: "Slow surroundings", head: ["", "an answer takes ms", "which is what was added times"], rows }];
}
