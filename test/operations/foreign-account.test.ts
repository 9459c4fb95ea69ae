import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import type { Result } from "../../src/doctor/report.ts";
import type { LogLine } from "../support/bridge.ts";
import { prepareDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import { startHomeserver } from "../support/homeserver.ts";
import type { User } from "../support/user.ts";

const PASSWORD = "bob's own";

describe("an agent whose name is somebody's account already", () => {
  let deployment: Deployment;
  let bob: string;
  let alice: User;

  before(async () => {
    deployment = await prepareDeployment({
      agents: {
        demo: { provider: "demo", display_name: "Demo" },
        bob: { provider: "demo", display_name: "Bob" },
        carol: { provider: "demo", display_name: "Carol" },
      },
    });
    // The account is older than the bridge's namespace.
    const { port } = deployment.synapse;
    await deployment.synapse.stop();
    const before = await startHomeserver({ directory: deployment.synapseDirectory, port });
    bob = await signIn(before, "agent_bob", "Bob's phone");
    // The homeserver has never seen this session.
    await signIn(before, "agent_carol", undefined);
    assert.equal(await bobsStatus(before.url), 200);
    await before.stop();
    await deployment.restartSynapse();
    await deployment.startBridge();
  });
  after(() => deployment.stop());

  /** Makes an account with a session; resolves with its access token. */
  async function signIn(
    on: Awaited<ReturnType<typeof startHomeserver>>,
    user: string,
    deviceName: string | undefined,
  ): Promise<string> {
    await on.registerUser(user, PASSWORD);
    const login = await fetch(`${on.url}/_matrix/client/v3/login`, {
      method: "POST",
      body: JSON.stringify({
        type: "m.login.password",
        identifier: { type: "m.id.user", user },
        password: PASSWORD,
        initial_device_display_name: deviceName,
      }),
    });
    return ((await login.json()) as { access_token: string }).access_token;
  }

  async function bobsStatus(url: string): Promise<number> {
    const answer = await fetch(`${url}/_matrix/client/v3/account/whoami`, {
      headers: { authorization: `Bearer ${bob}` },
    });
    await answer.body?.cancel();
    return answer.status;
  }

  function lines(words: string): LogLine[] {
    return deployment.bridge.logs().filter(({ msg }) => msg.includes(words));
  }

  async function sessions(): Promise<string> {
    const { stdout } = await deployment.command(["doctor", "--json"]);
    const { checks } = JSON.parse(stdout) as { checks: Result[] };
    return JSON.stringify(checks.find(({ check }) => check === "sessions"));
  }

  it("is silent, and the log and doctor say what to do; the others work", async () => {
    const reasonFor = (user: string): string | undefined =>
      lines("this agent's user is somebody's account")
        .map((line) => String(line["reason"]))
        .find((reason) => reason.startsWith(user));
    await eventually(
      "the refusals",
      () => reasonFor("@agent_bob") !== undefined && reasonFor("@agent_carol") !== undefined,
    );
    assert.match(
      reasonFor("@agent_bob") ?? "",
      /^@agent_bob:example\.test is somebody's account .*deactivate it.*rename.*matrix-agents adopt/,
    );
    const told = deployment.bridge.logs().filter((line) => JSON.stringify(line).includes("somebody's account"));
    assert.doesNotMatch(JSON.stringify(told), /"stack"/);
    assert.match(await sessions(), /@agent_carol/);
    assert.match(await sessions(), /"bad".*signed in as @agent_bob:.*Bob's phone.*matrix-agents adopt @agent_bob/);
    assert.equal(await bobsStatus(deployment.synapse.url), 200, "nobody was signed out");

    alice = await deployment.user("js-sdk", "alice");
    const roomId = await alice.createRoom({ direct: true, invite: [deployment.agent("demo")] });
    await alice.waitMember(roomId, deployment.agent("demo"));
  });

  it("is taken over by an admin's word, which ends the sessions", async () => {
    const { code, stdout, stderr } = await deployment.command(["adopt", "bob"]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^1 session of @agent_bob:example\.test ended; .*within a minute/);
    assert.match(stdout, /If it has a password, that still works/);
    assert.equal(await bobsStatus(deployment.synapse.url), 401);
    assert.match(
      (await deployment.command(["adopt", "carol"])).stdout,
      /^1 session of @agent_carol:example\.test ended/,
    );

    const agent = deployment.agent("bob");
    const roomId = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMember(roomId, agent);
    const question = await alice.sendText({ roomId, body: "hello" });
    await alice.waitMessage({ roomId, sender: agent, after: question, timeoutMs: 60_000 });
    assert.match(await sessions(), /"good"/);
    const again = await deployment.command(["adopt", agent]);
    assert.match(again.stdout, /nobody is signed in as @agent_bob/);
    const stranger = await deployment.command(["adopt", "nobody"]);
    assert.equal(stranger.code, 2);
    assert.match(stranger.stderr, /the homeserver has no user @agent_nobody/);
  });

  it("is no longer refused when somebody signs in later, which doctor says as long as it lasts", async () => {
    const login = await fetch(`${deployment.synapse.url}/_matrix/client/v3/login`, {
      method: "POST",
      body: JSON.stringify({
        type: "m.login.password",
        identifier: { type: "m.id.user", user: "agent_bob" },
        password: PASSWORD,
      }),
    });
    bob = ((await login.json()) as { access_token: string }).access_token;
    assert.equal(await bobsStatus(deployment.synapse.url), 200);
    await deployment.stopBridge();
    await deployment.startBridge();
    assert.equal(lines("this agent's user is somebody's account").length, 0);
    assert.match(await sessions(), /"bad".*signed in as @agent_bob/);
  });
});

describe("a bridge whose database was lost", () => {
  let deployment: Deployment;
  before(async () => {
    deployment = await prepareDeployment({ database: "embedded" });
    await deployment.startBridge();
    await deployment.stopBridge();
  });
  after(() => deployment.stop());

  it("takes its own users for its own", async () => {
    await rm(`${deployment.settings.directory}/data`, { recursive: true });
    await deployment.startBridge();
    const refused = deployment.bridge.logs().filter(({ msg }) => msg.includes("somebody's account"));
    assert.deepEqual(refused, []);
  });
});
