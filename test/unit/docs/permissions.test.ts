import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { load } from "js-yaml";
import type { Config } from "../../../src/config/config.ts";
import { Bans } from "../../../src/permissions/bans.ts";
import { decide } from "../../../src/permissions/decisions.ts";
import { inCheckout } from "../../support/paths.ts";
import { loadSettings } from "../config/settings.ts";

async function examples(): Promise<Config[]> {
  const document = await readFile(inCheckout("docs/permissions.md"), "utf8");
  const snippets = [...document.matchAll(/```yaml\n([\s\S]*?)\n```/g)].map(([, snippet = ""]) => snippet);
  return Promise.all(snippets.map((snippet) => loadSettings(load(snippet) as object)));
}

function outcome(config: Config | undefined, userId: string, agent: string, roomId: string): string {
  assert.ok(config);
  const decision = decide({ ...config, bans: new Bans() }, { act: "message", userId, agent, roomId });
  return decision.allowed ? decision.level : decision.reason;
}

describe("the examples of permissions", () => {
  it("are each a configuration that does what the text says", async () => {
    const [simple, levels, rooms, only, agents, commands, invites, lists, ...more] = await examples();
    assert.equal(more.length, 0);
    const [root, alice, rob] = ["@root:example.org", "@alice:example.org", "@rob:elsewhere.example"] as const;
    const room = "!room:example.org";
    assert.deepEqual(
      [root, "@friend:example.com", "@foe:example.com"].map((userId) => outcome(simple, userId, "demo", room)),
      ["admin", "user", "no_access"],
    );
    assert.deepEqual(
      ["@carla:example.org", "@getspam:example.org", "@p:partner.example", "@p:sub.partner.example", rob].map(
        (userId) => outcome(levels, userId, "demo", room),
      ),
      ["moderator", "no_access", "user", "user", "no_access"],
    );
    assert.deepEqual(
      ["!team:example.org", "!open:example.org", "!noise:example.org", room].map((id) =>
        outcome(rooms, rob, "demo", id),
      ),
      ["moderator", "user", "room_blocked", "no_access"],
    );
    assert.deepEqual(
      ["!team:example.org", room].map((id) => outcome(only, alice, "demo", id)),
      ["user", "room_blocked"],
    );
    assert.deepEqual(
      ["claude", "gpt-cloud", "demo"].map((agent) => outcome(agents, alice, agent, room)),
      ["not_this_agent", "not_this_agent", "user"],
    );
    assert.deepEqual(commands?.permissions.commands, { model: "admins", system: "moderators" });
    assert.equal(outcome(agents, root, "claude", room), "user");
    assert.deepEqual(invites?.permissions.invitesPerDay, { user: 20, server: 200 });
    assert.equal(outcome(lists, alice, "demo", "!bans:example.org"), "ban_list");
  });
});
