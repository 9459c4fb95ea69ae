import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ToolAgreements, type Standing } from "../../../src/answering/tool-agreement.ts";
import type { Act } from "../../../src/permissions/decisions.ts";
import type { DecidedTool } from "../../../src/tools/tool-access.ts";
import type { AskedPerson, OpenCall } from "../../../src/turns/turn-step.ts";
import type { Turn } from "../../../src/turns/turn.ts";

const ALICE = "@alice:example.test";
const BOB = "@bob:example.test";
const TURN = { ghost: "@agent_llama:example.test", roomId: "!room:example.test", asker: ALICE } as Turn;
const GOES_TO = { host: "tools.example.test", to: "local" } as const;

type Decision = Exclude<DecidedTool["decision"], { may: "refuse" }>;
const ASKER: Decision = { may: "ask", deciders: "asker", canGrant: true };
const MODERATORS: Decision = { may: "ask", deciders: "moderators", canGrant: true };

interface Case {
  readonly by?: string;
  readonly asked?: { readonly deciders?: "moderators"; readonly goesTo?: undefined };
  readonly decision?: Decision;
  readonly host?: string;
  readonly locality?: "local" | "cloud";
  readonly approverUsers?: readonly string[];
  readonly standing?: Partial<Standing>;
  readonly may?: readonly Act[];
  readonly isLost?: true;
}

function agreement(given: Case): Promise<string> {
  const { asked = {}, decision = ASKER, host = GOES_TO.host, locality = "local", approverUsers = [] } = given;
  const { standing = {}, may = ["command"], by, isLost } = given;
  const agreements = new ToolAgreements({
    permissions: { allows: ({ act }) => may.includes(act) },
    standingOf: () => Promise.resolve({ isJoined: true, isModerator: false, ...standing }),
  });
  const call = {
    ...{ id: "1", name: "tool", arguments: {}, mayRepeat: false },
    asked: { deciders: "asker", canGrant: true, goesTo: GOES_TO, ...asked } as AskedPerson,
    ...(isLost === undefined ? {} : { isLost }),
  } as const;
  const step: OpenCall = {
    ...{ number: 2, askedOf: "tool", state: "approved", call },
    ...(by === undefined ? {} : { decidedBy: by }),
  };
  const tool = { decision, host, rules: { locality, approverUsers } } as unknown as DecidedTool;
  return agreements.about(TURN, step, tool);
}

describe("an agreement to a call, when the call is made", () => {
  it("is missing until somebody gives it, and unneeded where nobody is asked", async () => {
    assert.equal(await agreement({}), "missing");
    assert.equal(await agreement({ decision: { may: "call" } }), "unneeded");
    assert.equal(await agreement({ decision: { may: "call" }, isLost: true }), "missing");
  });

  it("is given by the asker, a moderator, or somebody whom the admin names", async () => {
    assert.equal(await agreement({ by: ALICE }), "given");
    assert.equal(await agreement({ by: BOB, standing: { isModerator: true } }), "given");
    assert.equal(await agreement({ by: BOB, may: ["command", "moderate"] }), "given");
    assert.equal(await agreement({ by: BOB, approverUsers: ["@bob:*"] }), "given");
    const moderators = { decision: MODERATORS, asked: { deciders: "moderators" } } as const;
    assert.equal(await agreement({ ...moderators, by: BOB, standing: { isModerator: true } }), "given");
    assert.equal(await agreement({ by: ALICE, decision: { may: "call" }, isLost: true }), "given");
    // Of a former version.
    assert.equal(await agreement({ by: ALICE, asked: { goesTo: undefined }, host: "other.example.test" }), "given");
  });

  it("has lapsed where that person could not give it now", async () => {
    assert.equal(await agreement({ by: BOB }), "lapsed");
    assert.equal(await agreement({ by: ALICE, standing: { isJoined: false } }), "lapsed");
    assert.equal(await agreement({ by: BOB, standing: { isJoined: false, isModerator: true } }), "lapsed");
    assert.equal(await agreement({ by: ALICE, may: [] }), "lapsed");
    const moderators = { decision: MODERATORS, asked: { deciders: "moderators" } } as const;
    assert.equal(await agreement({ ...moderators, by: ALICE }), "lapsed");
  });

  it("is outdated where it would need moderators now, or the words would go elsewhere", async () => {
    assert.equal(await agreement({ by: ALICE, decision: MODERATORS, standing: { isModerator: true } }), "outdated");
    assert.equal(await agreement({ by: ALICE, host: "other.example.test" }), "outdated");
    assert.equal(await agreement({ by: ALICE, locality: "cloud" }), "outdated");
  });
});
