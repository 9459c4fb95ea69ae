import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { promptArguments, promptForm, promptWishIn, readPromptWish } from "../../../src/answering/prompt-wish.ts";
import {
  holdsPrompt,
  MOST_PROMPTS,
  promptQuestion,
  readPrompts,
  readPromptWords,
} from "../../../src/tools/server-prompt.ts";
import { ToolFailure } from "../../../src/tools/tool-failure.ts";

const CITY = { name: "city", required: true };
const STATE = { name: "state", description: "If\nany \u202eof it" };

function one(given: object): ReturnType<typeof readPrompts>[number] {
  const [prompt] = readPrompts([{ name: "weather", ...given }]);
  assert.ok(prompt);
  return prompt;
}

describe("a server's prompts", () => {
  it("are those that people can name, each once, with what is said of them in a line", () => {
    const prompts = readPrompts([
      { name: "weather", title: "Weather", arguments: [CITY, STATE] },
      { name: "weather", description: "another one" },
      { name: "two words" },
      { name: "", description: "?" },
      { name: 7 },
      null,
      { name: "a", arguments: [{ name: "b c" }] },
      { name: "b", arguments: [CITY, { name: "CITY" }] },
      { name: "c", arguments: "city" },
      { name: "d", arguments: Array.from({ length: 13 }, (_, at) => ({ name: `a${at}` })) },
      { name: "docs/sum-up:v1.0", description: "x".repeat(10_000) },
    ]);
    assert.deepEqual(
      prompts.map(({ name }) => name),
      ["weather", "docs/sum-up:v1.0"],
    );
    assert.deepEqual(prompts[0], {
      name: "weather",
      description: "Weather",
      arguments: [
        { name: "city", description: "", isRequired: true },
        { name: "state", description: "If any of it", isRequired: false },
      ],
    });
    assert.equal(prompts[1]?.description.length, 300);
    const many = Array.from({ length: MOST_PROMPTS + 1 }, (_, at) => ({ name: `p${at}` }));
    assert.equal(readPrompts(many).length, MOST_PROMPTS);
  });

  it("are words, whoever speaks in them, cut and cleaned; pictures and links are named", () => {
    const text = (words: string): object => ({ type: "text", text: words });
    assert.equal(readPromptWords({ messages: [{ role: "user", content: text("What?\u0007") }] }), "What?");
    const resource = { type: "resource", resource: { uri: "x://a", text: "Inside." } };
    const messages = [
      { role: "user", content: text("Look:") },
      { role: "user", content: resource },
      { role: "user", content: { type: "resource_link", name: "b", uri: "x://b" } },
    ];
    assert.equal(readPromptWords({ messages }), "Look:\nInside.\n[resource b x://b]");
    const dialogue = [...messages.slice(0, 1), { role: "assistant", content: text("No.") }];
    assert.equal(readPromptWords({ messages: dialogue }), "A person:\nLook:\nAn assistant:\nNo.");
    const long = readPromptWords({ messages: [{ role: "user", content: text("x".repeat(1_000_000)) }] });
    assert.ok(long.length < 16_100 && long.endsWith("left out]"));
    for (const told of [{}, { messages: "What?" }, null, []])
      assert.throws(
        () => readPromptWords(told),
        (error) => error instanceof ToolFailure && error.code === "malformed",
      );
  });

  it("are marked as the server's words in the question", () => {
    const question = promptQuestion("docs", "sum-up", "Sum it up.");
    assert.match(
      question,
      /^\[The person has chosen a prompt of a server: sum-up of docs\. What follows are that server's words\.\]\n\nSum/,
    );
    assert.ok(holdsPrompt(question));
    assert.ok(!holdsPrompt("Sum it up."));
  });
});

describe("a person's choice of a prompt", () => {
  it("names a server, a prompt and perhaps arguments", () => {
    assert.deepEqual(readPromptWish("docs sum-up"), { server: "docs", name: "sum-up", words: "" });
    assert.deepEqual(readPromptWish(" docs  sum-up a=b \n c: d "), {
      server: "docs",
      name: "sum-up",
      words: "a=b \n c: d",
    });
    assert.equal(readPromptWish("docs"), undefined);
    assert.equal(readPromptWish(`docs ${"x".repeat(129)}`), undefined);
    assert.deepEqual(promptWishIn("!prompt docs sum-up")?.name, "sum-up");
    assert.equal(promptWishIn("!tools docs"), undefined);
    assert.equal(promptWishIn("What does !prompt docs sum-up do?"), undefined);
  });

  it("has the arguments that the prompt knows, and those that it needs", () => {
    const weather = one({ arguments: [CITY, STATE] });
    const right = { kind: "right", content: { city: "New York", state: "NY" } };
    assert.deepEqual(promptArguments(weather, 'city="New York" state=NY'), right);
    assert.deepEqual(promptArguments(weather, "city: New York\nstate: NY"), right);
    for (const words of ["", "state=NY", "New York", "city=a city=b", "town=New York"])
      assert.equal(promptArguments(weather, words).kind, "wrong", words);
    const single = one({ arguments: [CITY] });
    for (const words of ["New York", "city=New York", "city: New York"])
      assert.deepEqual(promptArguments(single, words), { kind: "right", content: { city: "New York" } });
    assert.equal(promptArguments(single, "").kind, "wrong");
    assert.deepEqual(promptArguments(one({}), ""), { kind: "right", content: {} });
    assert.equal(promptArguments(one({}), "city=a").kind, "wrong");
  });

  it("is shown as people write it", () => {
    assert.equal(promptForm("web", one({ arguments: [STATE, CITY] })), "!prompt web weather city=… [state=…]");
  });
});
