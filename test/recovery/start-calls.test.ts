import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { prepareDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import { devicesIn, queryKeys } from "../support/first-contact.ts";
import { startHttpProxy, type HttpProxy, type PassingRequest } from "../support/http-proxy.ts";
import type { User } from "../support/user.ts";

const NAMES = Array.from({ length: 24 }, (_, index) => `a${index}`);
const IN_ROOM = 2;

describe("a start with many agents", () => {
  let deployment: Deployment;
  let proxy: HttpProxy;
  let calls: string[] = [];
  /** The calls until the bridge began to search the rooms: after that come only the slow ones. */
  let early: readonly string[] | undefined;
  const joins = { now: 0, most: 0 };
  let alice: User;
  let roomId: string;

  async function joining<T>(forward: () => Promise<T>): Promise<T> {
    joins.most = Math.max(joins.most, ++joins.now);
    try {
      return await forward();
    } finally {
      joins.now--;
    }
  }

  before(async () => {
    deployment = await prepareDeployment({
      agents: Object.fromEntries(NAMES.map((name) => [name, { provider: "demo" }])),
      extraConfig: { sync: { interval: "20s" } },
      through: async (edge, url) => {
        if (edge !== "bridge to synapse") return url;
        proxy = await startHttpProxy(() => Number(new URL(url).port));
        proxy.intercept = (request) => {
          const kind = kindOf(request);
          if (kind === "GET messages") early ??= [...calls];
          calls.push(kind);
          return kind === "POST join" ? joining(() => proxy.forward(request)) : proxy.forward(request);
        };
        return proxy.url;
      },
    });
  });
  after(async () => {
    await deployment.stop();
    await proxy.stop();
  });

  it("makes an agent with eight calls, and asks for nothing of a user that it has just made", async () => {
    await deployment.startBridge();
    alice = await deployment.user("js-sdk", "alice");
    const users = NAMES.length + 1;
    const pictures = (): number => calls.filter((call) => call === "PUT avatar_url").length;
    await eventually("all pictures", () => pictures() === users);
    const counts = new Map<string, number>();
    for (const call of calls) counts.set(call, (counts.get(call) ?? 0) + 1);
    // The search, which begins meanwhile, asks about a few of them at once and then slowly.
    for (const ofSearch of ["GET joined_rooms", "GET sync of invites"]) counts.delete(ofSearch);
    const often = [...counts].filter(([, count]) => count > 2).map(([kind, count]) => `${count} ${kind}`);
    const made = [
      "POST register",
      "PUT displayname",
      // Devices are named by their ids.
      "PUT device",
      "PUT org.matrix-agents.store",
      "POST device_signing/upload",
      "POST keys/upload",
      "POST upload",
      "PUT avatar_url",
    ];
    assert.deepEqual(often.toSorted(), made.map((kind) => `${users} ${kind}`).toSorted());
  });

  it("publishes each agent's device with its signature, and keeps its identity's secrets", async () => {
    const keys = await queryKeys(
      alice,
      NAMES.map((name) => deployment.agent(name)),
    );
    for (const name of NAMES) {
      const devices = devicesIn(keys, deployment.agent(name));
      assert.deepEqual(
        devices.map(({ signed }) => signed),
        [true],
        name,
      );
    }
    const { code, stdout } = await deployment.command(["keys", "backup"]);
    assert.equal(stdout.match(/: identity kept, no room keys yet/g)?.length, NAMES.length + 1, stdout);
    assert.equal(code, 0, stdout);
  });

  it("lets agents join a room one after the other: Synapse would let them wait for each other until they time out", async () => {
    const invite = NAMES.slice(IN_ROOM, IN_ROOM + 8).map((name) => deployment.agent(name));
    const room = await alice.createRoom({ invite, encrypted: false });
    for (const agent of invite) await alice.waitMember(room, agent);
    assert.equal(calls.filter((call) => call === "POST join").length, invite.length);
    assert.equal(joins.most, 1);
  });

  it("asks, when it is the second, about no more agents without rooms at once than with ten, and loads none", async () => {
    const invite = NAMES.slice(0, IN_ROOM).map((name) => deployment.agent(name));
    roomId = await alice.createRoom({ invite, encrypted: true });
    for (const agent of invite) await alice.waitMember(roomId, agent);
    // Handled by all of them, so that the next start finds nothing unread.
    const question = await alice.sendText({ roomId, body: "hello", mentions: invite });
    for (const agent of invite) await alice.waitMessage({ roomId, sender: agent, after: question });
    await deployment.stopBridge();
    calls = [];
    early = undefined;
    await deployment.startBridge();
    const synced = (): number => calls.filter((call) => call === "GET sync of a device").length;
    const isAsked = (): boolean => early !== undefined && synced() >= IN_ROOM;
    await eventually("the rooms to be searched, and their agents to be asked", isAsked, { timeoutMs: 60_000 });
    const count = (kind: string): number => (early ?? []).filter((call) => call === kind).length;
    assert.equal(count("GET joined_rooms"), 10);
    assert.equal(count("GET sync of invites"), 10);
    assert.equal(count("GET sync of a device"), 0, "spread over the interval");
    assert.equal(synced(), IN_ROOM);
    for (const ofLoading of ["GET org.matrix-agents.store", "PUT org.matrix-agents.store", "POST register"]) {
      assert.ok(!calls.includes(ofLoading), ofLoading);
    }
    assert.ok(!calls.some((call) => call.startsWith("PUT displayname")), "profiles are known");
  });

  it("asks the same, and loads none, in a round after that", async () => {
    calls = [];
    // The return of the homeserver begins a round.
    await deployment.restartSynapse();
    const synced = (): number => calls.filter((call) => call === "GET sync of a device").length;
    await eventually("a round", () => synced() >= IN_ROOM, { timeoutMs: 60_000 });
    for (const ofLoading of ["GET org.matrix-agents.store", "PUT org.matrix-agents.store"]) {
      assert.ok(!calls.includes(ofLoading), ofLoading);
    }
  });

  it("answers as before", async () => {
    const [agent] = NAMES.map((name) => deployment.agent(name));
    assert.ok(agent);
    const question = await alice.sendText({ roomId, body: "still there?", mentions: [agent] });
    const answer = await alice.waitMessage({ roomId, sender: agent, after: question });
    assert.equal(answer.encrypted, true);
  });
});

function kindOf({ method, url }: PassingRequest): string {
  const { pathname, searchParams } = new URL(url, "http://homeserver");
  if (pathname.includes("/v3/join/")) return `${method} join`;
  const what = /[^/]+$|(?:keys|device_signing|signatures)\/upload$/.exec(pathname)?.[0] ?? "";
  if (/^[A-Z]{10}$/.test(what)) return `${method} device`;
  if (what !== "sync") return `${method} ${what}`;
  if (searchParams.has("device_id")) return `${method} sync of a device`;
  return searchParams.get("filter")?.includes("no-room.invalid") === true
    ? `${method} sync of invites`
    : `${method} sync`;
}
