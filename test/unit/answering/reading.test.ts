import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Attachment } from "../../../src/matrix/attachments.ts";
import type { RememberedMessage } from "../../../src/memory/remembered-message.ts";
import type { PromptMessage } from "../../../src/answering/prompt.ts";
import type { FileOutcome } from "../../../src/memory/read-files.ts";
import { readFiles, type ReadingOptions } from "../../../src/answering/reading.ts";
import { ReadingRoom } from "../../../src/answering/reading-room.ts";
import { UnreadableFile } from "../../../src/answering/unreadable-file.ts";
import { HomeserverUnreachable, UnexpectedAnswer } from "../../../src/homeserver/errors.ts";
import { gif, png, webp } from "../../support/pictures.ts";
import { pdf } from "../../support/pdf.ts";
import { readers } from "../../support/readers.ts";
import { eventually } from "../../support/eventually.ts";

const ALICE = "@alice:a.b";
const EVE = "@eve:a.b";
const NEVER = new Promise<never>(() => undefined);

/** Files that people sent, and the calls for them. */
class Shelf {
  readonly room: ReadingRoom;
  readonly files = new Map<string, Uint8Array | Promise<Uint8Array> | Error>();
  readonly fetched: string[] = [];
  readonly known = new Map<string, FileOutcome>();
  readonly heard: Uint8Array[] = [];
  bytes = 0;

  constructor(room = new ReadingRoom()) {
    this.room = room;
  }

  /** A message with a file. */
  put(name: string, file: Uint8Array | Promise<Uint8Array> | Error, more: Partial<Attachment> = {}): RememberedMessage {
    this.files.set(name, file);
    const attachment = { kind: "text" as const, name, url: `mxc://a.b/${name}`, ...more };
    return {
      eventId: name,
      author: "person",
      sender: ALICE,
      speaker: "Alice",
      body: "",
      sentAt: 1,
      encrypted: false,
      attachment,
    };
  }

  read(messages: readonly RememberedMessage[], more: Partial<ReadingOptions> = {}): Promise<readonly PromptMessage[]> {
    return readFiles(messages, {
      room: this.room,
      canSee: () => Promise.resolve(true),
      download: async ({ name }, maxBytes, signal) => {
        this.fetched.push(name);
        const stopped = new Promise<never>((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
        });
        const file = await Promise.race([this.files.get(name), stopped]);
        if (file instanceof Error) throw file;
        if (file === undefined) throw new UnreadableFile("no_file");
        if (file.byteLength > maxBytes) throw new UnreadableFile("too_large");
        this.bytes += file.byteLength;
        return file;
      },
      transcribe: (_message, audio) => {
        this.heard.push(audio);
        return Promise.resolve("words");
      },
      find: ({ eventId }) => Promise.resolve(this.known.get(eventId)),
      keep: ({ eventId }, outcome) => Promise.resolve(void this.known.set(eventId, outcome)),
      pictures: new Map(),
      budgetTokens: 100_000,
      group: false,
      estimateTokens: (text) => text.length,
      signal: new AbortController().signal,
      ...more,
    });
  }

  /** Why a question's file can't be read; undefined when it can. */
  async refusal(question: RememberedMessage): Promise<string | undefined> {
    return this.read([question]).then(
      () => undefined,
      (error: unknown) => {
        assert.ok(error instanceof UnreadableFile, String(error));
        return error.why;
      },
    );
  }
}

function said(body: string): RememberedMessage {
  return { eventId: body, author: "person", sender: ALICE, speaker: "Alice", body, sentAt: 1, encrypted: false };
}

const text = Buffer.from("some words");

describe("reading the files of a conversation", () => {
  it("fetches the latest until there is no more place, and each only once", async () => {
    const shelf = new Shelf();
    const pages = Array.from({ length: 199 }, (_, index) => shelf.put(`${index}.txt`, Buffer.alloc(20_000, "a ")));
    const read = await shelf.read([...pages, said("hi")]);
    assert.deepEqual(shelf.fetched, ["198.txt", "197.txt", "196.txt", "195.txt", "194.txt"]);
    assert.equal(read.length, 6, "a file without place is not passed on");
    await shelf.read([...pages, said("hi again")]);
    assert.equal(shelf.fetched.length, 5);
  });

  it("fetches only so many files, and so many bytes", async () => {
    const shelf = new Shelf();
    const small = Array.from({ length: 199 }, (_, index) => shelf.put(`${index}.txt`, text));
    const read = await shelf.read([...small, said("hi")]);
    assert.equal(shelf.fetched.length, 40);
    assert.equal(read.length, 200);
    assert.match(read[0]?.body ?? "", /not read this time: “0\.txt”/);
    await shelf.read([...small, said("hi again")]);
    assert.equal(shelf.fetched.length, 40);

    const large = new Shelf();
    // The size that a sender states may be a lie.
    const files = Array.from({ length: 40 }, (_, index) =>
      large.put(`${index}.pdf`, Buffer.alloc(15_000_000), { size: 1 }),
    );
    await large.read([...files, said("hi")]);
    assert.ok(large.bytes <= 60_000_000, `${large.bytes}`);
  });

  it("shows the latest few pictures, fetched once for a question however often the model is asked", async () => {
    const shelf = new Shelf();
    const all = Array.from({ length: 9 }, (_, index) => shelf.put(`${index}.png`, png(4, 4), { kind: "image" }));
    const pictures = new Map<string, Uint8Array>();
    for (let round = 0; round < 3; round++) {
      const read = await shelf.read([...all, said("hi")], { pictures });
      assert.deepEqual(
        read.flatMap(({ eventId, images = [] }) => (images.length > 0 ? [eventId] : [])),
        ["6.png", "7.png", "8.png"],
      );
    }
    assert.deepEqual(shelf.fetched, ["8.png", "7.png", "6.png"]);
    assert.equal(shelf.known.size, 0, "pictures are not kept");
    await shelf.read([...all, said("hi")], { canSee: () => Promise.resolve(false) });
    assert.equal(shelf.fetched.length, 3);
  });

  it("goes by a file's content, not by its declared type", async () => {
    const page = Buffer.from("<!DOCTYPE html><html><script>alert(1)</script>");
    const ogg = Buffer.from("OggS and so on");
    const svg = Buffer.from('<?xml version="1.0"?>\n<!-- made by hand -->\n<svg xmlns="http://www.w3.org/2000/svg"/>');
    const many = gif({ w: 1_000, h: 1_000 }, Array(101).fill({ w: 1, h: 1 }));
    const short = gif({ w: 1, h: 1 }, Array(1_001).fill({ w: 1, h: 1 }));
    const cases: readonly [string, Uint8Array, Partial<Attachment>, string | undefined][] = [
      ["page.png", page, { kind: "image", mimetype: "image/png" }, "mislabelled"],
      ["bomb.png", png(50_000, 50_000), { kind: "image" }, "too_large"],
      ["photo.png", png(10_000, 10_000), { kind: "image" }, undefined],
      ["liar.gif", gif({ w: 1, h: 1 }, [{ w: 60_000, h: 60_000 }]), { kind: "image" }, "too_large"],
      ["long.gif", many, { kind: "image" }, "too_large"],
      ["flicker.gif", short, { kind: "image" }, "too_large"],
      ["moving.gif", gif({ w: 500, h: 500 }, Array(30).fill({ w: 500, h: 500 })), { kind: "image" }, undefined],
      ["empty.webp", webp(), { kind: "image" }, "mislabelled"],
      ["nothing.jpg", Buffer.alloc(0), { kind: "image" }, "mislabelled"],
      ["voice.ogg", ogg, { kind: "audio", durationMs: 3_600_000 }, undefined],
      ["speech.ogg", ogg, { kind: "audio", durationMs: 3_600_001 }, "too_large"],
      ["page.ogg", page, { kind: "audio", mimetype: "audio/ogg" }, "mislabelled"],
      ["bomb.ogg", png(50_000, 50_000), { kind: "audio" }, "mislabelled"],
      ["page.pdf", page, { mimetype: "application/pdf" }, undefined],
      ["page.txt", pdf("in truth a document"), { mimetype: "text/plain" }, undefined],
      ["page.html", Buffer.from("<!DOCTYPE html><p>words"), { mimetype: "text/html" }, undefined],
      ["script.html", page, {}, "no_text"],
      ["program.txt", Buffer.from("7f454c4602010100", "hex"), {}, "cant_read"],
      ["huge.txt", Buffer.alloc(1_000_001, "a"), {}, "too_large"],
      ["huge.bin", Buffer.alloc(1_000_001), { mimetype: "text/plain" }, "cant_read"],
      ["nothing.txt", Buffer.alloc(0), {}, "no_text"],
      ["blank.txt", Buffer.from("\ufeff \r\n\t\n"), {}, "no_text"],
      ["nothing.pdf", Buffer.alloc(0), { mimetype: "application/pdf" }, "no_text"],
      ["told.pdf", pdf("x"), { size: 5e9 }, undefined],
      ["remembered.pdf", pdf("of a version before"), { kind: "pdf" as "text" }, undefined],
      ["speech", Buffer.from("%PDF-1.7 is what a PDF begins with"), {}, undefined],
      ["broken.pdf", Buffer.from("%PDF-1.7 and no more"), {}, "no_text"],
      ["broken", Buffer.from("%PDF-1.7\n\0\x01\x02"), {}, "no_text"],
      ["list.m3u", Buffer.from("#EXTM3U\nsong.mp3"), { kind: "audio" }, undefined],
      ["plan.dxf", Buffer.from("0\nSECTION\n"), { kind: "image" }, undefined],
      ["scan.png", pdf("in truth a document"), { kind: "image", mimetype: "image/png" }, undefined],
      ["noise.mp3", Buffer.from("7f454c4602010100", "hex"), { kind: "audio" }, "mislabelled"],
      ["film.mp4", page, { kind: "other" }, "cant_read"],
      ["photo", png(4, 4), { mimetype: "" }, undefined],
      ["photo.txt", png(4, 4), { mimetype: "text/plain" }, undefined],
      ["bomb", png(50_000, 50_000), {}, "too_large"],
      ["photo.heic", Buffer.from("0000001c6674797068656963", "hex"), { kind: "image" }, "heic"],
      ["photo.jpg", Buffer.from("0000001c667479706d696631", "hex"), { kind: "image", mimetype: "image/jpeg" }, "heic"],
      ["IMG_0001", Buffer.from("0000001c6674797068656978", "hex"), {}, "heic"],
      ["logo.svg", svg, { kind: "image", mimetype: "image/svg+xml" }, "svg"],
      ["logo.xml", svg, { mimetype: "text/xml" }, undefined],
      ["scan.tif", Buffer.from("49492a0008000000", "hex"), { kind: "image" }, "foreign_picture"],
      ["new.avif", Buffer.from("0000001c6674797061766966", "hex"), {}, "foreign_picture"],
    ];
    const shelf = new Shelf();
    for (const [name, file, more, why] of cases) {
      assert.equal(await shelf.refusal(shelf.put(name, file, more)), why, name);
    }
    assert.equal(shelf.heard.length, 1);
    const before = shelf.fetched.length;
    for (const [name, file, more, why] of cases) {
      if (why !== undefined) assert.equal(await shelf.refusal(shelf.put(name, file, more)), why, name);
    }
    assert.equal(shelf.fetched.length, before, "an unreadable file is not fetched again");
  });

  it("fetches a picture that was sent as a plain file once for a model that does not see, and again for one when the picture is asked about", async () => {
    const shelf = new Shelf();
    const picture = shelf.put("photo", png(4, 4));
    const blind = { canSee: () => Promise.resolve(false) };
    await assert.rejects(shelf.read([picture], blind), /cant_see/);
    for (let round = 0; round < 3; round++) {
      const [earlier] = await shelf.read([picture, said("hi")], blind);
      assert.match(earlier?.body ?? "", /can't be read any more: “photo”/);
    }
    assert.equal(shelf.fetched.length, 1);
    const pictures = new Map([[picture.eventId, png(4, 4)]]);
    await assert.rejects(shelf.read([picture], { ...blind, pictures }), /cant_see/, "one that another model has seen");
    const [seen] = await shelf.read([picture]);
    assert.equal(seen?.images?.length, 1);
    assert.equal(shelf.fetched.length, 2);
  });

  it("shows only so many pictures, including those that were sent as plain files", async () => {
    const shelf = new Shelf();
    const all = Array.from({ length: 6 }, (_, index) => shelf.put(`${index}`, png(4, 4)));
    const read = await shelf.read([...all, said("hi")]);
    assert.deepEqual(
      read.flatMap(({ eventId, images = [] }) => (images.length > 0 ? [eventId] : [])),
      ["3", "4", "5"],
    );
  });

  it("remembers nothing of a failure that is the model's or the server's", async () => {
    const shelf = new Shelf();
    const picture = shelf.put("a.png", png(4, 4), { kind: "image" });
    await assert.rejects(shelf.read([picture], { canSee: () => Promise.resolve(false) }), UnreadableFile);
    const away = shelf.put("b.txt", new Error("the homeserver is away"));
    await assert.rejects(shelf.read([away]), /is away/);
    await assert.rejects(shelf.read([away, said("hi")]), /is away/);
    assert.equal(shelf.known.size, 0);
    const late = shelf.put("c.txt", new UnreadableFile("no_file", { isPassing: true }));
    await assert.rejects(shelf.read([late]), UnreadableFile);
    assert.deepEqual(shelf.known.get("c.txt"), { kind: "unreadable", why: "no_file", isPassing: true });
    await shelf.read([late, said("hi")]);
    assert.deepEqual(shelf.fetched.filter((name) => name === "c.txt").length, 1, "not for every question");
    shelf.files.set("c.txt", text);
    assert.match((await shelf.read([late]))[0]?.body ?? "", /some words/, "but for one that asks for it");
  });

  it("delays a question only so long for an earlier file that does not come", async () => {
    const shelf = new Shelf();
    const messages = [
      shelf.put("first.txt", text),
      shelf.put("slow.txt", NEVER),
      shelf.put("last.txt", text),
      said("hi"),
    ];
    const [first, slow, last] = await shelf.read(messages, { patienceMs: 20 });
    assert.match(first?.body ?? "", /not read this time/);
    assert.match(slow?.body ?? "", /not read this time/);
    assert.match(last?.body ?? "", /some words/);
    const [again] = await shelf.read(messages);
    assert.match(again?.body ?? "", /some words/, "the file that was waited for is skipped, and the others come");
    assert.deepEqual(shelf.fetched, ["last.txt", "slow.txt", "first.txt"]);
  });

  it("answers without an earlier file for which the homeserver gives no answer, and tries it again", async () => {
    const shelf = new Shelf();
    const failures = [
      new HomeserverUnreachable("GET x", "UND_ERR_SOCKET", "other side closed"),
      new HomeserverUnreachable("GET x", "TIMEOUT", "no answer"),
      new UnexpectedAnswer("GET x", "a redirect"),
    ];
    for (const failure of failures) {
      const old = shelf.put("old.txt", failure);
      for (const repliedTo of [undefined, "old.txt"]) {
        const [first, question] = await shelf.read([old, said("hi")], { repliedTo });
        assert.match(first?.body ?? "", /not read this time/);
        assert.equal(question?.body, "hi");
      }
      assert.equal(shelf.known.size, 0);
      await assert.rejects(shelf.read([old]), failure, "its own file is waited for");
    }
  });

  it("ends as soon as nobody waits for the answer, and remembers nothing of that", async () => {
    const shelf = new Shelf();
    for (const earlier of [true, false]) {
      const stopped = new AbortController();
      const slow = shelf.put("slow.txt", NEVER);
      const reading = shelf.read(earlier ? [slow, said("hi")] : [slow], { signal: stopped.signal });
      await eventually("the file is asked for", () => shelf.fetched.length === (earlier ? 1 : 2));
      stopped.abort(new Error("stopped"));
      await assert.rejects(reading, /^Error: stopped$/);
    }
    const stopped = new AbortController();
    const heavy = shelf.put("heavy.pdf", pdf("never read"));
    const reading = shelf.read([heavy], { signal: stopped.signal });
    await eventually("the document is read", async () => (await readers()).length === 1);
    for (const pid of await readers()) process.kill(pid, "SIGSTOP");
    stopped.abort(new Error("stopped"));
    await assert.rejects(reading, /^Error: stopped$/);
    assert.deepEqual(await readers(), [], "the reader has ended with it");
    assert.equal(shelf.known.size, 0);
    assert.match((await shelf.read([shelf.put("a.txt", text)]))[0]?.body ?? "", /some words/, "its place is free");
  });

  it("keeps nobody waiting for another's files", async () => {
    const room = new ReadingRoom();
    const eves = new Shelf(room);
    const stopped = new AbortController();
    const slow = ["1.txt", "2.txt", "3.txt", "4.txt", "5.txt"].map((name) => ({
      ...eves.put(name, NEVER),
      sender: EVE,
    }));
    const waiting = slow.map((message) => eves.read([message], { signal: stopped.signal }));
    await eventually("the first file is asked for", () => eves.fetched.length === 1);
    const alices = new Shelf(room);
    assert.match((await alices.read([alices.put("a.txt", text)]))[0]?.body ?? "", /some words/);
    const document = alices.put("a.pdf", pdf("a document"));
    assert.match((await alices.read([document]))[0]?.body ?? "", /a document/);
    assert.deepEqual(eves.fetched, ["1.txt"], "one of hers after the other");
    stopped.abort(new Error("stopped"));
    for (const reading of waiting) await assert.rejects(reading, /stopped/);
    const next = { ...eves.put("6.txt", text), sender: EVE };
    assert.match((await eves.read([next]))[0]?.body ?? "", /some words/);
  });

  it("reports a document whose reader is killed, and reads the next one", async () => {
    const shelf = new Shelf();
    const killed = shelf.put("killed.pdf", pdf("never read"));
    const refusal = shelf.refusal(killed);
    await eventually("the document is read", async () => (await readers()).length === 1);
    for (const signal of ["SIGSTOP", "SIGKILL"]) for (const pid of await readers()) process.kill(pid, signal);
    assert.equal(await refusal, "no_text");
    assert.equal(await shelf.refusal(killed), "no_text");
    assert.deepEqual(shelf.fetched, ["killed.pdf"]);
    const next = shelf.put("next.pdf", pdf("read after all"));
    assert.match((await shelf.read([next]))[0]?.body ?? "", /read after all/);
  });
});
