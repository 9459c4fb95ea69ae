import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseTransaction, type Transaction } from "../../../src/homeserver/transaction.ts";

const NOW = 1_750_000_000_000;

function parse(body: unknown): Transaction {
  const transaction = parseTransaction("7", body, NOW);
  // Everything that is kept must be storable, and a transaction must never be lost silently.
  JSON.stringify(transaction);
  assert.equal(transaction.txnId, "7");
  return transaction;
}

function reasons(body: unknown): string[] {
  return parse(body).malformed.map((part) => part.reason);
}

const EVENT = {
  event_id: "$1",
  room_id: "!r:example.org",
  sender: "@a:example.org",
  type: "m.room.message",
  content: { body: "hi" },
  origin_server_ts: 1,
};

/** Arrays within arrays, as a JSON parser makes them: far deeper than recursion can go. */
function deepArray(depth: number): unknown {
  return JSON.parse("[".repeat(depth) + "]".repeat(depth));
}

describe("events of a transaction", () => {
  it("are kept in order with their fields", () => {
    const state = { ...EVENT, event_id: "$2", state_key: "", unsigned: { age: 1 }, redacts: "$0", user_id: "@a" };
    assert.deepEqual(parse({ events: [EVENT, state] }), {
      txnId: "7",
      events: [
        EVENT,
        {
          ...EVENT,
          event_id: "$2",
          state_key: "",
          unsigned: { age: 1 },
          redacts: "$0",
        },
      ],
      malformed: [],
      wakeUps: [],
      changedUsers: [],
    });
  });

  it("of a hundred with one broken lose only that one", () => {
    const events = Array.from({ length: 100 }, (_, index) => ({ ...EVENT, event_id: `$${index}` }));
    const { events: kept, malformed } = parse({ events: events.with(50, { ...EVENT, sender: 3 } as never) });
    assert.equal(kept.length, 99);
    assert.ok(kept.every((event) => event.event_id !== "$50"));
    assert.deepEqual(malformed, [{ reason: "event: no sender", raw: { ...EVENT, sender: 3 } }]);
  });

  for (const [what, event, reason] of [
    ["null", null, "not an object"],
    ["a string", "x", "not an object"],
    ["a list", [EVENT], "not an object"],
    ["without fields", {}, "no event_id"],
    ["with an empty event_id", { ...EVENT, event_id: "" }, "no event_id"],
    ["without room_id", { ...EVENT, room_id: undefined }, "no room_id"],
    ["with a null sender", { ...EVENT, sender: null }, "no sender"],
    ["with a numeric type", { ...EVENT, type: 1 }, "no type"],
    ["without content", { ...EVENT, content: undefined }, "content is not an object"],
    ["with content as a list", { ...EVENT, content: [] }, "content is not an object"],
    ["with a null state_key", { ...EVENT, state_key: null }, "state_key is not a string"],
    ["nested too deeply", { ...EVENT, content: { x: deepArray(100_000) } }, "nested more than 100 deep"],
  ] as const) {
    it(`are set aside: ${what}`, () => {
      const { events, malformed } = parse({ events: [event, EVENT] });
      assert.deepEqual(events, [EVENT]);
      assert.deepEqual(
        malformed.map((part) => part.reason),
        [`event: ${reason}`],
      );
    });
  }

  for (const time of [undefined, null, "1", -1, 1.5, Infinity, Number.MAX_VALUE]) {
    it(`get the time of arrival instead of ${String(time)}`, () => {
      assert.equal(parse({ events: [{ ...EVENT, origin_server_ts: time }] }).events[0]?.origin_server_ts, NOW);
    });
  }

  it("may have keys with a meaning in JavaScript", () => {
    const content = JSON.parse('{"__proto__":{"polluted":true},"constructor":1,"toString":null}') as object;
    const { events } = parse({ events: [{ ...EVENT, content }] });
    assert.equal(JSON.stringify(events[0]?.content), JSON.stringify(content));
    assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
  });

  it("are not taken from an inherited list", () => {
    const { events } = parse(JSON.parse(`{"__proto__":{"events":[${JSON.stringify(EVENT)}]}}`));
    assert.deepEqual(events, []);
  });

  it("of 64 KiB are kept whole", () => {
    const body = "x".repeat(65_536);
    assert.equal(parse({ events: [{ ...EVENT, content: { body } }] }).events[0]?.content["body"], body);
  });
});

describe("a transaction", () => {
  it("may be empty", () => assert.deepEqual(reasons({}), []));

  for (const body of [null, 1, "x", true, [], [EVENT]]) {
    it(`that is ${JSON.stringify(body).slice(0, 12)} is set aside whole`, () => {
      assert.deepEqual(parse(body).malformed, [{ reason: "the transaction is not an object", raw: body }]);
    });
  }

  it("that is endlessly nested is set aside without its content", () => {
    assert.deepEqual(parse(deepArray(100_000)).malformed, [{ reason: "the transaction is not an object", raw: null }]);
  });

  it("whose events are no list is set aside with that reason", () =>
    assert.deepEqual(reasons({ events: {} }), ["events is not a list"]));

  it("survives junk in every field", () => {
    const junk = [null, 1, "x", [], {}, [null], [{}], { a: null }, { a: { b: null } }, { a: [1] }, { "": {} }];
    const names = [
      "events",
      "ephemeral",
      "to_device",
      "de.sorunome.msc2409.to_device",
      "device_lists",
      "org.matrix.msc3202.device_lists",
      "device_one_time_keys_count",
      "org.matrix.msc3202.device_one_time_keys_count",
      "org.matrix.msc3202.device_unused_fallback_key_types",
    ];
    for (const name of names) {
      for (const value of junk) {
        const { events } = parse({ events: [EVENT], ...(name === "events" ? {} : { [name]: value }) });
        assert.equal(events.length, 1, `${name}: ${JSON.stringify(value)}`);
        parse({ [name]: value });
      }
    }
  });
});

describe("wake-ups", () => {
  const ghost = "@agent_a:example.org";

  for (const name of ["to_device", "de.sorunome.msc2409.to_device"]) {
    it(`are made for ${name}, once a device`, () => {
      const message = { type: "m.room.encrypted", to_user_id: ghost, to_device_id: "DEV", content: { secret: 1 } };
      const { wakeUps, malformed } = parse({ [name]: [message, message, { ...message, to_device_id: 1 }] });
      assert.deepEqual(wakeUps, [{ userId: ghost, deviceId: "DEV" }, { userId: ghost }]);
      assert.deepEqual(malformed, []);
    });
  }

  it("keep nothing of a malformed message, because it may hold keys", () => {
    assert.deepEqual(parse({ to_device: [{ type: "m.room_key", content: { session_key: "k" } }] }), {
      txnId: "7",
      events: [],
      wakeUps: [],
      changedUsers: [],
      malformed: [{ reason: "to-device message: no to_user_id", raw: null }],
    });
  });

  it("are made for key counts, also for cross-signing keys listed as devices", () => {
    const { wakeUps } = parse({
      "org.matrix.msc3202.device_one_time_keys_count": { [ghost]: { DEV: {}, "base64+key": {} } },
      "org.matrix.msc3202.device_unused_fallback_key_types": { [ghost]: { DEV: [] } },
    });
    assert.deepEqual(wakeUps, [
      { userId: ghost, deviceId: "DEV" },
      { userId: ghost, deviceId: "base64+key" },
    ]);
  });

  for (const name of ["device_lists", "org.matrix.msc3202.device_lists"]) {
    it(`distinguish the users of ${name} from them`, () => {
      const { wakeUps, changedUsers } = parse({ [name]: { changed: ["@a:x", "@b:x", 1, "@a:x"], left: ["@c:x"] } });
      assert.deepEqual(changedUsers, ["@a:x", "@b:x", "@c:x"]);
      assert.deepEqual(wakeUps, []);
    });
  }
});
