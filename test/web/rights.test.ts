import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { dump, load } from "js-yaml";
import type { Page } from "playwright-core";
import { openPostgres } from "../../src/database/postgres.ts";
import { silentLogger } from "../../src/observability/log.ts";
import { answerTo, chatWith } from "../support/calling-chat.ts";
import type { User } from "../support/user.ts";
import { decideBy, startWebDeployment, type WebDeployment } from "../support/web-page.ts";

describe("what the page decides for agents and rooms", () => {
  let web: WebDeployment;
  let alice: User;
  let roomId: string;
  let page: Page;
  before(async () => {
    web = await startWebDeployment();
    alice = await web.deployment.user("js-sdk", "alice");
    roomId = await chatWith(web.deployment, alice, "llama");
    page = await web.signedIn();
  });
  after(() => web.stop());

  async function goTo(path: string): Promise<void> {
    await page.goto(`${web.url}${path}`);
  }

  async function sql(statement: string, values: readonly unknown[] = []): Promise<void> {
    const database = openPostgres(web.deployment.settings.database ?? "", silentLogger());
    await database.query(statement, values).finally(() => database.close());
  }

  async function audited(): Promise<string> {
    return (await web.deployment.command(["audit"])).stdout;
  }

  it("pauses an agent, which then says so, and lets it go on", async () => {
    await goTo("/");
    const card = page.locator(`[id="${web.deployment.agent("llama")}"]`);
    await decideBy(card.getByRole("button", { name: "Pause" }));
    await page.getByText("The agent is paused").waitFor();
    await card.getByText("paused", { exact: true }).waitFor();
    await card.getByText("Paused by").waitFor();
    assert.match((await answerTo(alice, roomId, "are you there?")).body, /paused/);
    await decideBy(card.getByRole("button", { name: "Resume" }));
    await page.getByText("The agent goes on.").waitFor();
    assert.doesNotMatch((await answerTo(alice, roomId, "and now?")).body, /paused/);
    assert.match(await audited(), /agent\.paused {2}.*by=local:/);
  });

  it("takes back what rooms have agreed to", async () => {
    const agent = web.deployment.agent("llama");
    await sql(
      `insert into consents (room_id, ghost, target, granted, encrypted, decided_by)
       values ($1, $2, 'claude api.example', true, true, '@alice:example.test'), ($1, $2, 'other api.example', false, true, '@alice:example.test')`,
      [roomId, agent],
    );
    await sql(
      `insert into tool_grants (ghost, room_id, server, tool, decision, definition, encrypted, decided_by)
       values ($2, $1, 'files', 'write_file', 'allowed', 'hash', true, '@alice:example.test')`,
      [roomId, agent],
    );
    await goTo("/agreements");
    assert.equal(await page.getByRole("button", { name: "Take back" }).count(), 2, "what was declined stays");
    await decideBy(page.getByRole("row", { name: "claude" }).getByRole("button"));
    await page.getByText("Taken back").waitFor();
    await decideBy(page.getByRole("row", { name: "write_file" }).getByRole("button"));
    await page.getByText("Taken back").waitFor();
    assert.equal(await page.getByRole("button", { name: "Take back" }).count(), 0);
    await page.getByRole("row", { name: "declined" }).waitFor();
    assert.match(await audited(), /consent\.withdrawn {2}.*by=local:/);
    assert.match(await audited(), /tool\.revoked {2}.*by=local:/);
  });

  it("shows many agreements by pages", async () => {
    await sql(
      `insert into consents (room_id, ghost, target, granted, encrypted, decided_by)
       select '!many' || lpad(n::text, 3, '0') || ':hs', $1, 'claude api.example', true, true, '@alice:example.test' from generate_series(1, 120) n`,
      [web.deployment.agent("llama")],
    );
    await goTo("/agreements");
    const seen = new Set<string>();
    for (let pages = 1; ; pages++) {
      for (const id of await page.locator("tbody td:first-child small").allInnerTexts()) seen.add(id);
      const next = page.getByRole("link", { name: "Next" });
      if ((await next.count()) === 0) break;
      assert.ok(pages < 5);
      await next.click();
      await page.waitForLoadState();
    }
    assert.equal([...seen].filter((id) => id.startsWith("!many")).length, 120);
    await sql("delete from consents where room_id like '!many%'");
  });

  it("installs a model, with its progress, and says why one can't be", async () => {
    await goTo("/models");
    const field = page.getByLabel("Install a model");
    await field.fill("tinyllama");
    await decideBy(page.getByRole("button", { name: "Install" }));
    await page.getByText("The installation has begun.").waitFor();
    await page.getByText("installed", { exact: true }).waitFor();
    await field.fill("not a name; rm -rf");
    await decideBy(page.getByRole("button", { name: "Install" }));
    await page.getByText("This is no name of a model").waitFor();
    assert.match(await audited(), /command=pull/);
    assert.doesNotMatch(await audited(), /rm -rf/);
  });

  it("shows what reading config.yaml again would change, and does it when told to", async () => {
    const { config } = web.deployment.files;
    const before = await readFile(config, "utf8");
    const change = (sections: object): Promise<void> =>
      writeFile(config, dump({ ...(load(before) as object), ...sections }));
    await goTo("/settings");
    await page.getByText("The file says what is in force.").waitFor();
    await change({ limits: { user: { requests_per_day: 5 } } });
    await page.reload();
    await page.getByText("limits", { exact: true }).waitFor();
    await decideBy(page.getByRole("button", { name: "Put them in force" }));
    await page.getByText("The new settings are in force.").waitFor();
    await page.getByText("The file says what is in force.").waitFor();
    assert.match(await audited(), /config\.reloaded {2}.*by=local:/);

    await change({ limits: { user: { requests_per_day: "many" } }, data_dir: 5 });
    await page.reload();
    await page.getByText("limits.user.requests_per_day").waitFor();
    assert.equal(await page.getByRole("button", { name: "Put them in force" }).count(), 0);

    await change({ ghosts: { max_loaded: 7 } });
    await page.reload();
    await page.getByText("These changes need a restart of the bridge:").waitFor();
    await page.getByText("ghosts.max_loaded").waitFor();
    await writeFile(config, before);
  });
});
