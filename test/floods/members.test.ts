import { after, before, describe, it } from "node:test";
import { jsonAnswer } from "../support/http-proxy.ts";
import { PersonOfKeys, withKeysOf } from "../support/many-devices.ts";
import { FloodWorld } from "./world.ts";

/** With ten thousand the first answer takes minutes, see SECURITY.md: `FLOOD=10000` shows it. */
const COUNT = Number(process.env["FLOOD"] ?? 1_000);

describe("a room of a thousand members", () => {
  let world: FloodWorld;
  before(async () => {
    world = await FloodWorld.start();
  });
  after(() => world.stop());

  it("gets answers, and keeps nobody else waiting", async () => {
    const people = new Map(
      Array.from({ length: COUNT }, (_, index) => {
        const person = new PersonOfKeys(`@member${index}:example.test`, 1);
        return [person.userId, person];
      }),
    );
    let roomId = "";
    const requests = new Map<string, number>();
    world.intercept = async (request, forward) => {
      const [, call = ""] = /client\/\w+\/(?:rooms\/[^/]+\/)?([^/?]+(?:\/[^/?]+)?)/.exec(request.url) ?? [];
      requests.set(call, (requests.get(call) ?? 0) + 1);
      // Messages that nobody reads are not sent.
      const isForMembers = !request.body.includes(world.alice.userId);
      if (request.url.includes("/sendToDevice/") && isForMembers) return jsonAnswer(200, {});
      const answer = withKeysOf(people, request, await forward());
      if (!request.url.endsWith(`/rooms/${encodeURIComponent(roomId)}/state`) && !isStateOf(request.url, roomId)) {
        return answer;
      }
      const joins = [...people.keys()].map((userId, index) => ({
        type: "m.room.member",
        state_key: userId,
        sender: userId,
        event_id: `$join${index}`,
        content: { membership: "join", displayname: userId },
      }));
      return jsonAnswer(200, [...(JSON.parse(answer.body.toString()) as object[]), ...joins]);
    };
    await world.flood(
      "members",
      async () => {
        roomId = await world.alice.createRoom({ invite: [world.demo] });
        console.log(`joining and the first answer: ${await world.askIn(roomId, world.demo, 600_000)} ms`);
        console.log(`the second answer: ${await world.askIn(roomId, world.demo, 600_000)} ms`);
        console.log(JSON.stringify(Object.fromEntries([...requests].filter(([, count]) => count > 3))));
        return COUNT;
      },
      {
        pauseMs: 600,
        grownMiB: 500,
        rows: { room_members: COUNT + 10, acquaintances: COUNT + 10, crypto_records: 5 * COUNT },
        lines: 200,
        waitMs: 15_000,
      },
    );
  });
});

function isStateOf(url: string, roomId: string): boolean {
  return new URL(url, "http://localhost").pathname === `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/state`;
}
