import { after, before, describe, it } from "node:test";
import { FloodWorld } from "./world.ts";

const EVENTS = 800;
/** As many as fit into an event, which may have 64 KiB: nothing takes more memory for its size. */
const EMPTY_LISTS = 20_000;

/** State that a member can put into a room. Synapse itself takes minutes to accept so much, so the proxy adds it. */
const MORE_STATE = Buffer.from(
  Array.from({ length: EVENTS }, (_, index) => {
    const lists = `[${"[],".repeat(EMPTY_LISTS)}[]]`;
    return `,{"type":"org.example.flood","state_key":"${index}","sender":"@mallory:example.test","content":{"lists":${lists}}}`;
  }).join(""),
);

describe("a room whose state has fifty megabytes", () => {
  let world: FloodWorld;
  before(async () => {
    world = await FloodWorld.start();
  });
  after(() => world.stop());

  it("gets answers, and keeps nobody else waiting", async () => {
    let roomId = "";
    world.intercept = async (request, forward) => {
      const answer = await forward();
      const { pathname } = new URL(request.url, "http://localhost");
      if (pathname !== `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/state`) return answer;
      const { body } = answer;
      return {
        ...answer,
        body: Buffer.concat([body.subarray(0, body.lastIndexOf("]")), MORE_STATE, Buffer.from("]")]),
      };
    };
    await world.flood(
      "MB of state",
      async () => {
        roomId = await world.alice.createRoom({ invite: [world.demo] });
        const waits = [await world.askIn(roomId, world.demo, 120_000)];
        // After each change the state is read again.
        for (let change = 0; change < 3; change++) {
          await world.alice.request("PUT", `/v3/rooms/${encodeURIComponent(roomId)}/state/m.room.name`, {
            name: `name ${change}`,
          });
          waits.push(await world.askIn(roomId, world.demo, 120_000));
        }
        console.log(`the answers came after ${waits.map((ms) => ms.toFixed()).join(", ")} ms`);
        return Math.round(MORE_STATE.length / 1_000_000);
      },
      { pauseMs: 200, grownMiB: 400, lines: 200, waitMs: 15_000 },
    );
  });
});
