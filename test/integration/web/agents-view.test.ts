import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ListedAgent } from "../../../src/agents/agents.ts";
import { pageWordsIn } from "../../../src/language/languages.ts";
import type { WebParts } from "../../../src/web/parts.ts";
import { agents } from "../../../src/web/views/agents.ts";
import type { Visit } from "../../../src/web/visit.ts";
import { forEachDatabase } from "../../support/databases.ts";

const AGENTS = 1_000;

const LISTED = Array.from({ length: AGENTS }, (_, index) => ({
  userId: `@agent_${index}:hs`,
  agent: {
    name: `${index}`,
    displayName: `Agent ${index}`,
    provider: "ollama",
    model: "llama3.2:3b",
    locality: "local",
  },
})) as unknown as readonly ListedAgent[];

function visitOf(query: string): Visit {
  const session = { secret: "s", actor: "local:ann", role: "decide" } as const;
  const words = pageWordsIn("en");
  return {
    session,
    actor: "local:ann",
    role: "decide",
    language: "en",
    words,
    base: "",
    path: "/",
    query: new URLSearchParams(query),
  };
}

forEachDatabase((_kind, open) => {
  describe("the page's view of a thousand agents", () => {
    it("shows each once, by pages of less than 200 kB", async () => {
      const database = await open();
      await database.query(
        `insert into ghosts (user_id, device_id, device_made)
         select '@agent_' || n || ':hs', 'DEVICE' || n, true from generate_series(0, $1 - 1) n`,
        [AGENTS],
      );
      const parts = {
        database,
        directory: { list: () => [...LISTED], agentOf: () => undefined },
        ghosts: { isHalted: () => false },
      } as unknown as WebParts;
      const seen = new Set<string>();
      for (let page = 1; ; page++) {
        const text = (await agents.show(parts, visitOf(`page=${page}`))).toString();
        assert.ok(text.length < 200_000, `${text.length} characters`);
        const ids = [...text.matchAll(/<li class="card[^>]*id="([^"]+)"/g)].map(([, id = ""]) => id);
        assert.ok(ids.length > 0 && ids.every((id) => !seen.has(id)));
        for (const id of ids) seen.add(id);
        if (!text.includes('rel="next"')) break;
      }
      assert.equal(seen.size, AGENTS);
    });
  });
});
