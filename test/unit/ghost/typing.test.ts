import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Background } from "../../../src/concurrency/background.ts";
import { Typing } from "../../../src/ghost/typing.ts";
import type { HomeserverClient } from "../../../src/homeserver/client.ts";
import { silentLogger } from "../../../src/observability/log.ts";

const ROOM = "!room:example.org";

/** A homeserver that records its calls, and answers when a test lets it. */
class SlowServer implements HomeserverClient {
  readonly told: string[] = [];
  answer: Promise<unknown> = Promise.resolve({});

  async request({ path, body }: Parameters<HomeserverClient["request"]>[0]): Promise<unknown> {
    const room = /rooms\/(.*?)\/typing/.exec(decodeURIComponent(path))?.[1] ?? path;
    this.told.push(`${room} ${String((body as { typing: boolean }).typing)}`);
    return this.answer;
  }
  requestText(): Promise<string> {
    return Promise.reject(new Error("not a call of typing notices"));
  }
  requestBytes(): Promise<Uint8Array> {
    return Promise.reject(new Error("not a call of typing notices"));
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

function make(): { server: SlowServer; background: Background; typing: Typing } {
  const server = new SlowServer();
  const background = new Background(silentLogger());
  return { server, background, typing: new Typing(server, "@agent_llama:example.org", background) };
}

describe("typing", () => {
  beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "setInterval"] }));
  afterEach(() => mock.timers.reset());

  it("is not shown for work that takes a moment", async () => {
    const { server, background, typing } = make();
    const [first, second] = [typing.start(ROOM), typing.start(ROOM)];
    mock.timers.tick(500);
    first();
    second();
    mock.timers.tick(60_000);
    await background.idle();
    assert.deepEqual(server.told, []);
    typing.start(ROOM);
    typing.stop();
    mock.timers.tick(60_000);
    await background.idle();
    assert.deepEqual(server.told, []);
  });

  it("is shown from the start of the first work to the end of the last, once", async () => {
    const { server, background, typing } = make();
    const first = typing.start(ROOM);
    mock.timers.tick(900);
    const second = typing.start(ROOM);
    mock.timers.tick(100);
    first();
    first();
    await background.idle();
    assert.deepEqual(server.told, [`${ROOM} true`]);
    second();
    await background.idle();
    assert.deepEqual(server.told, [`${ROOM} true`, `${ROOM} false`]);
  });

  it("is renewed during the work, and not afterwards", async () => {
    const { server, background, typing } = make();
    const end = typing.start(ROOM);
    mock.timers.tick(1_000);
    mock.timers.tick(45_000);
    await background.idle();
    assert.deepEqual(server.told, [`${ROOM} true`, `${ROOM} true`, `${ROOM} true`]);
    end();
    mock.timers.tick(100_000);
    await background.idle();
    assert.equal(server.told.length, 4);
  });

  it("ends after it began, however slow the server is: the two are never under way at once", async () => {
    const { server, background, typing } = make();
    const slow = Promise.withResolvers<unknown>();
    server.answer = slow.promise;
    const end = typing.start(ROOM);
    mock.timers.tick(1_000);
    end();
    const other = typing.start("!other:example.org");
    mock.timers.tick(1_000);
    await turn();
    assert.deepEqual(server.told, [`${ROOM} true`, "!other:example.org true"]);
    slow.reject(new Error("504"));
    other();
    await background.idle();
    assert.deepEqual(server.told.slice(2).sort(), ["!other:example.org false", `${ROOM} false`]);
  });

  it("ends in all rooms with a stop", async () => {
    const { server, background, typing } = make();
    const end = typing.start(ROOM);
    typing.start("!other:example.org");
    mock.timers.tick(1_000);
    typing.stop();
    end();
    await background.idle();
    assert.deepEqual(
      server.told.filter((told) => told.endsWith("false")),
      [`${ROOM} false`, "!other:example.org false"],
    );
  });
});

describe("work in the background", () => {
  it("is awaited, with the work that it starts itself, and its failure harms nobody", async () => {
    const background = new Background(silentLogger());
    const [first, second] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    background.run("first", async () => {
      await first.promise;
      background.run("second", () => second.promise);
      throw new Error("failed");
    });
    let idle = false;
    const waiting = background.idle().then(() => (idle = true));
    first.resolve(undefined);
    await turn();
    assert.ok(!idle);
    second.resolve(undefined);
    await waiting;
  });
});
