import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AgentDirectory } from "../../../src/agents/agent-directory.ts";
import type { Ghost } from "../../../src/ghost/ghost.ts";
import { answerUserQuery } from "../../../src/ghost/user-query.ts";

const BOT = "@agents:hs";
const LLAMA = "@agent_llama:hs";

/** Asks for a user where the directory knows an agent only after it was refreshed. */
async function query(userId: string, { isAllowed = true } = {}): Promise<{ exists: boolean; announced: string[] }> {
  const announced: string[] = [];
  let known = new Set<string>();
  const exists = await answerUserQuery(userId, {
    botUserId: BOT,
    directory: {
      agentOf: ((one: string) => (known.has(one) ? {} : undefined)) as AgentDirectory["agentOf"],
      refresh: () => {
        known = new Set([LLAMA]);
        return Promise.resolve();
      },
    },
    permissions: {
      decide: () => (isAllowed ? { allowed: true, level: "user" } : { allowed: false, reason: "no_access" }),
    },
    ghosts: {
      isGhost: (one) => one === BOT,
      of: (one) =>
        ({
          announce: () => {
            announced.push(one);
            return Promise.resolve();
          },
        }) as unknown as Ghost,
    },
  });
  return { exists, announced };
}

describe("a user that the homeserver asks for", () => {
  it("exists, and is made, where it is the bot or an agent, even one that has just come", async () => {
    for (const userId of [BOT, LLAMA]) assert.deepEqual(await query(userId), { exists: true, announced: [userId] });
  });

  it("does not exist where there is no such agent, or nobody may use it", async () => {
    assert.deepEqual(await query("@agent_nobody:hs"), { exists: false, announced: [] });
    assert.deepEqual(await query(LLAMA, { isAllowed: false }), { exists: false, announced: [] });
  });
});
