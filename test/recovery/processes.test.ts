import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { answeredEvent } from "../../src/matrix/relation.ts";
import { startBridge, type RunningBridge } from "../support/bridge.ts";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import { writeSecondConfig } from "../support/second-bridge.ts";
import type { User } from "../support/user.ts";

const AGENTS = ["a", "b", "c", "d", "e", "f"];

/**
 * Two processes on one PostgreSQL. The homeserver knows only the first; every agent belongs to one process at a time.
 */
describe("two processes on one database", () => {
  let deployment: Deployment;
  let second: RunningBridge;
  let config: string;
  let alice: User;
  const rooms = new Map<string, string>();
  const questions = new Map<string, string>();

  before(async () => {
    deployment = await startDeployment({
      database: "postgres",
      agents: Object.fromEntries(AGENTS.map((name) => [name, { provider: "demo" }])),
      extraConfig: { leases: { expire_after: "3s" } },
    });
    ({ config } = await writeSecondConfig(deployment.files.config));
    second = await startBridge({ config });
    alice = await deployment.user("js-sdk", "alice");
    for (const name of AGENTS) {
      const agent = deployment.agent(name);
      const roomId = await alice.createRoom({ direct: true, invite: [agent] });
      await alice.waitMember(roomId, agent);
      rooms.set(name, roomId);
    }
  });
  after(async () => {
    await second.stop();
    await deployment.stop();
  });

  function answersTo(name: string, question: string): number {
    return alice
      .messages(rooms.get(name) ?? "")
      .filter(({ sender, content }) => sender === deployment.agent(name) && answeredEvent(content) === question).length;
  }

  async function ask(body: string, names: readonly string[] = AGENTS): Promise<string[]> {
    const asked = await Promise.all(names.map((name) => alice.sendText({ roomId: rooms.get(name) ?? "", body })));
    for (const [index, name] of names.entries()) questions.set(asked[index] ?? "", name);
    return asked;
  }

  async function answered(asked: readonly string[]): Promise<void> {
    await eventually(
      "all to be answered",
      () => asked.every((question) => answersTo(questions.get(question) ?? "", question) > 0),
      { timeoutMs: 60_000 },
    );
  }

  /** The agents whose turns a process has ended, since a line of its log. */
  function workOf(bridge: RunningBridge, since = 0): Set<string> {
    const ended = bridge
      .logs()
      .slice(since)
      .filter((line) => line.msg === "turn ended");
    return new Set(ended.map((line) => String(line["ghost"])));
  }

  it("share the agents, whichever of them gets the messages", async () => {
    // The second process came while the first had all agents; an agent that is to move does so when nobody needs it.
    for (let round = 0; workOf(second).size === 0; round++) {
      assert.ok(round < 60, "the second process got none");
      await answered(await ask(`round ${round}`));
    }
    await answered(await ask("and once more"));
    assert.ok(workOf(deployment.bridge).size > 0);
  });

  it("both heed a pause at once, and its end", async () => {
    const all = async (verb: "pause" | "resume"): Promise<void> => {
      for (const name of AGENTS) {
        const { code, stderr } = await deployment.command([verb, name]);
        assert.equal(code, 0, stderr);
      }
    };
    const refused = ({ msg }: { readonly msg: string }): boolean => msg === "a question to a paused agent is not asked";
    // Both have agents by now.
    await all("pause");
    const asked = await ask("while all are paused");
    await eventually("each process to have refused some", () =>
      [deployment.bridge, second].every((bridge) => bridge.logs().some(refused)),
    );
    await eventually(
      "all to have said why",
      () =>
        AGENTS.every((name) => alice.messages(rooms.get(name) ?? "").some(({ body }) => body.includes("is paused by"))),
      { timeoutMs: 60_000 },
    );
    await all("resume");
    await answered(await ask("after the pause"));
    for (const question of asked) {
      const name = questions.get(question) ?? "";
      const answers = alice
        .messages(rooms.get(name) ?? "")
        .filter(({ sender, content }) => sender === deployment.agent(name) && answeredEvent(content) === question);
      assert.deepEqual(
        answers.map(({ content }) => content["msgtype"]),
        ["m.notice"],
        "only told",
      );
    }
  });

  it("take over from one that was killed, at once, and share again when it comes back", async () => {
    const since = deployment.bridge.logs().length;
    await second.kill();
    await answered(await ask("after the kill"));
    // A turn ends a moment after its answer is there.
    await eventually("the first to have done all", () => workOf(deployment.bridge, since).size === AGENTS.length);
    second = await startBridge({ config });
    for (let round = 0; workOf(second).size === 0; round++) {
      assert.ok(round < 60, "the second process got none");
      await answered(await ask(`back, round ${round}`));
    }
  });

  it("take over from one that is frozen, which has lost its agents when it goes on", async () => {
    process.kill(second.pid, "SIGSTOP");
    const frozen = await ask("while one is frozen");
    await answered(frozen);
    process.kill(second.pid, "SIGCONT");
    await answered(await ask("after it goes on"));
  });

  it("take over unfinished work, and end in order", async () => {
    const asked = await ask("just before the stop");
    assert.deepEqual(await second.stop(), { code: 0, signal: null });
    await answered(asked);
    await answered(await ask("with one alone"));
  });

  it("have answered every question once, and nothing that could not be read", () => {
    for (const [question, name] of questions) assert.equal(answersTo(name, question), 1, `${name}: ${question}`);
    const unread = AGENTS.flatMap((name) => alice.messages(rooms.get(name) ?? "")).filter(
      (message) => message.decryptionError !== undefined,
    );
    assert.deepEqual(unread, []);
  });
});
