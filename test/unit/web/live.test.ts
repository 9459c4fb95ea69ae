import assert from "node:assert/strict";
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it, type TestContext } from "node:test";
import express from "express";
import { LivePages, type Look } from "../../../src/web/live.ts";
import { eventually } from "../../support/eventually.ts";

/** Serves one live page; resolves with its address, and a count of those that have ended. */
async function serve(
  test: TestContext,
  look: () => Promise<Look>,
): Promise<{ url: string; ended: () => number; live: LivePages }> {
  const live = new LivePages();
  let ended = 0;
  const app = express();
  app.get("/", async (_request, response) => {
    await live.tell(response, 10, look);
    ended += 1;
  });
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  test.after(() => {
    live.stop();
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, ended: () => ended, live };
}

async function open(url: string): Promise<IncomingMessage> {
  const [response] = (await once(get(url, { agent: false }), "response")) as [IncomingMessage];
  response.on("error", () => undefined);
  return response;
}

describe("open pages", () => {
  it("are told of what differs, and else that nothing does", async (test) => {
    const views = ["<p>one\ntwo</p>", "<p>one\ntwo</p>", "<p>three</p>"];
    const { url } = await serve(test, () => {
      const html = views.shift();
      return Promise.resolve(html === undefined ? { kind: "ended" } : { kind: "view", html });
    });
    let told = "";
    for await (const chunk of await open(url)) told += String(chunk);
    assert.deepEqual(told.split("\n\n"), [
      "event: every\ndata: 10",
      "event: view\ndata: <p>one\ndata: two</p>",
      "event: same\ndata: ",
      "event: view\ndata: <p>three</p>",
      "event: ended\ndata: ",
      "",
    ]);
  });

  it("that take nothing are given up, so that what they are told does not pile up", async (test) => {
    let at = 0;
    const { url, ended } = await serve(test, () => {
      at += 1;
      return Promise.resolve({ kind: "view", html: `${at} ${"x".repeat(1_000_000)}` });
    });
    const response = await open(url);
    response.pause();
    await eventually("the page to be given up", () => ended() === 1);
    assert.ok(at < 100, `${at} views were drawn for it`);
    response.destroy();
  });

  it("beyond fifty are told once, and when to ask again", async (test) => {
    const { url, live, ended } = await serve(test, () => Promise.resolve({ kind: "view", html: "view" }));
    const kept = await Promise.all(Array.from({ length: 50 }, () => open(url)));
    let told = "";
    for await (const chunk of await open(url)) told += String(chunk);
    assert.match(told, /^event: view\ndata: view\n\nevent: later\ndata: \d+\n\n$/);
    assert.equal(ended(), 1);
    live.stop();
    await eventually("all to have ended", () => ended() === 51);
    for (const response of kept) response.destroy();
  });

  it("are told nothing more where the view can't be drawn", async (test) => {
    const { url } = await serve(test, () => Promise.resolve({ kind: "away" }));
    let told = "";
    for await (const chunk of await open(url)) told += String(chunk);
    assert.equal(told, "event: every\ndata: 10\n\n");
  });
});
