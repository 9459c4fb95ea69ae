import { after, before, describe, it } from "node:test";
import { eventually } from "../support/eventually.ts";
import { FloodWorld, inParallel } from "./world.ts";

const COUNT = 1_000;

describe("a thousand threads with one agent", () => {
  let world: FloodWorld;
  before(async () => {
    world = await FloodWorld.start();
  });
  after(() => world.stop());

  it("wait up to the limits, and keep nobody else waiting", async () => {
    const mallory = await world.flooder("mallory");
    const { room_id: roomId } = await mallory.request<{ room_id: string }>("POST", "/v3/createRoom", {
      invite: [world.demo, world.alice.userId],
    });
    await world.alice.join(roomId);
    await world.alice.waitMember(roomId, world.demo);
    const say = async (content: object): Promise<string> => {
      const path = `/v3/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${crypto.randomUUID()}`;
      return (await mallory.request<{ event_id: string }>("PUT", path, content)).event_id;
    };
    const roots: string[] = [];
    await inParallel(
      Array.from({ length: COUNT }, (_, index) => index),
      8,
      async (index) => roots.push(await say({ msgtype: "m.text", body: `root ${index}`, "m.mentions": {} })),
    );
    await world.flood(
      "threads",
      async () => {
        await inParallel(roots, 8, (root) =>
          say({
            msgtype: "m.text",
            body: `what of this? ${"word ".repeat(100)}`,
            "m.mentions": { user_ids: [world.demo] },
            "m.relates_to": { rel_type: "m.thread", event_id: root },
          }),
        );
        await eventually(
          "all to be handled",
          async () => (await world.rows()).get("mailbox") === 0 && (await world.unfinishedTurns()) === 0,
          { timeoutMs: 600_000, intervalMs: 500 },
        );
        return COUNT;
      },
      {
        pauseMs: 200,
        grownMiB: 250,
        rows: {
          events: 4 * COUNT,
          messages: 3 * COUNT,
          turns: COUNT + 200,
          sends: 2 * COUNT,
          exchanges: COUNT,
          provider_requests: COUNT + 200,
        },
        lines: 5_000,
        waitMs: 15_000,
      },
    );
  });
});
