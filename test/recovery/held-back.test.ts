import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { answeredEvent } from "../../src/matrix/relation.ts";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import { jsonAnswer, startHttpProxy, type HttpProxy } from "../support/http-proxy.ts";
import { startPostgres, type Postgres } from "../support/postgres.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import type { User } from "../support/user.ts";

/** What Synapse sent, and what it was told. */
interface Sent {
  readonly path: "ping" | "transaction";
  readonly status: number;
}

describe("transactions that Synapse holds back", () => {
  let postgres: Postgres;
  let database: TcpProxy;
  let proxy: HttpProxy;
  let deployment: Deployment;
  let alice: User;
  let agent: string;
  let roomId: string;
  const sent: Sent[] = [];
  /** Transactions with this event are taken for delivered by Synapse, as those that it strands. */
  let stranded: string | undefined;
  let isReached = true;

  before(async () => {
    postgres = await startPostgres();
    deployment = await startDeployment({
      database: "postgres",
      postgresUrl: postgres.adminUrl,
      through: async (edge, address) => {
        const url = new URL(address);
        if (edge === "bridge to synapse") return address;
        if (edge === "bridge to database") {
          database = await startTcpProxy(Number(url.port));
          url.port = String(database.port);
          return url.href;
        }
        proxy = await startHttpProxy(() => Number(url.port));
        proxy.intercept = async (passing) => {
          const path = passing.url.includes("/ping") ? "ping" : "transaction";
          const isStranded = stranded !== undefined && passing.body.includes(stranded);
          const answer = !isReached
            ? jsonAnswer(502, {})
            : isStranded
              ? jsonAnswer(200, {})
              : await proxy.forward(passing);
          if (!isStranded) sent.push({ path, status: answer.status });
          return answer;
        };
        return proxy.url;
      },
    });
    alice = await deployment.user("js-sdk", "alice");
    agent = deployment.agent("demo");
    roomId = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMember(roomId, agent);
    await answered(await say("hello"));
    await deployment.stopBridge();
    await deployment.startBridge();
    // The searches of the start, of which the second comes a while after the first, are over.
    await eventually("the searches of the start", () => roomsRead() >= 2, { timeoutMs: 60_000 });
  });
  after(async () => {
    await deployment.stop();
    await Promise.all([proxy.stop(), database.stop()]);
    await postgres.stop();
  });

  function roomsRead(): number {
    return deployment.bridge
      .logs()
      .filter(({ msg, path }) => msg === "homeserver call" && String(path).endsWith("/messages")).length;
  }

  const say = (body: string): Promise<string> => alice.sendText({ roomId, body });

  async function answered(question: string): Promise<void> {
    const where = ({ content }: { readonly content: Readonly<Record<string, unknown>> }): boolean =>
      answeredEvent(content) === question;
    await alice.waitMessage({ roomId, sender: agent, timeoutMs: 60_000, where });
  }

  function answersOnce(): void {
    const answers = alice
      .messages(roomId)
      .flatMap(({ sender, content }) => (sender === agent ? (answeredEvent(content) ?? []) : []));
    assert.equal(new Set(answers).size, answers.length);
  }

  it("because a proxy before the bridge was away are noticed by their age, and one that was stranded is read", async () => {
    isReached = false;
    const held = await say("while the proxy was away");
    await eventually("Synapse to have failed", () => sent.some(({ status }) => status === 502));
    stranded = await say("stranded without a word");
    isReached = true;
    await answered(held);
    await answered(stranded);
    answersOnce();
  });

  it("because the database was away come at a ping as soon as it is back, not minutes later, and one that was stranded is read", async () => {
    database.setMode("refuse");
    const held = await say("while the database was away");
    const failures = (): number => sent.filter(({ status }) => status === 500).length;
    // It waits 2, 4 and 8 seconds, and would wait 16.
    await eventually("Synapse to have tried for some time", () => failures() >= 4, { timeoutMs: 60_000 });
    stranded = await say("stranded");
    sent.length = 0;
    database.setMode("pass");
    await answered(held);
    const back = sent.filter(({ status }) => status === 200);
    assert.deepEqual(back[0], { path: "ping", status: 200 });
    await answered(stranded);
    stranded = undefined;
    answersOnce();
  });
});
