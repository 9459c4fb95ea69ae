import { startDeployment, type DeploymentOptions } from "../support/deployment.ts";
import type { User } from "../support/user.ts";
import type { Row } from "./row.ts";

const VARIANTS: readonly (readonly [string, DeploymentOptions])[] = [
  ["PostgreSQL", { database: "postgres" }],
  ["PostgreSQL, keys pushed too", { database: "postgres", toDevicePush: true }],
  ["embedded database", { database: "embedded" }],
];

/** From the moment a person's client sends to the moment it shows the answer, the demo agent answering at once. */
export async function latency(questions: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, options] of VARIANTS) {
    const deployment = await startDeployment(options);
    try {
      const alice = await deployment.user("js-sdk", "alice");
      const agent = deployment.agent("demo");
      const roomId = await alice.createRoom({ direct: true, invite: [agent] });
      await alice.waitMember(roomId, agent);
      await ask(alice, roomId, agent);
      const times: number[] = [];
      for (let count = 0; count < questions; count++) times.push(await ask(alice, roomId, agent));
      times.sort((a, b) => a - b);
      rows.push({ what: `${name}, median`, ms: times[Math.floor(times.length / 2)] ?? 0 });
      rows.push({ what: `${name}, 95 of 100`, ms: times[Math.floor(times.length * 0.95)] ?? 0 });
    } finally {
      await deployment.stop();
    }
  }
  return rows;
}

/** Asks, and resolves with how long the answer took, in ms. */
export async function ask(person: User, roomId: string, agent: string, mention = false): Promise<number> {
  const started = performance.now();
  const text = { roomId, body: "how are you?", ...(mention ? { mentions: [agent] } : {}) };
  const question = await person.sendText(text);
  await person.waitMessage({ roomId, sender: agent, after: question, timeoutMs: 120_000 });
  return performance.now() - started;
}
