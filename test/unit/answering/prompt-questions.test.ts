import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { holdsPromptIn, PromptQuestions } from "../../../src/answering/prompt-questions.ts";
import type { Voice } from "../../../src/answering/voices.ts";
import { wordsIn } from "../../../src/language/languages.ts";
import type { RememberedMessage } from "../../../src/memory/remembered-message.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { promptQuestion, summaryWithPrompt } from "../../../src/tools/server-prompt.ts";
import type { DecidedPrompts } from "../../../src/tools/tool-access.ts";
import { toolsAt } from "../../support/http-tool-servers.ts";
import { contextOf } from "../../support/tool-servers.ts";

const SIGNAL = new AbortController().signal;

/** A question in the form in which each step of an attempt may make it anew. */
function chosen(): RememberedMessage {
  return {
    eventId: "$question",
    author: "person",
    sender: "@alice:hs",
    speaker: "Alice",
    body: "!prompt notes sum-up",
    sentAt: 1,
    encrypted: true,
  };
}

describe("a question that chooses a prompt", () => {
  it("has it read once, though each step gathers the conversation anew", async () => {
    let reads = 0;
    const decided: DecidedPrompts = {
      server: "notes",
      host: "tools.notes",
      rules: toolsAt("http://127.0.0.1:1/mcp"),
      prompts: [{ name: "sum-up", description: "", arguments: [] }],
      decision: { may: "call" },
    };
    const questions = new PromptQuestions({
      servers: { prompt: () => Promise.resolve(`Sum up, ${++reads}.`) },
      access: { prompts: () => Promise.resolve([decided]) },
      agreements: { about: () => Promise.resolve("unneeded") },
      privacy: { note: () => Promise.resolve() },
      allowances: { takeToolCall: () => Promise.resolve(undefined) },
      history: { reworded: () => Promise.resolve() },
      log: silentLogger(),
    });
    const asker = {
      turn: contextOf().turn,
      voice: { agent: { name: "llama" } } as unknown as Voice,
      destination: { provider: "ollama", host: "here", locality: "local", isSure: true },
      words: () => Promise.resolve(wordsIn("en")),
    } as const;
    const put = async (): Promise<string | undefined> => {
      const about = { root: undefined, replies: new Map() };
      const company = {} as never;
      const material = { latest: [chosen()], about, summary: undefined, company, encrypted: true } as never;
      const read = await questions.put(asker, material, SIGNAL);
      return typeof read === "string" ? read : read.latest[0]?.body;
    };
    const first = await put();
    assert.match(first ?? "", /Sum up, 1\./);
    assert.equal(await put(), first);
    assert.equal(reads, 1);
  });
});

describe("words of a server by its prompt", () => {
  it("are among what the model reads, also in a summary of messages of which one held them", () => {
    const { turn } = contextOf();
    const about = { root: undefined, isRootUnread: false, replies: new Map<string, RememberedMessage>() };
    const latest = [{ ...chosen(), body: "And now?" }];
    const prompt = promptQuestion("notes", "sum-up", "Sum up.");
    const holds = (summary: string | undefined, said = latest): boolean =>
      holdsPromptIn(turn, { latest: said, about, summary });
    assert.equal(holds(undefined), false);
    assert.equal(holds("Alice asked about keys."), false);
    assert.equal(holds(summaryWithPrompt("Alice asked about keys.")), true);
    assert.equal(holds(undefined, [{ ...chosen(), eventId: "$before", body: prompt }, ...latest]), true);
  });
});
