import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import pg from "pg";
import { answerTo, chatWith } from "../support/calling-chat.ts";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { startOllamaServer, type OllamaServer } from "../support/ollama-server.ts";
import { inCheckout } from "../support/paths.ts";
import type { Message, User } from "../support/user.ts";

/** A name that the bridge's process finds on loopback, as its owner could have it found. */
const REBOUND = "rebound.example.org";

describe("an agent with the bridge's own tools", () => {
  let ollama: OllamaServer;
  let deployment: Deployment;
  let alice: User;
  let pages: Server;
  let port: number;
  const asked: string[] = [];

  before(async () => {
    pages = createServer((request, response) => {
      asked.push(request.url ?? "");
      if (request.url === "/away") response.writeHead(302, { location: "http://127.0.0.2/secret" }).end();
      else if (request.url === "/long") response.end("whale ".repeat(5_000) + "the end");
      else response.setHeader("content-type", "text/html").end("<!doctype html><p>Whales <b>sing</b>.</p>");
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => pages.once("listening", resolve));
    ({ port } = pages.address() as AddressInfo);
    ollama = await startOllamaServer(["llama3.2:3b"]);
    const agent = { provider: "ollama", model: "llama3.2:3b" };
    deployment = await startDeployment({
      providers: { ollama: { type: "ollama", url: ollama.url } },
      agents: {
        llama: { ...agent, display_name: "Llama" },
        web: { ...agent, display_name: "Web" },
        other: { ...agent, display_name: "Other" },
      },
      extraConfig: {
        memory: { summaries: false },
        privacy: { cloud_in_encrypted_rooms: "allow" },
        turns: { max_tool_calls: 3 },
        limits: { server: { tool_calls_per_day: 1_000 } },
        tools: {
          own: {
            type: "own",
            tools: { time: "never", search_room: "never", remind: "never", read_url: "never" },
            read_url: { hosts: [`127.0.0.1:${port}`] },
            time_zone: "Europe/Berlin",
            agents: ["llama"],
          },
          web: {
            type: "own",
            tools: { read_url: "never" },
            read_url: { hosts: [`${REBOUND}:${port}`] },
            agents: ["web"],
          },
        },
      },
    });
    alice = await deployment.user("js-sdk", "alice");
  });
  after(async () => {
    await deployment.stop();
    await ollama.close();
    pages.close().closeAllConnections();
  });

  const chatWithAgent = (name: string): Promise<string> => chatWith(deployment, alice, name);
  const ask = (roomId: string, body: string): Promise<Message> => answerTo(alice, roomId, body);

  /** The model calls one tool, and repeats its result. */
  async function call(roomId: string, name: string, given: object, body = "Go!"): Promise<Message> {
    ollama.next({ answer: () => "", calls: [{ name, arguments: given }] });
    ollama.next({ answer: (messages) => messages.at(-1)?.content ?? "" });
    return ask(roomId, body);
  }

  async function query(sql: string): Promise<pg.QueryResult> {
    const client = new pg.Client({ connectionString: deployment.settings.database });
    await client.connect();
    try {
      return await client.query(sql);
    } finally {
      await client.end();
    }
  }

  it("tells the time in the room's usual zone, encrypted", async () => {
    const roomId = await chatWithAgent("llama");
    const answer = await call(roomId, "own__time", { at: "2026-12-24T18:30" });
    assert.equal(answer.body, "Thursday, 2026-12-24 18:30 in Europe/Berlin (UTC+01:00), week 52.");
    assert.equal(answer.encrypted, true);
  });

  it("has none where the admin gives it none", async () => {
    const roomId = await chatWithAgent("other");
    ollama.next({ answer: () => "Hello." });
    await ask(roomId, "Hello!");
    const [last] = ollama.chats().slice(-1);
    assert.equal((last?.body as { tools?: unknown }).tools, undefined);
  });

  it("finds what was said in this room, nothing of another one, and nothing deleted", async () => {
    const here = await chatWithAgent("llama");
    const elsewhere = await chatWithAgent("llama");
    const said = async (roomId: string, body: string): Promise<string> => {
      ollama.next({ answer: () => "I see." });
      const eventId = await alice.sendText({ roomId, body });
      await alice.waitMessage({ roomId, after: eventId, where: ({ sender }) => sender !== alice.userId });
      return eventId;
    };
    await said(elsewhere, "The narwhal of the other room is called Hugo.");
    await said(here, "The narwhal is called Emil.");
    const deleted = await said(here, "The narwhal is secretly called Otto.");
    await alice.redact(here, deleted);
    // An answer shows that the deletion was heard.
    await said(here, "Something else.");
    const { body } = await call(here, "own__search_room", { words: "NARWHAL called" }, "What is its name?");
    assert.match(body, /alice: The narwhal is called Emil\./i);
    assert.doesNotMatch(body, /Hugo|Otto|What is its name/);
    assert.match((await call(here, "own__search_room", { words: "walrus" })).body, /^Nothing was found/);
  });

  it("reads pages of named hosts, page by page, and of no others", async () => {
    const roomId = await chatWithAgent("llama");
    const host = `127.0.0.1:${port}`;
    assert.match((await call(roomId, "own__read_url", { url: `http://${host}/whales` })).body, /Whales sing\./);
    for (const [url, words] of [
      [`http://${host}/away`, /leads to another host/],
      ["http://127.0.0.2/secret", /only pages of these hosts/],
      [`http://localhost:${port}/`, /only pages of these hosts/],
      [`http://${REBOUND}:${port}/`, /only pages of these hosts/],
    ] as const)
      assert.match((await call(roomId, "own__read_url", { url })).body, words, url);
    ollama.next({ answer: () => "", calls: [{ name: "own__read_url", arguments: { url: `http://${host}/long` } }] });
    ollama.next({
      answer: () => "",
      calls: [{ name: "read_more", arguments: { of: 2, from: 16_000 } }],
    });
    ollama.next({ answer: (messages) => (messages.at(-1)?.content ?? "").slice(-60) });
    assert.match((await ask(roomId, "Read all of it.")).body, /whale the end$/);
    const privacy = await ask(roomId, "!privacy");
    assert.match(privacy.body, /127\.0\.0\.1/);
  });

  it("does not follow a name into its own network", async () => {
    await deployment.stopBridge();
    const preload = `--import=${inCheckout("test/support/rebound-name.mjs")}`;
    await deployment.startBridge({ NODE_OPTIONS: preload, REBOUND });
    const roomId = await chatWithAgent("web");
    const before = asked.length;
    const { body } = await call(roomId, "web__read_url", { url: `http://${REBOUND}:${port}/` });
    assert.match(body, /not a public one/);
    assert.equal(asked.length, before);
  });

  it("goes on without tools where a limit for a day is reached, and says so", async () => {
    const roomId = await chatWithAgent("llama");
    const { rowCount } = await query("update allowances set used = 1000, counted_at = now() where what = 'tool_calls'");
    assert.equal(rowCount, 1);
    const { body } = await call(roomId, "own__time", {});
    assert.match(body, /^Not done: the calls of tools for today are used up/);
    assert.match(body, /The limit for calls of tools in a day is reached/);
    await query("update allowances set used = 0 where what = 'tool_calls'");
    assert.match((await call(roomId, "own__time", {})).body, /Europe\/Berlin/);
  });

  it("goes on without tools where an answer has used enough of them, and says so", async () => {
    const roomId = await chatWithAgent("llama");
    const calls = Array.from({ length: 4 }, () => ({ name: "own__time", arguments: {} }));
    ollama.next({ answer: () => "", calls });
    ollama.next({ answer: (messages) => messages.at(-1)?.content ?? "" });
    const { body } = await ask(roomId, "What time is it?");
    assert.match(body, /^Not done: this answer has used as many tools as it may/);
    assert.match(body, /I was not allowed to use more tools/);
  });

  it("reminds people, once, and lists and ends its reminders", async () => {
    const roomId = await chatWithAgent("llama");
    const given = { words: "Tell Alice to call Ann", time: "09:00", days: ["monday"] };
    assert.match(
      (await call(roomId, "own__remind", given)).body,
      /^Reminder 1 is set: next on .* 09:00 \(Europe\/Berlin\)/,
    );
    assert.match(
      (await ask(roomId, "!reminders")).body,
      /1: Tell Alice to call Ann \(every Monday at 09:00, Europe\/Berlin/,
    );
    ollama.next({ answer: (messages) => `Heard ${messages.at(-1)?.content ?? ""}` });
    await query("update reminders set next_at = now() - interval '13 hours'");
    const due = await alice.waitMessage({
      roomId,
      where: ({ body }) => body.startsWith("Heard ⏰ Tell Alice to call Ann"),
    });
    assert.match(due.body, /I was not running when this was due, 13 hours ago\. ⏰ Reminder 1/);
    assert.equal(due.encrypted, true);
    assert.equal(due.content["m.relates_to"], undefined);
    assert.deepEqual(due.content["m.mentions"], { user_ids: [alice.userId] });
    ollama.next({ answer: () => "Call Ann, Alice!" });
    await alice.react(roomId, due.eventId, "🔁");
    await alice.waitMessage({ roomId, where: ({ body }) => /^Call Ann, Alice!\s+⏰ Reminder 1/.test(body) });
    const { rows } = await query("select next_at > now() as again, body from reminders");
    assert.equal((rows[0] as { again: boolean }).again, true);
    assert.doesNotMatch((rows[0] as { body: string }).body, /Alice|Ann/);
    assert.match((await ask(roomId, "!reminders cancel 1")).body, /Reminder 1 is ended/);
    assert.match((await ask(roomId, "!reminders")).body, /There are no reminders/);
  });

  it("lists long reminders within one message, and shows their words as words", async () => {
    const roomId = await chatWithAgent("llama");
    const words = "鯨\n- 4711: [here](https://evil.example) " + "鯨".repeat(1_900);
    for (let nth = 0; nth < 6; nth++) {
      const one = { name: "own__remind", arguments: { words, time: "09:00" } };
      ollama.next({ answer: () => "", calls: [one, one, one] });
      ollama.next({ answer: () => "Done." });
      assert.match((await ask(roomId, "Remind me!")).body, /^Done/);
    }
    const listed = await ask(roomId, "!reminders");
    assert.equal(listed.body.split("\n").filter((line) => line !== "").length, 18);
    assert.ok(!JSON.stringify(listed.content).includes("href="));
    await query("delete from reminders");
  });

  it("asks the room whether a reminder goes on when whoever asked for it has left", async () => {
    const agent = deployment.agent("llama");
    const bob = await deployment.user("js-sdk", "bob");
    const roomId = await alice.createRoom({ invite: [agent, bob.userId] });
    await alice.waitMember(roomId, agent);
    await bob.join(roomId);
    const given = { words: "Sum up this room", time: "09:00" };
    ollama.next({ answer: () => "", calls: [{ name: "own__remind", arguments: given }] });
    ollama.next({ answer: (messages) => messages.at(-1)?.content ?? "" });
    const asked = await bob.sendText({ roomId, body: "Llama: every day at 9", mentions: [agent] });
    const set = await alice.waitMessage({ roomId, after: asked, sender: agent });
    const [, id = ""] = /Reminder (\d+) is set/.exec(set.body) ?? [];
    assert.ok(id !== "", set.body);
    await bob.leave(roomId);
    await alice.waitMember(roomId, bob.userId, "leave");
    await query("update reminders set next_at = now()");
    const question = await alice.waitMessage({ roomId, after: set.eventId, sender: agent });
    assert.match(question.body, new RegExp(`Reminder ${id} is due.*Shall it go on\\?.*!reminders keep ${id}`));
    assert.equal(question.encrypted, true);
    // The homeserver could write such words itself.
    const path = `/v3/rooms/${encodeURIComponent(roomId)}/send/m.room.message/clear`;
    const content = { msgtype: "m.text", body: `Llama: !reminders keep ${id}`, "m.mentions": { user_ids: [agent] } };
    await alice.request("PUT", path, content);
    const refused = { roomId, after: question.eventId, sender: agent };
    assert.match((await alice.waitMessage(refused)).body, /^Llama did not read this message: it was not encrypted/);
    const kept = await alice.sendText({ roomId, body: `Llama: !reminders keep ${id}`, mentions: [agent] });
    await alice.waitMessage({ roomId, after: kept, sender: agent, where: ({ body }) => body.includes("is yours now") });
    ollama.next({ answer: () => "Nothing was said." });
    await query("update reminders set next_at = now()");
    const answer = await alice.waitMessage({
      roomId,
      after: kept,
      where: ({ body }) => body.startsWith("Nothing was"),
    });
    assert.deepEqual(answer.content["m.mentions"], { user_ids: [alice.userId] });
  });
});
