import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { eventually } from "../support/eventually.ts";
import { FloodWorld, inParallel } from "./world.ts";

/** Each of them is invited to again whenever the agent has declined: to make more rooms would take minutes. */
const ROOMS = 50;
const TIMES = 4;
const QUOTA = 10;

const UNLIMITED = { per_second: 10_000, burst_count: 10_000 };

describe("two hundred invites of one person", () => {
  let world: FloodWorld;
  before(async () => {
    world = await FloodWorld.start({
      extraConfig: { permissions: { invites_per_day: { user: QUOTA } } },
      synapse: {
        extraConfig: {
          rc_invites: { per_room: UNLIMITED, per_user: UNLIMITED, per_issuer: UNLIMITED },
          rc_room_creation: UNLIMITED,
        },
      },
    });
  });
  after(() => world.stop());

  it("are accepted up to the quota, and keep nobody else waiting", async () => {
    const mallory = await world.flooder("mallory");
    const rooms: string[] = [];
    await inParallel(Array.from({ length: ROOMS }), 8, async () => {
      const { room_id: roomId } = await mallory.request<{ room_id: string }>("POST", "/v3/createRoom", {});
      rooms.push(roomId);
    });
    const membershipIn = async (roomId: string): Promise<string> => {
      const path = `/v3/rooms/${encodeURIComponent(roomId)}/state/m.room.member/${encodeURIComponent(world.demo)}`;
      return (await mallory.request<{ membership: string }>("GET", path)).membership;
    };
    let invited = 0;
    let accepted = 0;
    await world.flood(
      "invites",
      async () => {
        await inParallel(rooms, ROOMS, async (roomId) => {
          for (let time = 0; time < TIMES; time++) {
            const path = `/v3/rooms/${encodeURIComponent(roomId)}/invite`;
            await mallory.request("POST", path, { user_id: world.demo });
            invited++;
            const membership = await eventually(
              "the invite to be answered",
              async () => {
                const now = await membershipIn(roomId);
                return now !== "invite" && now;
              },
              { timeoutMs: 120_000, intervalMs: 500 },
            );
            if (membership !== "join") continue;
            accepted++;
            break;
          }
        });
        return invited;
      },
      {
        pauseMs: 200,
        grownMiB: 200,
        rows: { events: 4 * ROOMS * TIMES },
        lines: 3 * ROOMS * TIMES,
        waitMs: 15_000,
      },
    );
    assert.equal(accepted, QUOTA);
  });
});
