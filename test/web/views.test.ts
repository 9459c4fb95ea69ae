import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { after, before, describe, it } from "node:test";
import type { BrowserContextOptions, Page } from "playwright-core";
import { openPostgres } from "../../src/database/postgres.ts";
import { silentLogger } from "../../src/observability/log.ts";
import { VIEW_NAMES, viewPath } from "../../src/web/views/view-names.ts";
import { answerTo, chatWith } from "../support/calling-chat.ts";
import { openBrowser } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import type { User } from "../support/user.ts";
import { startWebDeployment, type WebDeployment } from "../support/web-page.ts";

/** A room's name that would do harm as markup. */
const HOSTILE = `<img src=x onerror="document.title='hit'"> "quoted" & 'so' \u202edesrever`;

const WORDS = "the canary sings";

describe("the views of the page", () => {
  let web: WebDeployment;
  let alice: User;
  let roomId: string;
  before(async () => {
    web = await startWebDeployment();
    alice = await web.deployment.user("js-sdk", "alice");
    roomId = await chatWith(web.deployment, alice, "llama");
    await answerTo(alice, roomId, WORDS);
    await alice.request("PUT", `/v3/rooms/${encodeURIComponent(roomId)}/state/m.room.name`, { name: HOSTILE });
    await answerTo(alice, roomId, "and again");
  });
  after(() => web.stop());

  async function goTo(page: Page, path: string): Promise<void> {
    await page.goto(`${web.url}${path}`);
  }

  /** Runs a statement on the bridge's database. */
  async function sql(statement: string, values: readonly unknown[] = []): Promise<void> {
    const database = openPostgres(web.deployment.settings.database ?? "", silentLogger());
    await database.query(statement, values).finally(() => database.close());
  }

  it("load nothing from elsewhere, break no rule of their own, and hold no word of a conversation", async () => {
    const page = await web.signedIn();
    const complaints: string[] = [];
    const hosts = new Set<string>();
    page.on("console", (message) => {
      // A view that is left ends its stream.
      if (message.type() === "error" && !message.text().includes("ERR_INCOMPLETE_CHUNKED"))
        complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => hosts.add(new URL(request.url()).host));
    for (const name of VIEW_NAMES) {
      await goTo(page, viewPath(name));
      assert.equal(await page.locator("h1").count(), 1, name);
      assert.doesNotMatch(await page.content(), new RegExp(WORDS), name);
    }
    assert.deepEqual(complaints, []);
    assert.deepEqual([...hosts], [new URL(web.url).host]);

    // Everything for a first sight, without a cache.
    const get = async (path: string): Promise<string> => (await page.request.get(`${web.url}${path}`)).text();
    const document = await get("/rooms");
    const linked = [...document.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].flatMap(([, path]) => path ?? []);
    assert.equal(linked.length, 5);
    const bytes = await Promise.all(
      linked.map(async (path) => (await (await page.request.get(`${web.url}${path}`)).body()).length),
    );
    const all = bytes.reduce((sum, one) => sum + one, document.length);
    assert.ok(all < 200_000, `${all} bytes`);
  });

  it("show an agent with its device, keys and last answer", async () => {
    const page = await web.signedIn();
    const card = page.locator(`[id="${web.deployment.agent("llama")}"]`);
    const [device] = await alice.deviceTrust(web.deployment.agent("llama"));
    for (const text of ["llama3.2:3b", "your network", device?.deviceId ?? "?", "just now", "signed"]) {
      await card.getByText(text, { exact: false }).first().waitFor();
    }
    await card.getByText("signed, backed up").waitFor();
  });

  it("show where the words of a room go, and its name as text", async () => {
    const page = await web.signedIn();
    await goTo(page, "/rooms");
    await page.getByRole("heading", { name: `<img src=x onerror="document.title='hit'">` }).waitFor();
    assert.doesNotMatch(await page.title(), /hit/);
    assert.equal(await page.locator("main img").count(), 0);
    await page.getByRole("img", { name: /Where the words go: @agent_llama → 127\.0\.0\.1/ }).waitFor();
    await page.getByText("encrypted", { exact: true }).first().waitFor();
  });

  it("show a question while it is at work, without being loaded again, and then no more", async () => {
    web.ollama.install("llama3.2:3b", { firstTokenMs: 6_000 });
    const page = await web.signedIn();
    await goTo(page, "/work");
    await page.getByText("No question waits for an answer.").waitFor();
    await page.evaluate("window.kept = true");
    const answered = answerTo(alice, roomId, "slowly, please");
    const row = page.locator("tbody tr");
    await row.getByText("at work").waitFor();
    assert.match(await row.innerText(), /@alice:example\.test/);
    await answered;
    await page.getByText("No question waits for an answer.").waitFor();
    assert.equal(await page.evaluate("window.kept"), true, "it is the same page");
    web.ollama.install("llama3.2:3b", {});
  });

  it("keep what somebody types while they change", async () => {
    const page = await web.signedIn();
    await goTo(page, "/audit");
    await page.getByRole("searchbox").fill("web.signed");
    const rows = await page.locator("tbody tr").count();
    await web.link();
    await eventually("the new row to be seen", async () => (await page.locator("tbody tr").count()) > rows);
    assert.equal(await page.getByRole("searchbox").inputValue(), "web.signed");
    await page.getByRole("button", { name: "Find" }).click();
    await page.waitForURL(/holding=web/);
    const kinds = await page.locator("tbody tr td:nth-child(3)").allInnerTexts();
    assert.ok(kinds.length > 0 && kinds.every((kind) => kind === "web.signed_in"), kinds.join());
  });

  it("verify the audit log, and say where it was changed", async () => {
    const page = await web.signedIn();
    await goTo(page, "/audit");
    await page.getByRole("button", { name: "Verify all" }).click();
    await page.getByText(/Each of \d+ rows is as it was written/).waitFor();
    // As somebody with the database in their hands would.
    const tamper = async (from: string, to: string): Promise<void> => {
      await sql("alter table audit_log disable trigger user");
      await sql("update audit_log set details = replace(details, $1, $2) where seq = 3", [from, to]);
      await sql("alter table audit_log enable trigger user");
    };
    await tamper('"', '" ');
    await page.reload();
    await page.getByText("The log is not as it was written: row 3 ").waitFor();
    await tamper('" ', '"');
  });

  it("show thousands of rooms by pages", async () => {
    await sql(
      `insert into memberships (ghost, room_id, membership, direct)
       select $1, '!many' || lpad(n::text, 5, '0') || ':hs', 'join', false from generate_series(1, 10000) n`,
      [web.deployment.agent("demo")],
    );
    const page = await web.signedIn();
    await goTo(page, "/rooms?after=!many09990:hs");
    await page.getByText("!many09991:hs").waitFor();
    await goTo(page, "/rooms?after=!many00100:hs");
    assert.equal(await page.locator("main li.card").count(), 20);
    await page.getByRole("link", { name: "Next" }).click();
    await page.getByText("!many00121:hs").waitFor();
    await sql("delete from memberships where room_id like '!many%'");
  });

  it("speak German, and stay so", async () => {
    const page = await web.signedIn({ locale: "de-AT" });
    await page.getByRole("heading", { name: "Agenten" }).waitFor();
    await page.getByRole("link", { name: "English" }).click();
    await page.getByRole("heading", { name: "Agents" }).waitFor();
    await goTo(page, "/usage");
    await page.getByRole("heading", { name: "Usage" }).waitFor();
  });

  it("work without scripts, by the code alone", async () => {
    const context = await openBrowser({ javaScriptEnabled: false });
    const page = await context.newPage();
    const link = await web.link();
    await page.goto(`${web.url}/`);
    await page.getByLabel("The link's code").fill(link.slice(link.indexOf("#") + 1));
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Agents" }).waitFor();
    await page.getByRole("link", { name: "Rooms" }).click();
    await page.getByRole("heading", { name: "Rooms" }).waitFor();
  });

  it("work by the keyboard alone", async () => {
    const page = await web.signedIn();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    assert.equal(
      await page.evaluate("document.activeElement.id"),
      "content",
      "the first link leads past the navigation",
    );
    await goTo(page, "/");
    const focused = async (): Promise<string> => String(await page.evaluate("document.activeElement.textContent"));
    for (let presses = 0; (await focused()) !== "Usage"; presses++) {
      assert.ok(presses < 30);
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Usage" }).waitFor();
  });

  const LOOKS: Readonly<Record<string, BrowserContextOptions>> = {
    light: { viewport: { width: 1280, height: 900 }, colorScheme: "light" },
    dark: { viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
    "on a phone": { viewport: { width: 360, height: 740 }, colorScheme: "light" },
  };
  for (const [look, options] of Object.entries(LOOKS)) {
    it(`have no fault of accessibility that axe finds (WCAG 2.2 AA), ${look}`, async () => {
      // The policy lets no foreign script in; the tests' own is one.
      const page = await web.signedIn({ ...options, bypassCSP: true });
      const axe = await readFile(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");
      for (const path of [...VIEW_NAMES.map(viewPath), "/sign-in", "/nothing"]) {
        await goTo(page, path);
        await page.evaluate(axe);
        const found = await page.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>(
          'axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] })',
        );
        const faults = found.violations.map(({ id, nodes }) => `${path} ${id}: ${nodes[0]?.html ?? ""}`);
        assert.deepEqual(faults, []);
        const isWider = "document.documentElement.scrollWidth > document.documentElement.clientWidth";
        assert.equal(await page.evaluate(isWider), false, `${path} can be scrolled sideways`);
      }
    });
  }
});
