import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, request, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { dump, load } from "js-yaml";
import type { Page } from "playwright-core";
import { openPostgres } from "../../src/database/postgres.ts";
import { silentLogger } from "../../src/observability/log.ts";
import { openBrowser } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { startWebDeployment, type WebDeployment } from "../support/web-page.ts";

/** The answer to a request as no browser would send it. */
interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

describe("signing in to the page", () => {
  let web: WebDeployment;
  before(async () => {
    web = await startWebDeployment(
      { extraConfig: { access: { admins: ["@alice:example.test"] } } },
      { viewers: ["@vera:*"] },
    );
  });

  after(() => web.stop());

  async function ask(
    path: string,
    options: { method?: string; headers?: object; body?: string } = {},
  ): Promise<Answer> {
    const { method = "GET", headers = {}, body = "" } = options;
    const sent = request(`${web.url}${path}`, {
      method,
      headers: { ...(method === "POST" ? { "content-type": "application/x-www-form-urlencoded" } : {}), ...headers },
    });
    sent.end(body);
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    return { status: response.statusCode, headers: response.headers, body: await text(response) };
  }

  /** Runs a statement on the bridge's database. */
  async function sql(statement: string): Promise<void> {
    const database = openPostgres(web.deployment.settings.database ?? "", silentLogger());
    await database.query(statement).finally(() => database.close());
  }

  /** The session's cookie and the token of its forms. */
  async function keysOf(page: Page): Promise<{ cookie: string; token: string }> {
    const [cookie] = (await page.context().cookies()).filter(({ name }) => name === "matrix_agents_session");
    assert.ok(cookie);
    const token = await page.locator("input[name=token]").first().inputValue();
    return { cookie: `matrix_agents_session=${cookie.value}`, token };
  }

  it("works by a link, once; looking at the link does not use it up", async () => {
    const link = await web.link();
    assert.equal((await ask(new URL(link).pathname)).status, 200);
    const [first, second] = [await (await openBrowser()).newPage(), await (await openBrowser()).newPage()];
    await first.goto(link);
    assert.doesNotMatch(first.url(), /#/, "the code is not left in the address");
    await second.goto(link);
    await first.getByRole("button", { name: "Sign in" }).click();
    await first.getByRole("heading", { name: "Agents" }).waitFor();
    await second.getByRole("button", { name: "Sign in" }).click();
    await second.getByText("This link does not work").waitFor();
  });

  it("leaves a cookie that no script and no other site's form has", async () => {
    const page = await web.signedIn();
    const [cookie] = await page.context().cookies();
    assert.deepEqual([cookie?.httpOnly, cookie?.sameSite, cookie?.secure], [true, "Lax", false]);
    assert.equal(await page.evaluate("document.cookie"), "");
  });

  it("sends an encrypted link to an admin who asks the bot in a direct chat", async () => {
    const { deployment } = web;
    const bot = `@agents:${deployment.synapse.serverName}`;
    const answerTo = async (name: string, encrypted: boolean): Promise<{ body: string; encrypted: boolean }> => {
      const person = await deployment.user("js-sdk", name);
      const roomId = await person.createRoom({ direct: true, encrypted, invite: [bot] });
      await person.waitMember(roomId, bot);
      const asked = await person.sendText({ roomId, body: "!web" });
      return person.waitMessage({ roomId, sender: bot, after: asked });
    };
    const answer = await answerTo("alice", true);
    assert.equal(answer.encrypted, true);
    const [link = ""] = /http\S+/.exec(answer.body) ?? [];
    const page = await (await openBrowser()).newPage();
    await page.goto(link);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.locator(".who", { hasText: "@alice:example.test" }).waitFor();
    assert.match((await answerTo("bob", true)).body, /only for the bridge's admins/);
    assert.match((await answerTo("alice2", false)).body, /only in an encrypted direct chat/);

    const [lookLink = ""] = /http\S+/.exec((await answerTo("vera", true)).body) ?? [];
    await page.context().clearCookies();
    await page.goto(lookLink);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.locator(".who", { hasText: "looks only" }).waitFor();
    assert.equal(await page.locator("form[action*='/do/']").count(), 0);
  });

  it("ends for a Matrix user who is no admin any more, also on an open page", async () => {
    const { deployment } = web;
    const page = await web.signedIn();
    await sql("update web_sessions set actor = '@alice:example.test' where actor like 'local:%'");
    await page.reload();
    await page.locator(".who", { hasText: "@alice" }).waitFor();
    const { config } = deployment.files;
    const before = await readFile(config, "utf8");
    await writeFile(config, dump({ ...(load(before) as object), access: { admins: [] } }));
    process.kill(deployment.bridge.pid, "SIGHUP");
    await page.waitForURL(/sign-in/);
    await writeFile(config, before);
    process.kill(deployment.bridge.pid, "SIGHUP");
    await eventually(
      "the old settings to be back",
      () => deployment.bridge.logs().filter(({ msg }) => msg === "the new configuration is applied").length === 2,
    );
  });

  it("ends on an open page when the session has expired", async () => {
    const page = await web.signedIn();
    await page.goto(`${web.url}/work`);
    await sql("update web_sessions set expires_at = now()");
    await page.waitForURL(/sign-in/);
  });

  it("ends on a page that asks for news only after the session has expired", async () => {
    const page = await web.signedIn();
    await sql("update web_sessions set expires_at = now()");
    // As when somebody comes back to a page that was hidden.
    await page.evaluate('document.dispatchEvent(new Event("visibilitychange"))');
    await page.waitForURL(/sign-in/, { timeout: 10_000 });
  });

  it("ends when somebody signs out", async () => {
    const page = await web.signedIn();
    const { cookie } = await keysOf(page);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(/sign-in/);
    assert.equal((await ask("/", { headers: { cookie } })).status, 303, "also for a copy of the cookie");
  });

  it("shows nothing to strangers", async () => {
    for (const path of ["/", "/rooms", "/audit?verify=1", "/live/", "/live/rooms", "/nothing"]) {
      const { status, body } = await ask(path, { headers: { cookie: "matrix_agents_session=AAAA" } });
      assert.ok(status === 303 || status === 403, path);
      assert.doesNotMatch(body, /agent_/);
    }
  });

  it("lets nobody decide who has only a cookie, another session's token, another origin, or a right to look", async () => {
    const [page, other, viewer] = [await web.signedIn(), await web.signedIn(), await web.signedIn({}, "--look")];
    const { cookie, token } = await keysOf(page);
    const { token: foreign } = await keysOf(other);
    const looks = await keysOf(viewer);
    const origin = web.url;
    const agent = web.deployment.agent("demo");
    const decide = async (headers: object, fields: object): Promise<number | undefined> => {
      const body = new URLSearchParams({ agent, back: "/", ...fields }).toString();
      return (await ask("/do/new-device", { method: "POST", headers, body })).status;
    };
    assert.equal(await decide({ cookie, origin }, {}), 403);
    assert.equal(await decide({ cookie, origin }, { token: "x" }), 403);
    assert.equal(await decide({ cookie, origin }, { token: foreign }), 403);
    assert.equal(await decide({ cookie }, { token }), 403, "no origin");
    assert.equal(await decide({ cookie, origin: "null" }, { token }), 403);
    assert.equal(await decide({ cookie, origin: "https://evil.example" }, { token }), 403);
    assert.equal(await decide({ cookie, origin: web.url.replace("http", "https") }, { token }), 403);
    assert.equal(await decide({ cookie: looks.cookie, origin }, { token: looks.token }), 403);
    assert.equal(await decide({ origin }, { token }), 303, "without a session the way leads to the way in");
    const asked = (await web.deployment.command(["audit"])).stdout.match(/keys new-device/g);
    assert.equal(asked, null);
  });

  it("does nothing for a form on another site, and stands in none of its frames", async () => {
    const page = await web.signedIn();
    const agent = web.deployment.agent("demo");
    const evil = createServer((_request, response) => {
      response.setHeader("content-type", "text/html");
      response.end(`<iframe src="${web.url}/"></iframe><form method="post" action="${web.url}/do/new-device">
        <input name="agent" value="${agent}"><input name="back" value="/"></form><button onclick="document.forms[0].submit()">Win</button>`);
    }).listen(0, "127.0.0.1");
    await once(evil, "listening");
    const { port } = evil.address() as AddressInfo;
    try {
      for (const host of ["localhost", "127.0.0.1"]) {
        await page.goto(`http://${host}:${port}/`);
        assert.equal(await page.frames().at(1)?.locator("nav").count(), 0, "the frame is empty");
        await page.getByRole("button", { name: "Win" }).click();
        await page.getByRole("heading", { name: "This was not done" }).waitFor();
      }
    } finally {
      evil.closeAllConnections();
      evil.close();
    }
    assert.doesNotMatch((await web.deployment.command(["audit"])).stdout, /keys new-device/);
  });

  it("answers under its own names only", async () => {
    const { port } = new URL(web.url);
    for (const host of ["evil.example", `evil.example:${port}`, "127.0.0.1"]) {
      assert.equal((await ask("/sign-in", { headers: { host } })).status, 421, host);
    }
    assert.equal((await ask("/sign-in", { headers: { host: `LOCALHOST:${port}` } })).status, 200);
  });

  it("forbids everything that the page does not need", async () => {
    const { headers } = await ask("/sign-in");
    assert.match(
      String(headers["content-security-policy"]),
      /^default-src 'none'; script-src 'self'; style-src 'self'/,
    );
    assert.doesNotMatch(String(headers["content-security-policy"]), /unsafe|\*|http/);
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["cache-control"], "no-store");
    assert.equal(headers["x-powered-by"], undefined);
  });

  it("is not confused by requests that no page sends", async () => {
    const page = await web.signedIn();
    const { cookie, token } = await keysOf(page);
    const headers = { cookie, origin: web.url };
    const long = "x".repeat(20_000);
    for (const [path, status] of [
      ["/..%2f..%2fetc/passwd", 404],
      ["//evil.example/", 404],
      ["/%00", 404],
      ["/%ff", 404],
      ["/rooms/", 404],
      ["/assets/x/page.css", 404],
      [`/rooms?after=${long.slice(0, 8_000)}`, 200],
      ["/rooms?after=%00%27%22", 200],
      ["/audit?before=-1&holding=%00%27", 200],
      ["/?page=999999999999", 200],
      ["/?said=__proto__", 200],
      ["/?language=__proto__", 303],
    ] as const) {
      assert.equal((await ask(path, { headers })).status, status, path);
    }
    for (const [path, body, status] of [
      ["/do/__proto__", `token=${token}`, 403],
      ["/do/mail-drop", `token=${token}&id=0`, 303],
      ["/do/mail-drop", `token=${token}&id=1&id=2`, 303],
      ["/do/mail-drop", `token=${token}&token=${token}&id=all`, 403],
      ["/do/mail-drop", `token=${token}&id=${long}`, 413],
      ["/do/mail-drop", Array.from({ length: 200 }, (_, index) => `f${index}=1`).join("&"), 413],
      ["/do/new-device", `token=${token}&agent=${encodeURIComponent("@nobody:example.test")}`, 303],
      ["/do/verification-confirm", `token=${token}&id=999&back=${encodeURIComponent("//evil.example/")}`, 303],
      ["/sign-in", `code=${long}`, 413],
    ] as const) {
      const answer = await ask(path, { method: "POST", headers, body });
      assert.equal(answer.status, status, `${path} ${body.slice(0, 80)}`);
      if (status === 303) assert.match(String(answer.headers.location), /^\/(\?said=nothing_such)?$/);
    }
    const errors = web.deployment.bridge.logs().filter(({ level }) => level >= 50);
    assert.deepEqual(errors, []);
  });

  it("can't be tried for long", async () => {
    const body = "code=wrong";
    const statuses: (number | undefined)[] = [];
    for (let attempt = 0; attempt < 12; attempt++) {
      statuses.push((await ask("/sign-in", { method: "POST", headers: { origin: web.url }, body })).status);
    }
    assert.ok(statuses.includes(403));
    assert.equal(statuses.at(-1), 429);
  });
});
