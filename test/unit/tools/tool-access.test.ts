import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ToolRules } from "../../../src/config/config.ts";
import type { PrivacyGate } from "../../../src/privacy/gate.ts";
import { ToolAccess, type ToolUser } from "../../../src/tools/tool-access.ts";
import { readTools } from "../../../src/tools/tool-definition.ts";
import type { ToolServers } from "../../../src/tools/tool-servers.ts";
import { toolProgram } from "../../support/tool-servers.ts";

const USER: ToolUser = {
  ghost: "@agent_llama:hs",
  roomId: "!room:hs",
  asker: "@alice:hs",
  isFromAgent: false,
  isAuthentic: true,
  agent: "llama",
  model: { locality: "local" },
  encrypted: true,
  steps: [],
  holdsPrompt: false,
};
const [WRITE] = readTools([{ name: "write" }]).tools;

/** A server with a tool, which the room has allowed for good, and a prompt. */
function access(rules: Partial<ToolRules> = {}, gate: Awaited<ReturnType<PrivacyGate["check"]>> = "yes"): ToolAccess {
  assert.ok(WRITE);
  const served = { server: "docs", host: "tools.docs", rules: { ...toolProgram([]), ...rules } };
  const grant = { decision: "allowed", definition: WRITE.hash, encrypted: true, by: "@mod:hs" } as const;
  return new ToolAccess({
    servers: {
      tools: () => Promise.resolve([{ ...served, known: WRITE }]),
      prompts: () => Promise.resolve([{ ...served, prompts: [] }]),
    } as unknown as ToolServers,
    privacy: { check: () => Promise.resolve(gate) } as unknown as PrivacyGate,
    grants: { of: () => Promise.resolve([{ server: "docs", tool: "write", ...grant }]) },
    isEncrypted: () => Promise.resolve(true),
    mayGrant: () => Promise.resolve(true),
  });
}

describe("the decision about tools and prompts", () => {
  it("asks again about a tool that was allowed for good while the model reads a server's prompt", async () => {
    const decide = async (holdsPrompt: boolean): Promise<string | undefined> =>
      (await access({ approval: "ask" }).of({ ...USER, holdsPrompt }))[0]?.decision.may;
    assert.deepEqual([await decide(false), await decide(true)], ["call", "ask"]);
  });

  it("is made about prompts as about a tool get_prompt that only reads", async () => {
    const decide = async (
      rules: Partial<ToolRules>,
      user: Partial<ToolUser> = {},
      gate?: Parameters<typeof access>[1],
    ): Promise<unknown> => (await access(rules, gate).prompts({ ...USER, ...user }))[0]?.decision;
    assert.deepEqual(await decide({}), { may: "call" });
    assert.deepEqual(await decide({ locality: "cloud" }), { may: "ask", deciders: "asker", canGrant: true });
    const moderators = { may: "ask", deciders: "moderators" } as const;
    assert.deepEqual(await decide({ approval: "always_ask", approvers: "moderators" }), {
      ...moderators,
      canGrant: false,
    });
    assert.deepEqual(await decide({}, {}, "ask"), { ...moderators, canGrant: false });
    const refused: readonly (readonly [Partial<ToolRules>, Partial<ToolUser>, string, "denied"?])[] = [
      [{ tools: new Map([["*", "refuse"]]) }, {}, "not_this_tool"],
      [{ agents: ["qwen"] }, {}, "not_here"],
      [{ users: ["@bob:*"] }, {}, "not_here"],
      [{}, { model: { locality: "cloud" } }, "cloud_model"],
      [{ locality: "cloud" }, {}, "gate", "denied"],
    ];
    for (const [rules, user, why, gate] of refused)
      assert.deepEqual(await decide(rules, user, gate), { may: "refuse", why });
    const named = { tools: new Map([["*", "refuse"] as const, ["get_prompt", "never"] as const]) };
    assert.deepEqual(await decide(named), { may: "call" });
  });
});
