import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SummingUp } from "../../../src/answering/summing-up.ts";
import type { Summariser } from "../../../src/memory/summaries.ts";
import { holdsPrompt, promptQuestion } from "../../../src/tools/server-prompt.ts";
import { contextOf } from "../../support/tool-servers.ts";

/** The summariser of a conversation whose model says this of it. */
async function summariserOf(said: string): Promise<Summariser> {
  const { turn } = contextOf();
  let summariser: Summariser | undefined;
  const provider = {
    async *chat() {
      yield await Promise.resolve({ kind: "text", text: said });
    },
  };
  const voice = { agent: { makes: "text" }, provider, model: "llama3.2", set: { summaries: "on" } };
  const parts = {
    voices: { of: () => Promise.resolve(voice), isFor: () => true, contextOf: () => Promise.resolve(4_096) },
    limits: { windowOf: () => 4_096, counterOf: () => (text: string) => text.length },
    summaries: { keepUp: (_turn: unknown, given: Summariser) => (summariser = given) },
    allowances: {},
    privacy: {
      destinationOf: () => Promise.resolve({}),
      check: () => Promise.resolve("yes"),
      note: () => Promise.resolve(),
    },
    defaults: () => ({ summaries: "on" }),
  } as unknown as ConstructorParameters<typeof SummingUp>[0];
  await new SummingUp(parts).after(turn, 1);
  assert.ok(summariser);
  return summariser;
}

describe("a summary", () => {
  const sumUp = async (content: string): Promise<string> => {
    const { ask } = await summariserOf("They talked.");
    return ask([{ role: "user", content }], { encrypted: true }, new AbortController().signal);
  };

  it("is what the model says", async () => {
    assert.equal(await sumUp("Alice:\n  Hello"), "They talked.");
  });

  it("says that it may hold words of a server by its prompt, and so does the next one that is made of it", async () => {
    const first = await sumUp(`Alice: ${promptQuestion("notes", "sum-up", "Sum up keys.")}`);
    assert.ok(holdsPrompt(first));
    assert.match(first, /They talked\.$/);
    assert.ok(holdsPrompt(await sumUp(`What was said before, summed up:\n  ${first}`)));
  });
});
