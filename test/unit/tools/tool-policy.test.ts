import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ToolRules } from "../../../src/config/config.ts";
import { decideCall, mayDecide, type ToolDecision, type ToolUse } from "../../../src/tools/tool-policy.ts";

const RULES: ToolRules = {
  locality: "local",
  cloudModels: false,
  tools: new Map(),
  approvers: "asker",
  approverUsers: [],
};
const READ = { isReadOnly: true, isIdempotent: true, isOpenWorld: false, isConfined: false };
const WRITE = { isReadOnly: false, isIdempotent: false, isOpenWorld: false, isConfined: false };
const USE: ToolUse = {
  tool: "read_file",
  hints: READ,
  agent: "llama",
  roomId: "!r:a.example",
  userId: "@alice:a.example",
  isFromAgent: false,
  model: "local",
  gate: "yes",
  grant: undefined,
  isTainted: false,
};
const ASK = { may: "ask", deciders: "asker", canGrant: true } as const;
const ALWAYS = { may: "ask", deciders: "asker", canGrant: false } as const;
const CALL = { may: "call" } as const;
const refused = (why: Extract<ToolDecision, { may: "refuse" }>["why"]): ToolDecision => ({ may: "refuse", why });

describe("a tool is used", () => {
  const CASES: readonly (readonly [what: string, rules: Partial<ToolRules>, use: Partial<ToolUse>, ToolDecision])[] = [
    ["without a question, where it only reads at a local server", {}, {}, CALL],
    ["after a question, where it changes something", {}, { hints: WRITE }, ASK],
    [
      "after a question, where it only reads in the open world",
      {},
      { hints: { ...READ, isOpenWorld: true, isConfined: false } },
      ASK,
    ],
    ["after a question at a server outside, whatever it says of itself", { locality: "cloud" }, {}, ASK],
    ["as the admin says of the server", { approval: "never" }, { hints: WRITE }, CALL],
    ["never, where the admin says so of the server", { approval: "refuse" }, {}, refused("not_this_tool")],
    [
      "as the admin says of the tool rather than of the server",
      { approval: "never", tools: new Map([["read_file", "always_ask"]]) },
      {},
      ALWAYS,
    ],
    [
      "as the most specific pattern says, in any order",
      {
        tools: new Map([
          ["*", "refuse"],
          ["read_*", "ask"],
          ["re*", "never"],
        ]),
      },
      {},
      ASK,
    ],
    ["never by another agent", { agents: ["claude", "q*"] }, {}, refused("not_here")],
    ["by an agent of the pattern", { agents: ["ll*"] }, {}, CALL],
    ["never by anybody where the list is empty", { agents: [] }, {}, refused("not_here")],
    ["never in another room", { rooms: ["!other:a.example"] }, {}, refused("not_here")],
    ["never for others", { users: ["@*:b.example"] }, {}, refused("not_here")],
    ["never where the room has forbidden it", { approval: "never" }, { grant: "forbidden" }, refused("forbidden")],
    ["without a question where the room has agreed", {}, { hints: WRITE, grant: "allowed" }, CALL],
    [
      "after a question in spite of that, after a result from outside",
      {},
      { hints: WRITE, grant: "allowed", isTainted: true },
      ASK,
    ],
    [
      "after a question in spite of that, where the admin says always",
      { approval: "always_ask" },
      { grant: "allowed" },
      ALWAYS,
    ],
    ["without a question after such a result, where it only reads here", {}, { isTainted: true }, CALL],
    ["never for a model outside, by a local server", {}, { model: "cloud" }, refused("cloud_model")],
    ["for a model outside where the admin says so", { cloudModels: true }, { model: "cloud" }, CALL],
    ["for a model outside, by a server outside", { locality: "cloud" }, { model: "cloud" }, ASK],
    ["never where no words may go there", { locality: "cloud" }, { gate: "denied" }, refused("gate")],
    [
      "never where the room refused that",
      { locality: "cloud" },
      { gate: "declined", grant: "allowed" },
      refused("gate"),
    ],
    [
      "after a moderator's word, where the room has not agreed that words go there",
      { locality: "cloud", approval: "never" },
      { gate: "ask", grant: "allowed" },
      { may: "ask", deciders: "moderators", canGrant: false },
    ],
    [
      "after a moderator's word where another agent asks",
      {},
      { hints: WRITE, isFromAgent: true },
      { ...ASK, deciders: "moderators" },
    ],
    [
      "after a moderator's word where the admin says so",
      { approvers: "moderators" },
      { hints: WRITE },
      { ...ASK, deciders: "moderators" },
    ],
  ];
  for (const [what, rules, use, decision] of CASES) {
    it(what, () => assert.deepEqual(decideCall({ ...RULES, ...rules }, { ...USE, ...use }), decision));
  }
});

describe("a call that waits is decided", () => {
  const who = { userId: "@alice:a.example", isAsker: false, isModerator: false };
  const CASES: readonly (readonly [
    string,
    Partial<ToolRules>,
    "asker" | "moderators",
    Partial<typeof who>,
    boolean,
  ])[] = [
    ["by its asker", {}, "asker", { isAsker: true }, true],
    ["by a moderator", {}, "asker", { isModerator: true }, true],
    ["by nobody else", {}, "asker", {}, false],
    ["not by its asker where moderators decide", {}, "moderators", { isAsker: true }, false],
    ["by a user whom the admin names", { approverUsers: ["@al*:a.example"] }, "moderators", {}, true],
    ["not by others than these", { approverUsers: ["@bob:a.example"] }, "moderators", {}, false],
  ];
  for (const [what, rules, deciders, more, expected] of CASES) {
    it(what, () => assert.equal(mayDecide({ ...RULES, ...rules }, { deciders }, { ...who, ...more }), expected));
  }
});
