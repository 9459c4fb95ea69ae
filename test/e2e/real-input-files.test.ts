import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { encryptFile } from "../support/encrypted-file.ts";
import { startOllamaServer, type OllamaServer } from "../support/ollama-server.ts";
import { inCheckout } from "../support/paths.ts";
import { png } from "../support/pictures.ts";
import type { Message, User } from "../support/user.ts";

interface Asked {
  readonly messages: readonly { readonly content: string; readonly images?: readonly string[] }[];
}

/** A client's description of a file, beside its address. */
interface Said {
  readonly name: string;
  readonly msgtype?: "m.file" | "m.image";
  readonly info?: object | undefined;
  readonly caption?: string;
}

function fixture(name: string): Promise<Buffer> {
  return readFile(inCheckout(`test/fixtures/documents/${name}`));
}

describe("files that real clients send", () => {
  let ollama: OllamaServer;
  let deployment: Deployment;
  let alice: User;
  /**
   * Encrypted direct chats with an agent that reads, and with one that also sees; an unencrypted one with the former.
   */
  let reads: Room;
  let sees: Room;
  let clear: Room;

  interface Room {
    readonly agent: string;
    readonly roomId: string;
    readonly encrypted: boolean;
  }

  before(async () => {
    ollama = await startOllamaServer(["llama3.2:3b", "llama3.2-vision:11b"]);
    deployment = await startDeployment({
      providers: { ollama: { type: "ollama", url: ollama.url } },
      agents: {
        reader: { provider: "ollama", model: "llama3.2:3b", display_name: "Reader" },
        seer: { provider: "ollama", model: "llama3.2-vision:11b", display_name: "Seer" },
      },
    });
    alice = await deployment.user("js-sdk", "alice");
    const room = async (name: string, encrypted: boolean): Promise<Room> => {
      const agent = deployment.agent(name);
      const roomId = await alice.createRoom({ direct: true, invite: [agent], encrypted });
      await alice.waitMember(roomId, agent);
      return { agent, roomId, encrypted };
    };
    reads = await room("reader", true);
    sees = await room("seer", true);
    clear = await room("reader", false);
  });
  after(async () => {
    await deployment.stop();
    await ollama.close();
  });

  /** Sends a file; resolves with the agent's reply to it. */
  async function send(
    room: Room,
    bytes: Uint8Array,
    { name, msgtype = "m.file", info, caption }: Said,
  ): Promise<Message> {
    const { agent, roomId } = room;
    const locked = room.encrypted ? encryptFile(bytes) : undefined;
    const url = await alice.upload(locked?.bytes ?? bytes, "application/octet-stream");
    const question = await alice.send(roomId, {
      msgtype,
      ...(caption === undefined ? { body: name } : { body: caption, filename: name }),
      ...(info === undefined ? {} : { info }),
      ...(locked === undefined ? { url } : { file: { ...locked.info, url } }),
    });
    return alice.waitMessage({ roomId, sender: agent, after: question });
  }

  /** The form in which a file was shown to the model; fails when the model was not asked. */
  async function shown(room: Room, bytes: Uint8Array, said: Said): Promise<Asked["messages"][number]> {
    const before = ollama.chats().length;
    const answer = await send(room, bytes, said);
    assert.equal(answer.content["msgtype"], "m.text", answer.body);
    assert.equal(ollama.chats().length, before + 1);
    const last = (ollama.chats().at(-1)?.body as Asked).messages.at(-1);
    assert.ok(last !== undefined);
    return last;
  }

  /** The notice about a file for which no model was asked. */
  async function refused(room: Room, bytes: Uint8Array, said: Said): Promise<string> {
    const before = ollama.chats().length;
    const answer = await send(room, bytes, said);
    assert.equal(answer.content["msgtype"], "m.notice", answer.body);
    assert.equal(ollama.chats().length, before, "no model is shown it");
    return answer.body;
  }

  it("13: pictures are recognised by their bytes, whatever their declared type", async () => {
    const pixels = png(640, 480);
    for (const [name, msgtype, info] of [
      ["a.jpg", "m.image", { mimetype: "image/jpg" }],
      ["b.png", "m.image", { mimetype: "image/*" }],
      ["c.png", "m.image", undefined],
      ["d.png", "m.file", { mimetype: "" }],
      ["e", "m.file", { mimetype: "application/octet-stream" }],
      ["f.txt", "m.file", { mimetype: "text/plain", size: 3 }],
    ] as const) {
      const { images } = await shown(sees, pixels, { name, msgtype, info });
      assert.deepEqual(images, [pixels.toString("base64")], name);
    }
    assert.match(await refused(reads, pixels, { name: "x", info: { mimetype: "" } }), /can't look at pictures/);
  });

  it("3, 13: a file that is no picture is shown to no model, gets one notice, and makes no later question fail", async () => {
    const page = Buffer.from("<!DOCTYPE html><title>no picture</title>");
    const png = { name: "cat.png", msgtype: "m.image", info: { mimetype: "image/png" } } as const;
    assert.match(await refused(sees, page, png), /not of the type that it claims/);
    const photo = Buffer.concat([Buffer.from("0000001c6674797068656963", "hex"), Buffer.alloc(100)]);
    const heic = { name: "IMG_1.HEIC", info: { mimetype: "" } };
    assert.match(await refused(sees, photo, heic), /HEIC.*JPEG or PNG/);
    const drawing = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>');
    const svg = { name: "logo.svg", msgtype: "m.image", info: { mimetype: "image/svg+xml" } } as const;
    assert.match(await refused(sees, drawing, svg), /SVG.*PNG or JPEG/);
    const next = await shown(sees, Buffer.from("hello"), { name: "a.txt" });
    assert.match(next.content, /hello/);
  });

  it("14: text is recognised by its content, in whichever encoding it is", async () => {
    const western = Buffer.from("M\xfcsli;3,50 \x80\r\n", "latin1");
    for (const [name, bytes, mimetype, expected] of [
      ["prices.csv", western, "application/vnd.ms-excel", /Müsli;3,50 €/],
      ["prices.csv", Buffer.from("\ufeffMüsli;3,50 €"), "text/csv", /\nMüsli;3,50 €/],
      ["prices.txt", Buffer.from("\ufeffMüsli;3,50 €", "utf16le"), "text/plain", /\nMüsli;3,50 €/],
      ["export.txt", Buffer.from("Name;Price\r\nMüsli;3,50 €", "utf16le"), "", /Müsli;3,50 €/],
      ["Dockerfile", Buffer.from("FROM node:24\n"), "", /FROM node:24/],
      ["Makefile", Buffer.from("all:\n\techo hi\n"), "application/octet-stream", /all:\n\techo hi/],
      ["data", Buffer.from('{"a": 1}'), "application/json; charset=utf-8", /\{"a": 1\}/],
      ["main.ts", Buffer.from("const a = 1;"), "video/mp2t", /const a = 1;/],
      ["תקציר 👨‍👩‍👧.unknown", Buffer.from("words"), "application/x-nobody-knows", /“תקציר 👨‍👩‍👧\.unknown”[^]*words/],
      ["a/b/../c.txt", Buffer.from("nested"), "text/plain", /“a\/b\/\.\.\/c\.txt”[^]*nested/],
      ["small.txt", Buffer.from("it is small"), "text/plain", /it is small/],
    ] as const) {
      const info = { mimetype, ...(name === "small.txt" ? { size: 5e9 } : {}) };
      assert.match((await shown(reads, bytes, { name, info })).content, expected, name);
    }
    const program = Buffer.from("7f454c46020101000000", "hex");
    assert.match(await refused(reads, program, { name: "a.txt" }), /can't read this kind of file/);
    assert.match(await refused(reads, Buffer.alloc(0), { name: "empty.txt" }), /may be empty/);
  });

  it("18: Office files, web pages, mails and books are read as text, encrypted or not, together with their message", async () => {
    for (const [file, mimetype, expected] of [
      ["office-report.docx", "application/zip", /# Bericht über das Jahr[^]*Boskoop \| 12 \| 3,50 €/],
      ["budget.xlsx", "application/octet-stream", /Sheet “Budget 2026”[^]*Rent \| 2026-03-01 \| 1250\.5 \| TRUE/],
      ["talk.pptx", "", /## Slide 3\n\nWhat they need[^]*\(Notes:\) Show the photo here/],
      ["letter.odt", "application/vnd.oasis.opendocument.text", /# Ein Brief\n\nLiebe Käthe/],
      ["cash.ods", "", /Brot \| x \| x \| 3,20 €/],
      ["show.odp", "", /## Slide 2\n\nZweite Folie/],
      ["novel.epub", "application/epub+zip", /## Chapter 2\n\nEbb/],
      ["mail.eml", "message/rfc822", /Subject: Grüße[^]*Rechnung März\.pdf/],
      ["office-report.html", "text/html", /Es war ein gutes Jahr/],
    ] as const) {
      for (const room of [reads, clear]) {
        const { content } = await shown(room, await fixture(file), {
          name: file,
          info: { mimetype },
          caption: "what is it about?",
        });
        assert.match(content, /(?:^|\n\n)what is it about\?\n\nThe file “/, file);
        assert.match(content, expected, file);
      }
    }
  });

  it("18: unreadable files get the right notice, and the next one is read", async () => {
    for (const [name, bytes, expected] of [
      ["report.docx", await fixture("locked-report.docx"), /has a password/],
      ["report.odt", await fixture("locked-report.odt"), /has a password/],
      ["report.pdf", await fixture("locked.pdf"), /has a password/],
      ["report.doc", await fixture("office-report.doc"), /old Office format.*\.docx/],
      ["budget.xls", await fixture("office-budget.xls"), /old Office format.*\.xlsx/],
      ["cut.docx", (await fixture("report.docx")).subarray(0, 5_000), /found no text/],
    ] as const) {
      assert.match(await refused(reads, bytes, { name }), expected, name);
    }
    assert.match((await shown(reads, await fixture("report.docx"), { name: "a.docx" })).content, /gutes Jahr/);
  });
});
