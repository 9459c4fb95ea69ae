import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Page } from "playwright-core";
import { openAs, startToolsWithSignIn, type ToolsWithSignIn } from "../support/authorization-server.ts";
import { closeBrowser, openBrowser } from "../support/browser.ts";
import { answerTo, chatWith } from "../support/calling-chat.ts";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { freePort } from "../support/free-port.ts";
import type { User } from "../support/user.ts";

describe("the page to which people come back from an authorisation server", () => {
  let tools: ToolsWithSignIn;
  let deployment: Deployment;
  let url: string;
  let alice: User;
  let bob: User;
  let chats: ReadonlyMap<User, string>;

  before(async () => {
    tools = await startToolsWithSignIn();
    const port = await freePort();
    url = `http://127.0.0.1:${port}/agents`;
    deployment = await startDeployment({
      providers: { demo: { type: "demo" } },
      agents: { demo: { provider: "demo" } },
      extraConfig: {
        web: { enabled: true, port, url },
        tools: { tickets: { type: "http", url: tools.url, sign_in: { issuer: tools.issuer } } },
      },
    });
    [alice, bob] = await Promise.all([deployment.user("js-sdk", "alice"), deployment.user("js-sdk", "bob")]);
    chats = new Map([
      [alice, await chatWith(deployment, alice, "demo")],
      [bob, await chatWith(deployment, bob, "demo")],
    ]);
  });
  after(async () => {
    await closeBrowser();
    await deployment.stop();
    await tools[Symbol.asyncDispose]();
  });

  const says = async (person: User, words: string): Promise<string> =>
    (await answerTo(person, chats.get(person) ?? "", words)).body;

  async function linkFor(person: User): Promise<string> {
    const said = await says(person, "!tools sign-in tickets");
    assert.match(said, /a page shows a code/);
    return / (http\S+)/.exec(said)?.[1] ?? assert.fail(said);
  }

  async function browserOf(account: string): Promise<Page> {
    const context = await openBrowser({ extraHTTPHeaders: { "x-account": account }, locale: "en" });
    return context.newPage();
  }

  const commandIn = (text: string): string => /!tools sign-in tickets [A-Z2-9]{4}-[A-Z2-9]{4}/.exec(text)?.[0] ?? "";

  it("shows a code, by which the person confirms at the agent that it was she", async () => {
    const page = await browserOf("alice");
    await page.goto(await linkFor(alice));
    assert.ok(page.url().startsWith(`${url}/tool-sign-in?`));
    const main = page.locator("main");
    assert.match(await main.innerText(), /This lets agents use “tickets” for @alice:.*If that is not you/s);
    const given = tools.grants.length;
    // Loading it again, or looking only, uses nothing up.
    await page.reload();
    assert.equal((await fetch(page.url(), { method: "HEAD" })).status, 200);
    assert.equal(tools.grants.length, given);
    await page.getByRole("button").click();
    await page.getByText("Almost done").waitFor();
    const command = commandIn(await main.innerText());
    // The other cookies are the authorisation server's, which has the same name as a host.
    const cookies = await page.context().cookies(url);
    assert.ok(cookies.every(({ name }) => name.startsWith("_session") || name.startsWith("_interaction")));
    assert.equal(tools.grants.length, given + 1);
    assert.match(await says(alice, "!tools sign-out tickets"), /^You are not signed in to tickets/);
    // Somebody else can't bring it to an end.
    assert.match(await says(bob, command), /used up, too old, or not yours/);
    assert.match(await says(alice, command), /^You have signed in to tickets/);
    assert.match(await says(alice, command), /used up, too old, or not yours/);
  });

  it("shows those who run the bridge how many people have signed in, and no more", async () => {
    const { stdout } = await deployment.command(["web", "login", "--look"]);
    const page = await browserOf("admin");
    await page.goto(stdout.trim());
    await page.getByRole("button").first().click();
    await page.goto(`${url}/agreements`);
    const row = page.getByRole("row").filter({ hasText: "tickets" });
    assert.match(await row.innerText(), /^tickets\s+1$/);
    assert.doesNotMatch(await page.locator("main").innerText(), /@alice/);
  });

  it("takes tokens once, and only by its own button", async () => {
    const back = new URL(await openAs("bob", await linkFor(bob)));
    const body = new URLSearchParams(back.searchParams);
    const post = (headers: Record<string, string>): Promise<Response> =>
      fetch(`${url}/tool-sign-in`, { method: "POST", body, headers, redirect: "manual" });
    const given = tools.grants.length;
    assert.equal((await post({ origin: "https://evil.example.org" })).status, 403);
    assert.equal((await post({ origin: "null" })).status, 403);
    assert.equal(tools.grants.length, given);
    const { origin } = new URL(url);
    const shown = await (await post({ origin })).text();
    assert.notEqual(commandIn(shown), "");
    for (const secret of tools.secrets) assert.ok(!shown.includes(secret));
    const again = await post({ origin });
    assert.equal(again.status, 400);
    assert.match(await again.text(), /used up, too old, or not complete/);
    assert.equal(tools.grants.length, given + 1);
  });

  it("does not show what others write into its address, and says no in its own words", async () => {
    const hostile = "<script>alert(1)</script>";
    for (const query of [
      `state=${hostile}&code=c`,
      `error=${hostile}&state=s`,
      "",
      "code=c",
      `state=s&state=s&code=c`,
    ]) {
      const response = await fetch(`${url}/tool-sign-in?${query}`);
      assert.equal(response.status, 400, query);
      const text = await response.text();
      assert.ok(!text.includes(hostile) && text.includes("used up, too old, or not complete"), query);
    }
    tools.behaviour.refuses = true;
    const back = await openAs("bob", await linkFor(bob));
    tools.behaviour.refuses = false;
    const text = await (await fetch(back)).text();
    assert.match(text, /not let in, or did not agree/);
    assert.doesNotMatch(text, /alert\(|sign-out/);
  });

  it("hides the address from other sites, and is never kept", async () => {
    const back = await openAs("bob", await linkFor(bob));
    const { headers } = await fetch(back);
    assert.equal(headers.get("referrer-policy"), "same-origin");
    assert.equal(headers.get("cache-control"), "no-store");
    assert.match(headers.get("content-security-policy") ?? "", /default-src 'none'.*frame-ancestors 'none'/);
  });
});
