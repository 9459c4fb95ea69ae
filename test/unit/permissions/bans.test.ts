import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Bans, isPolicyEvent, parseBanList } from "../../../src/permissions/bans.ts";

const ban = (type: string, entity: unknown, recommendation: unknown = "m.ban", state_key = "r") => ({
  type,
  state_key,
  content: { entity, recommendation, reason: "spam" },
});

describe("a ban list", () => {
  it("is read from the rules in a room's state, also in their forms from before the specification", () => {
    assert.deepEqual(
      parseBanList([
        ban("m.policy.rule.user", "@spam:evil.example"),
        ban("m.policy.rule.server", "*.evil.example"),
        ban("m.policy.rule.room", "!bad:evil.example"),
        ban("m.room.rule.user", "@old:evil.example"),
        ban("org.matrix.mjolnir.rule.server", "older.example", "org.matrix.mjolnir.ban"),
        ban("m.policy.rule.user", "@spam:evil.example", "m.ban", "again"),
      ]),
      [
        { kind: "user", entity: "@spam:evil.example" },
        { kind: "server", entity: "*.evil.example" },
        { kind: "room", entity: "!bad:evil.example" },
        { kind: "user", entity: "@old:evil.example" },
        { kind: "server", entity: "older.example" },
      ],
    );
  });

  it("leaves out rules that are no ban or name no entity", () => {
    assert.deepEqual(
      parseBanList([
        ban("m.policy.rule.user", "@a:b", "m.mute"),
        ban("m.policy.rule.user", "@a:b", null),
        ban("m.policy.rule.user", ["@a:b"]),
        ban("m.policy.rule.user", 5),
        ban("m.policy.rule.user", ""),
        ban("m.policy.rule.user", `@${"a".repeat(300)}:b`),
        ban("m.policy.rule.user", "@a\0:b"),
        ban("m.policy.rule.user", "@\ud800:b"),
        ban("m.policy.rule.flavour", "@a:b"),
        { type: "m.policy.rule.user", content: { entity: "@a:b", recommendation: "m.ban" } },
        { type: "m.policy.rule.user", state_key: "taken back", content: {} },
      ]),
      [],
    );
    assert.ok(isPolicyEvent({ type: "m.policy.rule.user", state_key: "" }));
    assert.ok(!isPolicyEvent({ type: "m.policy.rule.user" }));
    assert.ok(!isPolicyEvent({ type: "m.room.name", state_key: "" }));
  });
});

describe("a user or room that may be banned", () => {
  const bans = new Bans([
    { kind: "user", entity: "@spam:good.example" },
    { kind: "user", entity: "@spam*:*" },
    { kind: "server", entity: "Evil.example" },
    { kind: "server", entity: "*.evil.example" },
    { kind: "room", entity: "!bad:good.example" },
  ]);

  for (const [userId, isBanned] of [
    ["@spam:good.example", true],
    ["@spammer:good.example", true],
    ["@alice:good.example", false],
    ["@alice:evil.example", true],
    ["@alice:EVIL.example", true],
    ["@alice:evil.example:8448", true],
    ["@alice:sub.evil.example", true],
    ["@alice:notevil.example", false],
  ] as const) {
    it(`is ${isBanned ? "" : "not "}${userId}`, () => assert.equal(bans.hasUser(userId), isBanned));
  }

  it("is banned as a room only by its id", () => {
    assert.ok(bans.hasRoom("!bad:good.example"));
    assert.ok(!bans.hasRoom("!good:evil.example"));
  });

  it("is checked quickly, however many rules there are and whatever they look like", () => {
    const many = new Bans(
      Array.from({ length: 20_000 }, (_, i) => ({ kind: "user" as const, entity: `@*a*a*a*a${i}*a*a*a*b:*` })),
    );
    const begin = performance.now();
    assert.ok(!many.hasUser(`@${"a".repeat(200)}:good.example`));
    assert.ok(performance.now() - begin < 2_000);
  });
});
