import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readCall, type Call } from "../../../src/addressing/call.ts";

const LLAMA = "@agent_llama:example.org";
const QWEN = "@agent_qwen:example.org";
const MAX = "@agent_max:example.org";
const CALLEES = [
  { userId: LLAMA, names: [LLAMA, "agent_llama:example.org", "agent_llama", "Llama", "llama"] },
  { userId: QWEN, names: [QWEN, "agent_qwen:example.org", "agent_qwen", "Qwen 2.5 (7B)", "qwen"] },
  { userId: MAX, names: [MAX, "agent_max:example.org", "agent_max", "Max", "max"] },
];

function pill(userId: string, text: string): string {
  return `<a href="https://matrix.to/#/${userId}">${text}</a>`;
}

function read(body: string, { html, mentions = [] }: { html?: string; mentions?: string[] } = {}): Call {
  return readCall({ body, html, mentions }, CALLEES);
}

describe("the names of agents at the beginning of a message", () => {
  const cases: [string, string, string[], { html?: string; mentions?: string[] }?][] = [
    ["Llama: hello", "hello", [LLAMA]],
    ["@llama hello", "hello", [LLAMA]],
    ["Llama, Qwen is a model, isn't it?", "Qwen is a model, isn't it?", [LLAMA]],
    ["@llama @qwen compare tea and coffee", "compare tea and coffee", [LLAMA, QWEN]],
    ["@llama, @qwen: hello", "hello", [LLAMA, QWEN]],
    ["Llama, Qwen: hello", "hello", [LLAMA, QWEN]],
    ["Llama and Qwen: hello", "hello", [LLAMA, QWEN]],
    ["Llama und Qwen, was ist besser?", "was ist besser?", [LLAMA, QWEN]],
    ["Llama & Qwen, hello", "hello", [LLAMA, QWEN]],
    ["Llama, Qwen and Max: hello", "hello", [LLAMA, QWEN, MAX]],
    ["@llama @qwen @max hello", "hello", [LLAMA, QWEN, MAX]],
    ["@llama+@qwen hello", "hello", [LLAMA, QWEN]],
    ["Llama and Qwen are models", "Llama and Qwen are models", [LLAMA]],
    ["Llama or alpaca, which one spits?", "Llama or alpaca, which one spits?", [LLAMA]],
    ["llama wool is warm", "llama wool is warm", [LLAMA]],
    ["Llama what is wool?", "Llama what is wool?", [LLAMA]],
    ["@llama what is wool?", "what is wool?", [LLAMA]],
    ["@llama. what is wool?", "what is wool?", [LLAMA]],
    ["@llama! what is wool?", "what is wool?", [LLAMA]],
    ["@llama... what is wool?", "what is wool?", [LLAMA]],
    ["@llama. !help", "!help", [LLAMA]],
    ["@llama。什么是羊毛？", "什么是羊毛？", [LLAMA]],
    ["@llama .env is what?", ".env is what?", [LLAMA]],
    ["@llama.", "@llama.", [LLAMA]],
    ["Llama. What is wool?", "Llama. What is wool?", [LLAMA]],
    ["Llama. What is wool?", "What is wool?", [LLAMA], { mentions: [LLAMA] }],
    ["L. what is wool?", "what is wool?", [LLAMA], { html: `${pill(LLAMA, "L")}. what is wool?` }],
    [`${LLAMA}. what is wool?`, "what is wool?", [LLAMA]],
    [`https://matrix.to/#/${LLAMA}. what is wool?`, "what is wool?", [LLAMA]],
    [`[Llama](https://matrix.to/#/${LLAMA}). what is wool?`, "what is wool?", [LLAMA]],
    ["Llama what is wool?", "what is wool?", [LLAMA], { mentions: [LLAMA] }],
    ["llama !help", "!help", [LLAMA]],
    ["Llama，什么是羊毛？", "什么是羊毛？", [LLAMA]],
    ["Llama Qwen 2.5 (7B): hello", "hello", [LLAMA, QWEN]],
    ["agent_llama:example.org: hello", "hello", [LLAMA]],
    [`${LLAMA} ${QWEN}: hello`, "hello", [LLAMA, QWEN]],
    ["Llamas are animals", "Llamas are animals", []],
    ["Llama's fur", "Llama's fur", []],
    ["Llama?", "Llama?", [LLAMA]],
    ["@llama @qwen", "@llama @qwen", [LLAMA, QWEN]],
    ["hello", "hello", []],
    [
      "Llama Qwen 2.5 (7B): hello",
      "hello",
      [LLAMA, QWEN],
      { html: `${pill(LLAMA, "Llama")} ${pill(QWEN, "Qwen 2.5 (7B)")}: hello`, mentions: [LLAMA, QWEN] },
    ],
    ["L Q hello", "hello", [LLAMA, QWEN], { html: `<p>${pill(LLAMA, "L")} ${pill(QWEN, "Q")} hello</p>` }],
    [
      "Llama Qwen 2.5 (7B) hello",
      "hello",
      [LLAMA, QWEN],
      { html: `${pill(LLAMA, "Llama")} ${pill(QWEN, "Qwen 2.5 (7B)")} hello` },
    ],
    // The body has a former name.
    ["Old Name: hello", "hello", [LLAMA], { html: `${pill(LLAMA, "Llama")}: hello`, mentions: [LLAMA] }],
    ["Old Name: **hello**", "Old Name: **hello**", [LLAMA], { html: `${pill(LLAMA, "Llama")}: <b>hello</b>` }],
    [
      "A &amp; B: hello",
      "hello",
      [LLAMA],
      { html: `<a href='https://matrix.to/#/${encodeURIComponent(LLAMA)}?via=a'>A &amp;amp; B</a>: hello` },
    ],
    [`[Llama](https://matrix.to/#/${LLAMA}): hello`, "hello", [LLAMA]],
    [`[Llama](https://matrix.to/#/${LLAMA}) [Q](<https://matrix.to/#/${QWEN}>) hello`, "hello", [LLAMA, QWEN]],
    [`https://matrix.to/#/${LLAMA}: hello`, "hello", [LLAMA]],
    ["[Bob](https://matrix.to/#/@bob:example.org): hello", "[Bob](https://matrix.to/#/@bob:example.org): hello", []],
    ["Llama Max hello", "hello", [LLAMA, MAX], { mentions: [LLAMA, MAX] }],
  ];
  for (const [body, text, called, more] of cases) {
    it(`leave ${JSON.stringify(more?.html ?? body)}`, () => {
      const call = read(body, more);
      assert.deepEqual([call.text, [...call.called].sort()], [text, [...called].sort()]);
    });
  }

  it("mean the mentioned agent, where two have one name", () => {
    const twins = [
      { userId: LLAMA, names: ["Llama"] },
      { userId: MAX, names: ["Llama"] },
    ];
    assert.deepEqual(readCall({ body: "Llama: hi" }, twins).called, [LLAMA, MAX]);
    assert.deepEqual(readCall({ body: "Llama: hi", mentions: [MAX] }, twins).called, [MAX]);
  });
});

describe("the names of agents at the end of a message", () => {
  const cases: [string, string, { html?: string; mentions?: string[] }?][] = [
    ["what is X, @llama?", "what is X?"],
    ["what is X? @llama", "what is X?"],
    ["thanks, @llama!", "thanks!"],
    ["compare tea and coffee, @llama and @qwen.", "compare tea and coffee."],
    ["compare tea and coffee, @llama @qwen", "compare tea and coffee"],
    ["good night\n@llama", "good night"],
    ["what is X, Llama?", "what is X?", { html: `what is X, ${pill(LLAMA, "Llama")}?` }],
    [`what is X, [Llama](https://matrix.to/#/${LLAMA})`, "what is X"],
    // Texts that only speak of an agent.
    ["tell me about @llama", "tell me about @llama"],
    ["what do you think of llama?", "what do you think of llama?"],
    ["I like cats, dogs, llama", "I like cats, dogs, llama"],
    ["write to bob, me@llama", "write to bob, me@llama"],
    [", @llama", ", @llama"],
  ];
  for (const [body, text, more] of cases) {
    it(`leave ${JSON.stringify(body)} as ${JSON.stringify(text)}`, () => {
      assert.equal(read(body, more).text, text);
    });
  }

  it("call the agents for certain, and are not a beginning", () => {
    assert.deepEqual(read("what is X, @llama?"), { called: [], certain: [LLAMA], text: "what is X?" });
  });
});

describe("a command", () => {
  const html = `!privacy allow ${pill(LLAMA, "Llama")}`;
  const cases: [string, string, string[], { html?: string; mentions?: string[] }?][] = [
    ["@llama !privacy allow", "!privacy allow", [LLAMA]],
    ["Llama: !Help.", "!Help.", [LLAMA]],
    ["`@llama !privacy allow`", "!privacy allow", [LLAMA]],
    ["`@llama !privacy allow`.", "!privacy allow", [LLAMA]],
    ["@llama `!privacy allow`", "`!privacy allow`", [LLAMA]],
    ["“Llama: !help”", "!help", [LLAMA]],
    ["`@llama list`", "list", [LLAMA]],
    ["`llama` is a model", "`llama` is a model", []],
    ["!help @llama", "!help", [LLAMA]],
    ["!privacy allow, @llama.", "!privacy allow.", [LLAMA]],
    ["!privacy allow Llama", "!privacy allow", [LLAMA], { html }],
    ["!privacy allow Llama", "!privacy allow", [LLAMA], { mentions: [LLAMA] }],
    ["!status @llama @qwen", "!status", [LLAMA, QWEN]],
    ["@llama @qwen !status", "!status", [LLAMA, QWEN]],
    ["!privacy allow llama", "!privacy allow llama", []],
    ["!model @llama", "!model @llama", []],
    ["!remember my dog is @llama", "!remember my dog is @llama", []],
    ["!discuss 4 qwen who is better, you or @llama", "!discuss 4 qwen who is better, you or @llama", []],
    ["`code` and `@llama !help`", "`code` and `@llama !help`", []],
  ];
  for (const [body, text, called, more] of cases) {
    it(`is ${JSON.stringify(text)} in ${JSON.stringify(body)}`, () => {
      const call = read(body, more);
      assert.deepEqual([call.text, call.called], [text, called]);
    });
  }
});

describe("a message that is no message to anybody", () => {
  it("is read in time linear in its length", () => {
    const long = 60_000;
    const began = performance.now();
    for (const body of [
      " ,".repeat(long),
      "@".repeat(long),
      "[".repeat(long),
      "[](https://matrix.to/#/".repeat(long / 20),
      `Llama${" ".repeat(long)}x`,
      `x${" ".repeat(long)}@llama`,
      "@llama ".repeat(long / 7),
      "Llama, ".repeat(long / 7),
      '<a href="'.repeat(long / 10),
    ]) {
      read(body, { html: body });
    }
    assert.ok(performance.now() - began < 2_000, `${performance.now() - began} ms`);
  });
});
