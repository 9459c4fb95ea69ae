import assert from "node:assert/strict";
import { once } from "node:events";
import { get, type ClientRequest, type IncomingMessage } from "node:http";
import { after, before, describe, it } from "node:test";
import type { Page } from "playwright-core";
import { answerTo, chatWith } from "../support/calling-chat.ts";
import { eventually } from "../support/eventually.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import {
  assertGoesOn,
  banner,
  decideBy,
  PATIENCE_MS,
  startWebDeployment,
  type WebDeployment,
} from "../support/web-page.ts";

describe("an open page, while parts are away", () => {
  let web: WebDeployment;
  let database: TcpProxy;
  before(async () => {
    web = await startWebDeployment({
      through: async (edge, plain) => {
        if (edge !== "bridge to database") return plain;
        const url = new URL(plain);
        database = await startTcpProxy(Number(url.port));
        url.port = String(database.port);
        return url.href;
      },
    });
  });
  after(async () => {
    await web.stop();
    await database.stop();
  });

  /** A page that lists what is done on the bridge. */
  async function auditPage(): Promise<Page> {
    const page = await web.signedIn();
    await page.goto(`${web.url}/audit`);
    await page.evaluate("window.kept = true");
    return page;
  }

  it("says that the database can't be reached, and goes on by itself when it is back", async () => {
    const [open, reloaded, decides] = await Promise.all([auditPage(), auditPage(), auditPage()]);
    await decides.goto(`${web.url}/`);
    database.setMode("refuse");
    await banner(open).waitFor({ timeout: PATIENCE_MS });
    const answer = await reloaded.reload();
    assert.equal(answer?.status(), 503);
    await reloaded.getByRole("heading", { name: "The database can't be reached" }).waitFor();
    await decides.locator("summary", { hasText: "New device" }).first().click();
    const decided = decides.waitForResponse((response) => response.request().method() === "POST");
    await decides.locator("form[action$=new-device] button").first().click();
    assert.equal((await decided).status(), 503);
    await decides.getByRole("heading", { name: "The database can't be reached" }).waitFor();

    database.setMode("pass");
    await assertGoesOn(web, open);
    assert.equal(await open.evaluate("window.kept"), true, "it is the same page");
    await reloaded.getByRole("heading", { name: "Audit log" }).waitFor({ timeout: PATIENCE_MS });
    assert.doesNotMatch((await web.deployment.command(["audit"])).stdout, /keys new-device/);
  });

  it("is not held up for ever by a database that hangs", async () => {
    const [open, reloaded] = await Promise.all([auditPage(), auditPage()]);
    database.setMode("hang");
    const began = performance.now();
    const answer = await reloaded.reload({ timeout: PATIENCE_MS });
    assert.equal(answer?.status(), 503);
    assert.ok(performance.now() - began < 30_000, `${performance.now() - began} ms`);
    await reloaded.getByRole("heading", { name: /The answer takes too long|The database can't be reached/ }).waitFor();
    await banner(open).waitFor({ timeout: PATIENCE_MS });
    database.setMode("pass");
    await assertGoesOn(web, open);
    await reloaded.getByRole("heading", { name: "Audit log" }).waitFor({ timeout: PATIENCE_MS });
  });

  it("goes on, still signed in, when the bridge was stopped and is started again", async () => {
    const page = await auditPage();
    for (const how of ["stop", "kill"] as const) {
      await web.deployment.stopBridge(how);
      await banner(page).waitFor({ timeout: PATIENCE_MS });
      await web.deployment.startBridge();
      await assertGoesOn(web, page);
    }
    assert.equal(await page.evaluate("window.kept"), true, "it is the same page");
    await page.reload();
    await page.getByRole("heading", { name: "Audit log" }).waitFor();
  });

  it("says so when the bridge hangs, although no connection breaks", async () => {
    const page = await auditPage();
    await page.goto(`${web.url}/work`);
    process.kill(web.deployment.bridge.pid, "SIGSTOP");
    try {
      await banner(page).waitFor({ timeout: PATIENCE_MS });
    } finally {
      process.kill(web.deployment.bridge.pid, "SIGCONT");
    }
    await banner(page).waitFor({ state: "hidden", timeout: PATIENCE_MS });
  });

  it("is none of sixty that break each other", async () => {
    const page = await web.signedIn();
    const [cookie] = await page.context().cookies();
    const streams: { request: ClientRequest; told: () => string }[] = [];
    try {
      for (let index = 0; index < 60; index++) {
        const request = get(`${web.url}/live/audit`, {
          headers: { cookie: `${cookie?.name ?? ""}=${cookie?.value ?? ""}` },
        });
        const [response] = (await once(request, "response")) as [IncomingMessage];
        assert.equal(response.statusCode, 200);
        let told = "";
        response.on("data", (chunk: Buffer) => (told += chunk.toString()));
        response.on("error", () => undefined);
        streams.push({ request, told: () => told });
      }
      await eventually(
        "all of them to have the view",
        () => streams.every(({ told }) => told().includes("event: view")),
        {
          timeoutMs: PATIENCE_MS,
        },
      );
      const later = streams.filter(({ told }) => told().includes("event: later"));
      // The pages of the tests before this one are still open.
      assert.ok(later.length >= 10 && later.length < 30, `${later.length} ask now and then`);
      // The browser's page is beyond it too: it says nothing wrong, and is told of changes all the same.
      await page.goto(`${web.url}/audit`);
      await page.evaluate("window.kept = true");
      await assertGoesOn(web, page);
      assert.equal(await banner(page).isVisible(), false);
      assert.equal(await page.evaluate("window.kept"), true);
    } finally {
      for (const { request } of streams) request.destroy();
    }
  });
});

describe("the page of a bridge with the embedded database", () => {
  it("lets people in beside the running bridge, shows every view, and decides", async (test) => {
    const web = await startWebDeployment({ database: "embedded" });
    test.after(() => web.stop());
    const alice = await web.deployment.user("js-sdk", "alice");
    const roomId = await chatWith(web.deployment, alice, "demo");
    await answerTo(alice, roomId, "good morning");
    const page = await web.signedIn();
    for (const name of ["At work", "Verifications", "Rooms", "Usage", "Set aside", "Audit log", "Checks", "System"]) {
      await page.getByRole("link", { name, exact: true }).click();
      await page.getByRole("heading", { name, level: 1 }).waitFor();
    }
    await page.getByText("embedded PostgreSQL").waitFor();
    await page.goto(`${web.url}/verifications`);
    const emoji = await alice.verify({ userId: web.deployment.agent("demo"), roomId });
    await page.locator(".emoji li").first().waitFor();
    assert.deepEqual(await page.locator(".emoji li span").allInnerTexts(), emoji);
    await decideBy(page.getByRole("button", { name: "They match" }));
    assert.deepEqual(await alice.finishVerification(true), { done: true });
  });
});
