import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { attachmentOf, captionOf, quotedText } from "../../../src/matrix/attachments.ts";

function kind(msgtype: string, body: string, mimetype?: string): string | undefined {
  return attachmentOf({ msgtype, body, url: "mxc://a.b/c", info: { mimetype } })?.kind;
}

describe("a file", () => {
  it("is taken for a picture, a recording or a text by its declared type; its real type is checked later", () => {
    assert.deepEqual(
      [
        kind("m.image", "a", "image/PNG"),
        kind("m.image", "a"),
        kind("m.image", "a.png", "application/octet-stream"),
        kind("m.image", "a", "image/*"),
        kind("m.image", "a.svg", "image/svg+xml"),
        kind("m.file", "a", "image/jpg"),
        kind("m.file", "IMG_1.HEIC", ""),
        kind("m.file", "a.jpeg", "application/octet-stream"),
        kind("m.audio", "voice.txt", "audio/ogg"),
        kind("m.file", "a", "audio/ogg; codecs=opus"),
      ],
      [...Array<string>(8).fill("image"), "audio", "audio"],
    );
    for (const [name, type] of [
      ["a", undefined],
      ["Dockerfile", ""],
      ["a.exe", "application/x-msdownload"],
      ["a.PDF", undefined],
      ["a.docx", "application/zip"],
      ["a.ts", "video/mp2t"],
      ["a.ts", "video/vnd.dlna.mpeg-tts"],
      ["go.mod", "audio/x-mod"],
      ["a", "application/json; charset=utf-8"],
      ["a.png", "text/plain"],
      ["list.m3u", "audio/x-mpegurl"],
      ["list.m3u8", "audio/mpegurl; charset=utf-8"],
      ["radio.pls", "audio/x-scpls"],
      ["plan.dxf", "image/vnd.dxf"],
      ["scan.PDF", "image/png"],
      ["notes.txt", "audio/mpeg"],
    ] as const) {
      assert.equal(kind("m.file", name, type), "text", name);
    }
    // Some clients choose the kind of message by the type.
    assert.equal(kind("m.audio", "list.m3u", "audio/x-mpegurl"), "text");
    assert.equal(kind("m.image", "plan.dxf", "image/vnd.dxf"), "text");
    assert.equal(kind("m.image", "scan.pdf", "image/png"), "text");
    assert.equal(kind("m.video", "a.mp4", "video/mp4"), "other");
    assert.equal(kind("m.file", "a.mp4", "video/mp4"), "other");
  });

  it("is none without an address", () => {
    for (const content of [
      { msgtype: "m.text", body: "x", url: "mxc://a.b/c" },
      { msgtype: "m.file", body: "x" },
      { msgtype: "m.file", body: "x", url: "https://a.b/c" },
      { msgtype: "m.file", body: "x", file: { url: 7 } },
      { msgtype: "m.file", body: "x", file: null },
    ]) {
      assert.equal(attachmentOf(content), undefined);
    }
  });

  it("has a name that is safe in a prompt, and keeps its decryption data", () => {
    const file = { url: "mxc://a.b/c", v: "v2", key: {} };
    const found = attachmentOf({ msgtype: "m.file", body: "a\n\u202etxt.exe", file, info: { size: -1 } });
    assert.deepEqual(found, { kind: "text", name: "a txt.exe", url: "mxc://a.b/c", encrypted: file });
    assert.equal(attachmentOf({ msgtype: "m.file", file })?.name, "unnamed");
  });

  it("has a caption where the body differs from its name", () => {
    assert.equal(captionOf({ body: "look", filename: "a.png" }), "look");
    for (const content of [
      { body: "a.png" },
      { body: "a.png", filename: "a.png" },
      { filename: "a.png" },
      { body: " ", filename: "a" },
    ]) {
      assert.equal(captionOf(content), undefined);
    }
  });

  it("with text has a fence longer than any in it, whatever its bytes are", () => {
    assert.equal(quotedText("a.md", "````\nx\n````"), "The file “a.md”:\n\n`````\n````\nx\n````\n`````");
    assert.ok(quotedText("c", "```\n".repeat(250_000)).endsWith("\n````"));
  });

  it("keeps its name in every script, with emoji, and in folders", () => {
    const named = (filename: string): string | undefined =>
      attachmentOf({ msgtype: "m.file", body: "look", filename, url: "mxc://a.b/c" })?.name;
    for (const name of [
      "Übersicht (Kopie) №3.pdf",
      "تقرير نهائي.docx",
      "דוח סופי.xlsx",
      "می‌خواهم.txt",
      "👨‍👩‍👧‍👦 🏳️‍🌈.png",
      "报告.pdf",
      "a/b/../../etc/passwd",
      "C:\\Users\\me\\notes.txt",
      "“quoted” ‘name’.txt",
      ".env",
    ]) {
      assert.equal(named(name), name);
    }
    assert.equal(named("a\u202egpj.exe\u2066\n\u0007b"), "a gpj.exe b");
    for (const nothing of ["", " ", "\u202e\u2066", "\0"]) assert.equal(named(nothing), "unnamed");
    const long = named(`${"a".repeat(199)}😀.txt`);
    assert.equal(long, "a".repeat(199), "no half of a character");
    assert.ok(named("😀".repeat(10_000))?.isWellFormed());
  });
});
