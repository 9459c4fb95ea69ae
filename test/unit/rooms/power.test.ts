import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isModerator, parseCreators } from "../../../src/rooms/power.ts";

const ALICE = "@alice:a.b";

describe("a moderator", () => {
  for (const [what, levels, expected] of [
    ["at the level", { users: { [ALICE]: 50 } }, true],
    ["below it", { users: { [ALICE]: 49 } }, false],
    ["by default", { users_default: 50 }, true],
    ["with a level written as text", { users: { [ALICE]: "100" } }, true],
    ["where the room asks for more", { users: { [ALICE]: 50 }, redact: 75 }, false],
    ["where the room asks for nothing", { redact: 0 }, true],
    ["of nobody's naming", {}, false],
    ["by rubbish", { users: { [ALICE]: {} }, redact: null }, false],
    ["without levels", undefined, false],
  ] as const) {
    it(`${expected ? "is" : "is not"} somebody ${what}`, () => {
      assert.equal(isModerator(levels, [], ALICE), expected);
    });
  }

  it("is the creator only where creators stand above all levels", () => {
    const create = (version: unknown): string[] =>
      parseCreators({ sender: ALICE, content: { room_version: version, additional_creators: ["@bob:a.b", 7] } });
    assert.deepEqual(create("12"), [ALICE, "@bob:a.b"]);
    assert.deepEqual(
      [create("11"), create(undefined), create("org.example.custom"), parseCreators(undefined)],
      [[], [], [], []],
    );
    assert.equal(isModerator({}, create("12"), ALICE), true);
  });
});
