import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ANSWERS_FIELD } from "../../../src/matrix/relation.ts";
import type { HomeserverClient } from "../../../src/homeserver/client.ts";
import { parseTransaction, type RoomEvent } from "../../../src/homeserver/transaction.ts";
import { Mailbox } from "../../../src/mailbox/mailbox.ts";
import { MissedEvents } from "../../../src/mailbox/missed-events.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { sealsOf } from "../../support/seals.ts";

const LLAMA = "@agent_llama:example.test";
const ROOM = "!room:example.test";

function event(event_id: string, fields: Partial<RoomEvent> = {}): RoomEvent {
  const content = { msgtype: "m.text", body: "hello" };
  const sender = "@alice:example.test";
  return { event_id, room_id: ROOM, sender, type: "m.room.message", content, origin_server_ts: 1, ...fields };
}

function reaction(event_id: string, target: string, key: string): RoomEvent {
  const content = { "m.relates_to": { rel_type: "m.annotation", event_id: target, key } };
  return event(event_id, { sender: LLAMA, type: "m.reaction", content });
}

forEachDatabase((_kind, open) => {
  describe("an event that a restored database does not know", () => {
    it("is taken where no reply, no later answer to it, and no reaction of ours answered it", async () => {
      const database = await open();
      const mailbox = new Mailbox({
        database,
        seals: sealsOf(database),
        noteState: () => Promise.resolve(),
        isGhost: (userId) => userId === LLAMA,
        log: silentLogger(),
      });
      const join = event("$join", { type: "m.room.member", state_key: LLAMA, content: { membership: "join" } });
      await mailbox.store(parseTransaction("1", { events: [join, event("$known")] }));
      await mailbox.store(parseTransaction("2", { events: [event("$latest")] }));
      const answer = (target: string, field: string): RoomEvent =>
        event(`$answer ${target}`, {
          sender: LLAMA,
          content: { msgtype: "m.text", body: "yes", "m.relates_to": { [field]: { event_id: target } } },
        });
      const oldestFirst = [
        event("$known"),
        event("$replied"),
        answer("$replied", "m.in_reply_to"),
        event("$followed"),
        answer("$followed", ANSWERS_FIELD),
        event("$command"),
        reaction("$done", "$command", "🔁"),
        event("$open"),
        reaction("$taken", "$open", "👀"),
        event("$latest"),
      ];
      const client = { request: () => Promise.resolve({ chunk: oldestFirst.toReversed() }) };
      const found: string[] = [];
      const missed = new MissedEvents({
        database,
        client: client as unknown as HomeserverClient,
        deliver: ({ events }) => {
          found.push(...events.filter(({ sender }) => sender !== LLAMA).map(({ event_id }) => event_id));
          return Promise.resolve();
        },
        isOurs: () => true,
        isGhost: (userId) => userId === LLAMA,
        log: silentLogger(),
      });
      await missed.find(new AbortController().signal);
      assert.deepEqual(found, ["$open"]);
    });
  });
});
