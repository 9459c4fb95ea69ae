import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { portrait } from "../../../src/avatars/portrait.ts";
import { Avatars } from "../../../src/avatars/avatars.ts";
import { DeviceStore } from "../../../src/ghost/device/device-store.ts";
import { GhostStore } from "../../../src/ghost/ghost-store.ts";
import type { HomeserverClient, HomeserverRequest } from "../../../src/homeserver/client.ts";
import { HomeserverUnreachable, MatrixError } from "../../../src/homeserver/errors.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import type { Database } from "../../../src/database/database.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { eventually } from "../../support/eventually.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

const LLAMA = "@agent_llama:example.test";
const MAX = "@agent_max:example.test";
const PNG = Buffer.from("\x89PNG\r\n\x1a\nof the admin", "latin1");

/** The part of a homeserver for profiles and media, and the calls that it got. */
class Server implements HomeserverClient {
  readonly calls: string[] = [];
  readonly avatars = new Map<string, string>();
  readonly media: { readonly bytes: Buffer; readonly contentType: string | undefined }[] = [];
  /** Thrown instead of an answer to a call. */
  fails: (call: string) => Error | undefined = () => undefined;

  request({ method, path, body, as, contentType }: HomeserverRequest): Promise<unknown> {
    const call = `${method} ${path.replace(/^.*\/(profile|upload)\b.*$/, "$1")}`;
    this.calls.push(`${as?.userId ?? "?"} ${call}`);
    const failure = this.fails(call);
    if (failure !== undefined) return Promise.reject(failure);
    const userId = as?.userId ?? "";
    switch (call) {
      case "GET profile":
        return Promise.resolve({ avatar_url: this.avatars.get(userId) });
      case "POST upload":
        this.media.push({ bytes: Buffer.from(body as Uint8Array), contentType });
        return Promise.resolve({ content_uri: `mxc://example.test/${this.media.length}` });
      case "PUT profile":
        this.avatars.set(userId, (body as { avatar_url: string }).avatar_url);
        return Promise.resolve({});
      default:
        throw new Error(`no such call: ${call}`);
    }
  }
  requestText(): never {
    throw new Error("nobody asks for that");
  }
  requestBytes(): never {
    throw new Error("nobody asks for that");
  }
  close(): Promise<void> {
    return Promise.resolve();
  }

  takeCalls(): string[] {
    return this.calls.splice(0);
  }

  /** The picture that a ghost shows. */
  shown(userId: string): Buffer | undefined {
    const number = this.avatars.get(userId)?.split("/").at(-1);
    return this.media[Number(number) - 1]?.bytes;
  }
}

const GIVEN = ["GET profile", "POST upload", "PUT profile"];

function of(userId: string, calls: readonly string[]): string[] {
  return calls.map((call) => `${userId} ${call}`);
}

forEachDatabase((_kind, open) => {
  const running: Avatars[] = [];
  after(async () => {
    for (const avatars of running) await avatars.stop();
  });

  function start(
    database: Database,
    server: Server,
    {
      images = {},
      againAfterMs = 600_000,
      isNew = false,
    }: { images?: Readonly<Record<string, string>>; againAfterMs?: number; isNew?: boolean } = {},
  ): Avatars {
    const avatars = new Avatars({
      database,
      client: server,
      configured: (userId) => images[userId],
      isNew: () => isNew,
      log: silentLogger(),
      againAfterMs,
    });
    running.push(avatars);
    return avatars;
  }

  async function withUsers(...userIds: readonly string[]): Promise<Database> {
    const database = await open();
    const store = new GhostStore(database);
    for (const userId of userIds) {
      await new DeviceStore(database).ensure(userId);
      await store.setProfile(userId, "made");
    }
    return database;
  }

  async function image(bytes: Buffer = PNG): Promise<string> {
    const path = join(await temporaryDirectory("avatar"), "image");
    await writeFile(path, bytes);
    return path;
  }

  describe("the avatar of a ghost", () => {
    it("is a drawing made from its name, given once over all starts", async () => {
      const database = await withUsers(LLAMA, MAX);
      const server = new Server();
      await start(database, server).give([LLAMA, MAX]);
      assert.deepEqual(server.takeCalls().sort(), [...of(LLAMA, GIVEN), ...of(MAX, GIVEN)]);
      assert.deepEqual(server.shown(LLAMA), portrait("agent_llama"));
      assert.deepEqual(server.shown(MAX), portrait("agent_max"));
      assert.equal(server.media[0]?.contentType, "image/png");
      const again = start(database, server);
      await Promise.all([again.give([LLAMA, MAX]), again.give([MAX])]);
      assert.deepEqual(server.takeCalls(), []);
    });

    it("waits until its user exists", async () => {
      const database = await open();
      const store = new GhostStore(database);
      await new DeviceStore(database).ensure(LLAMA);
      const server = new Server();
      const avatars = start(database, server);
      await avatars.give([LLAMA, MAX]);
      assert.deepEqual(server.takeCalls(), []);
      await store.setProfile(LLAMA, "made");
      await avatars.give([LLAMA, MAX]);
      assert.deepEqual(server.takeCalls(), of(LLAMA, GIVEN));
    });

    it("is the admin's image, in place of any other; and a drawing again when the admin removes it", async () => {
      const database = await withUsers(LLAMA);
      const server = new Server();
      server.avatars.set(LLAMA, "mxc://example.test/by-hand");
      const images = { [LLAMA]: await image() };
      await start(database, server, { images }).give([LLAMA]);
      assert.deepEqual(server.takeCalls(), of(LLAMA, ["POST upload", "PUT profile"]));
      assert.deepEqual(server.shown(LLAMA), PNG);
      await start(database, server, { images }).give([LLAMA]);
      assert.deepEqual(server.takeCalls(), []);

      const other = Buffer.concat([PNG, PNG]);
      await writeFile(images[LLAMA], other);
      await start(database, server, { images }).give([LLAMA]);
      assert.deepEqual(server.shown(LLAMA), other);
      server.takeCalls();
      await start(database, server).give([LLAMA]);
      assert.deepEqual(server.takeCalls(), of(LLAMA, GIVEN));
      assert.deepEqual(server.shown(LLAMA), portrait("agent_llama"));
    });

    it("that somebody set or removed on the homeserver stays so, and is looked at once", async () => {
      for (const byHand of ["mxc://example.test/by-hand", ""]) {
        const database = await withUsers(LLAMA, MAX);
        const server = new Server();
        // One that never had a picture of ours, and one that had.
        server.avatars.set(MAX, "mxc://example.test/by-hand");
        await start(database, server).give([LLAMA, MAX]);
        server.avatars.set(LLAMA, byHand);
        assert.deepEqual(server.takeCalls().sort(), [...of(LLAMA, GIVEN), `${MAX} GET profile`]);
        await start(database, server).give([LLAMA, MAX]);
        assert.deepEqual(server.takeCalls(), []);

        await database.query("update avatars set picture = 'drawn 0'");
        await start(database, server).give([LLAMA, MAX]);
        assert.deepEqual(server.takeCalls().sort(), [`${LLAMA} GET profile`, `${MAX} GET profile`]);
        assert.deepEqual(Object.fromEntries(server.avatars), { [LLAMA]: byHand, [MAX]: "mxc://example.test/by-hand" });
        await start(database, server).give([LLAMA, MAX]);
        assert.deepEqual(server.takeCalls(), []);
      }
    });

    it("of a user that was just made is not looked at before its first picture, unless that had to wait", async () => {
      const database = await withUsers(LLAMA, MAX);
      const server = new Server();
      server.fails = (call) =>
        call === "POST upload" ? new HomeserverUnreachable(call, "TIMEOUT", "away") : undefined;
      const avatars = start(database, server, { isNew: true, againAfterMs: 50 });
      await avatars.give([LLAMA]);
      assert.deepEqual(server.takeCalls(), of(LLAMA, ["POST upload"]));
      server.fails = () => undefined;
      server.avatars.set(LLAMA, "mxc://example.test/by-hand");
      await eventually("another look", () => server.calls.length > 0);
      await avatars.give([MAX]);
      assert.deepEqual(server.takeCalls(), [`${LLAMA} GET profile`, ...of(MAX, ["POST upload", "PUT profile"])]);
      await database.query("update avatars set picture = 'drawn 0' where ghost = $1", [MAX]);
      server.avatars.set(MAX, "mxc://example.test/by-hand");
      await avatars.give([MAX]);
      assert.deepEqual(server.takeCalls(), of(MAX, ["GET profile"]));
    });

    it("is drawn again when the drawing has changed", async () => {
      const database = await withUsers(LLAMA);
      const server = new Server();
      await start(database, server).give([LLAMA]);
      await database.query("update avatars set picture = 'drawn 0'");
      server.takeCalls();
      await start(database, server).give([LLAMA]);
      assert.deepEqual(server.takeCalls(), of(LLAMA, GIVEN));
      assert.equal(server.avatars.get(LLAMA), "mxc://example.test/2");
    });

    it("is not tried again where the homeserver takes no drawing, but is where it refuses the admin's image", async () => {
      const refusal = { status: 403, errcode: "M_FORBIDDEN", error: "no", retryAfterMs: undefined };
      for (const refused of ["POST upload", "PUT profile"]) {
        const database = await withUsers(LLAMA, MAX);
        const server = new Server();
        server.fails = (call) => (call === refused ? new MatrixError(call, refusal) : undefined);
        const images = { [MAX]: await image() };
        await start(database, server, { images }).give([LLAMA, MAX]);
        server.takeCalls();
        await start(database, server, { images }).give([LLAMA, MAX]);
        assert.deepEqual([...new Set(server.takeCalls().map((call) => call.split(" ")[0]))], [MAX]);
      }
    });

    it("is tried again when the homeserver could not take it; the first failure is enough to wait", async () => {
      const many = Array.from({ length: 20 }, (_, index) => `@agent_${index}:example.test`);
      const database = await withUsers(...many);
      const server = new Server();
      server.fails = (call) =>
        call === "POST upload" ? new HomeserverUnreachable(call, "TIMEOUT", "away") : undefined;
      await start(database, server, { againAfterMs: 50 }).give(many);
      assert.ok(server.takeCalls().length <= 6);
      server.fails = () => undefined;
      await eventually("all avatars", () => server.avatars.size === many.length);
    });

    it("does not keep others waiting where its image can't be read any more", async () => {
      const database = await withUsers(LLAMA, MAX);
      const server = new Server();
      const path = await image();
      await rm(path);
      await start(database, server, { images: { [MAX]: path } }).give([LLAMA, MAX]);
      assert.deepEqual([...server.avatars.keys()], [LLAMA]);
    });
  });
});
