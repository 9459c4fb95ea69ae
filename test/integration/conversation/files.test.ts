import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { ReadFiles } from "../../../src/memory/read-files.ts";
import { UnreadableFile } from "../../../src/answering/unreadable-file.ts";
import type { Database } from "../../../src/database/database.ts";
import { TurnStopped, type Turn, type TurnReply } from "../../../src/turns/turn.ts";
import { TurnStore } from "../../../src/turns/turn-store.ts";
import {
  AGENT,
  ALICE,
  assertNowhere,
  BOB,
  LLAMA,
  NEVER,
  ROOM,
  UNSEEN,
  World,
} from "../../support/conversation-world.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { eventually } from "../../support/eventually.ts";
import { inCheckout } from "../../support/paths.ts";
import { pdf } from "../../support/pdf.ts";
import { png } from "../../support/pictures.ts";
import { readers } from "../../support/readers.ts";
import { sealsOf } from "../../support/seals.ts";
import { zip } from "../../support/zip.ts";
import { failureOf } from "../../support/turn-replies.ts";

/** A message that is a file, with its caption. */
function file(name: string, mimetype = "text/plain", caption?: string): object {
  return {
    msgtype: mimetype.startsWith("image/") ? "m.image" : "m.file",
    body: caption ?? name,
    filename: name,
    url: `mxc://example.test/${name}`,
    info: { mimetype },
  };
}

/** Somebody has sent files before, all with the same content unless their numbers make it. */
async function sent(
  world: World,
  names: readonly string[],
  bytes: Uint8Array | ((index: number) => Uint8Array),
): Promise<void> {
  await world.database.transaction(async (tx) => {
    for (const [index, name] of names.entries()) {
      const url = `mxc://example.test/${name}`;
      world.files.set(url, bytes instanceof Uint8Array ? bytes : bytes(index));
      await world.history.remember(tx, LLAMA, ROOM, {
        eventId: `$${name}`,
        author: "person",
        sender: ALICE,
        speaker: "Alice",
        body: "",
        sentAt: Date.now(),
        encrypted: false,
        attachment: { kind: "text", name, url },
      });
    }
  });
}

async function asked(world: World, body: string, also: object = {}): Promise<TurnReply> {
  const turn = await queued(world, body, also);
  const reply = await world.respond(turn, true, UNSEEN, NEVER);
  await new TurnStore(world.database, sealsOf(world.database)).finish(world.database, turn, reply);
  return reply;
}

async function queued(world: World, body: string, also: object = {}): Promise<Turn> {
  const turn = await world.turn(await world.say(body, { also }));
  assert.ok(turn);
  return turn;
}

/** The remembered files, by their messages. */
async function known(database: Database): Promise<Record<string, string>> {
  const { rows } = await database.query<{ event_id: string; what: string }>(
    `select event_id, coalesce(failure, 'text') as what from read_files join messages using (position)`,
  );
  return Object.fromEntries(rows.map(({ event_id, what }) => [event_id, what]));
}

function lastPrompt(world: World): string {
  return JSON.stringify(world.provider.asked.at(-1)?.messages);
}

forEachDatabase((_kind, open) => {
  describe("the files of a conversation", () => {
    it("are fetched once, the latest first, as many as fit and no more than the limit", async () => {
      const world = new World(await open());
      world.agent = { ...AGENT, contextTokens: 100_000 };
      const pages = Array.from({ length: 199 }, (_, index) => `${index}.txt`);
      await sent(world, pages, (index) => Buffer.from(`page ${index}`));
      for (const question of ["hi", "hi again"]) {
        assert.equal((await asked(world, question)).outcome, "answered");
        assert.equal(world.downloads.length, 40);
        assert.match(lastPrompt(world), /page 198\b/);
        assert.doesNotMatch(lastPrompt(world), /page 158\b/);
      }

      world.agent = AGENT;
      await sent(
        world,
        pages.slice(-30).map((name) => `large ${name}`),
        Buffer.alloc(990_000, "word "),
      );
      world.downloads.length = 0;
      for (const question of ["hi", "hi again"]) {
        await asked(world, question);
        assert.deepEqual(world.downloads, ["mxc://example.test/large 198.txt"]);
      }
    });

    it("are remembered sealed, as long as their messages stay unchanged", async () => {
      const world = new World(await open());
      const [first, second] = ["$secret.txt", "$other.txt"] as const;
      await sent(world, ["secret.txt", "other.txt"], Buffer.from("the canary sings"));
      await asked(world, "hi");
      assert.deepEqual(await known(world.database), { [first]: "text", [second]: "text" });
      await assertNowhere(world.database, /canary/);
      const { rows } = await world.database.query(
        "select 1 from read_files join messages using (position) where read_files.sealed_by <> messages.sealed_by",
      );
      assert.deepEqual(rows, [], "with the key of their message");

      await world.database.transaction((tx) =>
        world.history.edit(
          tx,
          { ghost: LLAMA, roomId: ROOM, eventId: first, sender: ALICE, encrypted: false },
          "what is this?",
        ),
      );
      assert.deepEqual(await known(world.database), { [second]: "text" });
      await world.database.transaction((tx) => world.forgetting.message(tx, LLAMA, ROOM, second, ALICE));
      assert.deepEqual(await known(world.database), {});
      await asked(world, "hi");
      assert.deepEqual(await known(world.database), { [first]: "text" });
      assert.equal(world.downloads.length, 3);

      await world.database.execute("update messages set sent_at = 0");
      assert.ok((await world.forgetting.expired(ROOM, new Date(1_000))) > 0);
      assert.deepEqual(await known(world.database), {});
      // Somebody reads the file while it is forgotten.
      const files = new ReadFiles(world.database, sealsOf(world.database));
      await files.keep({ ghost: LLAMA, eventId: first }, { kind: "text", text: "the canary sings" });
      assert.deepEqual(await known(world.database), {});
    });

    it("are forgotten with the room, and after a time", async () => {
      const world = new World(await open());
      const files = new ReadFiles(world.database, sealsOf(world.database));
      await sent(world, ["a.txt"], Buffer.from("a"));
      await asked(world, "hi");
      assert.equal(await files.prune(1), 0);
      await world.database.execute("update read_files set read_at = now() - interval '2 days'");
      assert.equal(await files.prune(1), 1);
      await asked(world, "hi");
      assert.equal(world.downloads.length, 2);
      await world.database.transaction((tx) => world.forgetting.room(tx, LLAMA, ROOM));
      const { rows } = await world.database.query("select * from read_files");
      assert.deepEqual(rows, []);
    });

    it("that can't be read get one notice, and are neither fetched nor read again", async () => {
      const world = new World(await open());
      world.agent = { ...AGENT, vision: true };
      for (const [name, mimetype, bytes, failure] of [
        ["broken.pdf", "application/pdf", Buffer.from("%PDF-1.7 and no more"), "no_text"],
        ["bomb.png", "image/png", png(50_000, 50_000), "too_large"],
        ["page.png", "image/png", Buffer.from("<!DOCTYPE html>"), "mislabelled"],
        ["big.txt", "text/plain", Buffer.alloc(1_000_001, "a"), "too_large"],
        ["gone.txt", "text/plain", undefined, "no_file"],
        ["photo.heic", "image/heic", Buffer.from("\0\0\0\x1cftypheic", "latin1"), "heic"],
        ["logo.svg", "image/svg+xml", Buffer.from("<svg/>"), "svg"],
        ["scan.tif", "image/tiff", Buffer.from("II*\0\x08\0\0\0", "latin1"), "foreign_picture"],
        ["letter.docx", "", await readFile(inCheckout("test/fixtures/documents/locked-report.docx")), "locked"],
        ["letter.odt", "", await readFile(inCheckout("test/fixtures/documents/locked-report.odt")), "locked"],
        ["letter.doc", "", await readFile(inCheckout("test/fixtures/documents/office-report.doc")), "old_office"],
        ["things.docx", "", zip([{ name: "a.txt", data: "a" }]), "cant_read"],
        ["program", "", Buffer.from("7f454c4602010100", "hex"), "cant_read"],
        ["empty.md", "text/markdown", Buffer.alloc(0), "no_text"],
      ] as const) {
        if (bytes !== undefined) world.files.set(`mxc://example.test/${name}`, bytes);
        const question = await queued(world, "", file(name, mimetype));
        world.downloads.length = 0;
        for (let round = 0; round < 2; round++) {
          const reply = await world.respond(question, true, UNSEEN, NEVER);
          assert.deepEqual([reply.outcome, failureOf(reply)], ["failed", failure], name);
          assert.equal(reply.messages[0]?.content["msgtype"], "m.notice");
        }
        await new TurnStore(world.database, sealsOf(world.database)).finish(world.database, question, {
          outcome: "failed",
          failure,
        });
        assert.equal((await asked(world, "never mind")).outcome, "answered");
        assert.ok(lastPrompt(world).includes(`can't be read any more: “${name}”`), name);
        assert.equal(
          world.provider.asked.at(-1)?.messages.some(({ images = [] }) => images.length > 0),
          false,
        );
        assert.equal(world.downloads.length, 1, name);
      }
    });

    it("that only did not arrive are tried again, later and later", async () => {
      const world = new World(await open());
      const lost = new UnreadableFile("no_file", { isPassing: true });
      await sent(world, ["slow.txt"], Buffer.alloc(0));
      const fails = (): void => {
        const failing = Promise.reject<Uint8Array>(lost);
        failing.catch(() => undefined);
        world.files.set("mxc://example.test/slow.txt", failing);
      };
      const passed = async (minutes: number): Promise<void> => {
        await world.database.query("update read_files set again_at = again_at - make_interval(mins => $1)", [minutes]);
      };
      fails();
      await asked(world, "hi");
      await asked(world, "hi");
      assert.equal(world.downloads.length, 1);
      await passed(10);
      await asked(world, "hi");
      assert.equal(world.downloads.length, 2);
      await passed(10);
      await asked(world, "hi");
      assert.equal(world.downloads.length, 2);
      await passed(10);
      world.files.set("mxc://example.test/slow.txt", Buffer.from("here it is"));
      await asked(world, "hi");
      assert.match(lastPrompt(world), /here it is/);
    });

    it("are no longer fetched or read once somebody says stop", async () => {
      const world = new World(await open());
      world.files.set("mxc://example.test/slow.pdf", pdf("never read"));
      const turn = await queued(world, "", file("slow.pdf", "application/pdf"));
      const stop = new AbortController();
      const answering = world.respond(turn, true, UNSEEN, stop.signal);
      await eventually("the document is read", async () => (await readers()).length === 1);
      for (const pid of await readers()) process.kill(pid, "SIGSTOP");
      stop.abort(new TurnStopped({ keeps: true }));
      assert.deepEqual(await answering, { outcome: "stopped", messages: [] });
      await eventually("its reader ends", async () => (await readers()).length === 0);
      assert.deepEqual(await known(world.database), {});
    });

    it("get a notice when their reader is killed, and the next one is read", async () => {
      const world = new World(await open());
      for (const name of ["killed", "next"]) world.files.set(`mxc://example.test/${name}.pdf`, pdf(`this is ${name}`));
      const answering = asked(world, "", file("killed.pdf", "application/pdf"));
      await eventually("the document is read", async () => (await readers()).length === 1);
      for (const signal of ["SIGSTOP", "SIGKILL"]) for (const pid of await readers()) process.kill(pid, signal);
      const reply = await answering;
      assert.equal(failureOf(reply), "no_text");
      assert.match(String(reply.messages[0]?.content["body"]), /found no text in this file/);
      assert.equal((await asked(world, "", file("next.pdf", "application/pdf"))).outcome, "answered");
      assert.match(lastPrompt(world), /can't be read any more: “killed\.pdf”[\s\S]*this is next/);
      assert.equal(world.downloads.length, 2);
    });

    it("of one person delay nobody else's", async () => {
      const world = new World(await open());
      const stop = new AbortController();
      const slow = new Promise<never>(() => undefined);
      const eves: Promise<TurnReply>[] = [];
      for (const name of ["1.txt", "2.txt", "3.txt"]) {
        world.files.set(`mxc://example.test/${name}`, slow);
        const question = await world.say("", { also: file(name), sender: BOB, roomId: `!${name}:example.test` });
        const turn = await world.turn(question);
        assert.ok(turn);
        eves.push(world.respond(turn, true, UNSEEN, stop.signal));
      }
      await eventually("the first is asked for", () => world.downloads.length === 1);
      world.files.set("mxc://example.test/small.txt", Buffer.from("a small file"));
      assert.equal((await asked(world, "", file("small.txt"))).outcome, "answered");
      assert.match(lastPrompt(world), /a small file/);
      assert.equal(world.downloads.length, 2, "and one's own come one after the other");
      stop.abort(new TurnStopped({ keeps: true }));
      for (const { outcome } of await Promise.all(eves)) assert.equal(outcome, "stopped");
    });
  });
});
