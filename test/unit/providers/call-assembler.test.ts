import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CallAssembler, MAX_ARGUMENT_CHARS, MAX_CALLS, type CallPiece } from "../../../src/providers/call-assembler.ts";
import type { ToolCall, ToolDefinition } from "../../../src/providers/tool-call.ts";

const tool = (name: string): ToolDefinition => ({ name, description: "", parameters: { type: "object" } });
const TOOLS = [tool("look"), tool("say")];

function assembled(
  pieces: readonly CallPiece[],
  { isCut = false, rounds = [] as readonly ToolCall[] } = {},
): readonly ToolCall[] {
  const output = { text: "", isError: false };
  const assembler = new CallAssembler({
    tools: TOOLS,
    rounds: rounds.length === 0 ? [] : [{ text: "", calls: rounds.map((call) => ({ call, output })) }],
  });
  for (const piece of pieces) assembler.push([piece]);
  const calls = assembler.end(isCut);
  assert.equal(new Set([...rounds, ...calls].map(({ id }) => id)).size, rounds.length + calls.length, "ids are unique");
  for (const { id } of calls) assert.match(id, /^[A-Za-z0-9_.:-]{1,64}$/);
  return calls;
}

/** Each call by its name and its arguments or fault. */
function told(calls: readonly ToolCall[]): unknown[] {
  return calls.map((call) => [call.name, call.kind === "good" ? call.arguments : call.fault]);
}

describe("the calls of an answer", () => {
  const SAME: readonly (readonly [what: string, pieces: readonly CallPiece[]])[] = [
    [
      "OpenAI's form",
      [
        { slot: 0, id: "a", name: "look", arguments: "" },
        { slot: 0, arguments: '{"at":' },
        { slot: 0, arguments: '"sea"}' },
        { slot: 1, id: "b", name: "say", arguments: '{"it":"}{"}' },
      ],
    ],
    [
      "interleaved",
      [
        { slot: 0, id: "a", name: "look" },
        { slot: 1, id: "b", name: "say", arguments: '{"it":' },
        { slot: 0, arguments: '{"at":"sea"}' },
        { slot: 1, arguments: '"}{"}' },
      ],
    ],
    [
      "numbered from 1, as behind LiteLLM",
      [
        { slot: 1, id: "a", name: "look", arguments: '{"at":"sea"}' },
        { slot: 2, id: "b", name: "say", arguments: '{"it":"}{"}' },
      ],
    ],
    [
      "all with the number 0, as Ollama's",
      [
        { slot: 0, id: "a", name: "look", arguments: '{"at":"sea"}' },
        { slot: 0, id: "b", name: "say", arguments: '{"it":"}{"}' },
      ],
    ],
    [
      "all with the number 0, and no ids in later pieces, as LMDeploy's",
      [
        { slot: 0, id: "a", name: "look", arguments: "" },
        { slot: 0, id: "", name: null, arguments: '{"at":"sea"}' },
        { slot: 0, id: "b", name: "say", arguments: "" },
        { slot: 0, id: "", name: null, arguments: '{"it":"}{"}' },
      ],
    ],
    [
      "all with the number 0, and the ids in each piece, as SGLang's",
      [
        { slot: 0, id: "0", name: "look", arguments: "" },
        { slot: 0, id: "0", name: null, arguments: '{"at":"sea"}' },
        { slot: 0, id: "1", name: "say", arguments: "" },
        { slot: 0, id: "1", name: null, arguments: '{"it":"}{"}' },
      ],
    ],
    [
      "without numbers, as Gemini's",
      [
        { id: "a", name: "look", arguments: '{"at":"sea"}' },
        { id: "b", name: "say", arguments: '{"it":"}{"}' },
      ],
    ],
    [
      "without numbers and ids",
      [{ name: "look", arguments: '{"at":' }, { arguments: '"sea"}' }, { name: "say", arguments: '{"it":"}{"}' }],
    ],
    [
      "without ids, with the name in each piece",
      [
        { slot: 0, name: "look", arguments: '{"at":' },
        { slot: 0, name: "look", arguments: '"sea"}' },
        { slot: 1, name: "say", arguments: '{"it":"}' },
        { slot: 1, name: "say", arguments: '{"}' },
      ],
    ],
    [
      "with the same id for both",
      [
        { slot: 0, id: "call_1", name: "look", arguments: '{"at":"sea"}' },
        { slot: 1, id: "call_1", name: "say", arguments: '{"it":"}{"}' },
      ],
    ],
    [
      "with the id after the name",
      [
        { slot: 0, name: "look" },
        { slot: 0, id: "a", arguments: '{"at":"sea"}' },
        { slot: 1, name: "say" },
        { slot: 1, id: "b", arguments: '{"it":"}{"}' },
      ],
    ],
    [
      "with ids that are none, and an empty call at the end, as LM Studio's",
      [
        { slot: 0, id: 7, name: "look", arguments: '{"at":"sea"}' },
        { slot: 1, id: "x y", name: "say", arguments: '{"it":"}{"}' },
        { slot: 2, id: "" },
      ],
    ],
    [
      "as objects",
      [
        { name: "look", arguments: { at: "sea" } },
        { name: "say", arguments: { it: "}{" } },
      ],
    ],
    [
      "as JSON in JSON",
      [
        { slot: 0, name: "look", arguments: JSON.stringify('{"at":"sea"}') },
        { slot: 1, name: "say", arguments: JSON.stringify('{"it":"}{"}') },
      ],
    ],
    [
      "with each whole call once more at its end",
      [
        { slot: 0, id: "a", name: "look", arguments: '{"at":"sea"}' },
        { slot: 0, id: "a", name: "look", arguments: '{"at":"sea"}' },
        { slot: 1, id: "b", name: "say", arguments: '{"it":"}{"}' },
        { slot: 1, id: "b", name: "say", arguments: '{"it":"}{"}' },
        { id: "b", name: "say", arguments: '{"it":"}{"}' },
      ],
    ],
  ];
  for (const [what, pieces] of SAME) {
    it(`are the same in every shape: ${what}`, () =>
      assert.deepEqual(told(assembled(pieces)), [
        ["look", { at: "sea" }],
        ["say", { it: "}{" }],
      ]));
  }

  const FAULTY: readonly (readonly [what: string, piece: CallPiece, expected: unknown])[] = [
    ["no arguments at all", { name: "look" }, {}],
    ["blank arguments", { name: "look", arguments: " \n" }, {}],
    ["null", { name: "look", arguments: "null" }, {}],
    ["a name with blanks around it", { name: " look\n", arguments: "{}" }, {}],
    ["arguments that are no JSON", { name: "look", arguments: "at the sea" }, "no_json"],
    ["single quotes", { name: "look", arguments: "{'at':'sea'}" }, "no_json"],
    ["two objects", { name: "look", arguments: '{"at":1}{"at":2}' }, "no_json"],
    ["a list", { name: "look", arguments: '["sea"]' }, "no_object"],
    ["a number", { name: "look", arguments: "7" }, "no_object"],
    ["words in JSON", { name: "look", arguments: '"sea"' }, "no_object"],
    ["a name that nobody offered", { name: "hear", arguments: "{}" }, "unknown_tool"],
    ["a name of another case", { name: "Look", arguments: "{}" }, "unknown_tool"],
    ["a name that is none", { name: 7, arguments: "{}" }, "unknown_tool"],
    ["no name", { id: "a", arguments: "{}" }, "unknown_tool"],
    ["a name as long as a book", { name: "look".repeat(50_000), arguments: "{}" }, "unknown_tool"],
    [
      "arguments as long as a book",
      { name: "look", arguments: `{"at":"${"x".repeat(MAX_ARGUMENT_CHARS)}"}` },
      "too_long",
    ],
    ["deep arguments", { name: "look", arguments: `{"at":${"[".repeat(9_000)}${"]".repeat(9_000)}}` }, "too_long"],
    ["deep arguments as an object", { name: "look", arguments: { at: nested(9_000) } }, "too_long"],
    ["deeper ones", { name: "look", arguments: { at: nested(60_000) } }, "too_long"],
  ];
  for (const [what, piece, expected] of FAULTY) {
    it(`are understood, or have a fault that a model can be told: ${what}`, () => {
      const [call, ...others] = assembled([piece]);
      assert.ok(call !== undefined && others.length === 0);
      assert.deepEqual(call.kind === "good" ? call.arguments : call.fault, expected);
      assert.ok(call.name.length <= 128);
    });
  }

  it("say that they were cut off at a limit; complete ones before that count", () => {
    const pieces = [
      { slot: 0, name: "look", arguments: '{"at":"sea"}' },
      { slot: 1, name: "say", arguments: '{"it":' },
    ];
    assert.deepEqual(told(assembled(pieces, { isCut: true })), [
      ["look", { at: "sea" }],
      ["say", "cut_off"],
    ]);
    assert.deepEqual(told(assembled([{ slot: 0, name: "look" }], { isCut: true })), [["look", "cut_off"]]);
  });

  it("are bounded in number: one says that it was too many, and the rest is not kept", () => {
    const pieces = Array.from({ length: 10_000 }, (_, slot) => ({ slot, name: "look", arguments: `{"at":${slot}}` }));
    const calls = assembled(pieces);
    assert.equal(calls.length, MAX_CALLS + 1);
    assert.deepEqual(told(calls).at(-1), ["look", "too_many"]);
    assert.ok(calls.slice(0, -1).every(({ kind }) => kind === "good"));
  });

  it("keep the server's id where it is a good one, and have another where an earlier call has the same", () => {
    const piece = { slot: 0, id: "call_0", name: "look", arguments: "{}" };
    const [first] = assembled([piece]);
    assert.equal(first?.id, "call_0");
    const [second] = assembled([piece], { rounds: [first] });
    assert.match(second?.id ?? "", /^[a-z0-9]{9}$/);
    assert.match(assembled([{ name: "look" }])[0]?.id ?? "", /^[a-z0-9]{9}$/);
  });
});

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let at = 0; at < depth; at++) value = [value];
  return value;
}
