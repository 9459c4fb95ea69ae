import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { attachmentOf, captionOf, textOfFile } from "../../../src/conversation/attachments.ts";

function kind(msgtype: string, body: string, mimetype?: string): string | undefined {
  return attachmentOf({ msgtype, body, url: "mxc://a.b/c", info: { mimetype } })?.kind;
}

describe("a file", () => {
  it("is text by its type or its name, and a picture by its type alone", () => {
    assert.deepEqual(
      [
        kind("m.file", "a", "text/x-python"),
        kind("m.file", "a", "application/json"),
        kind("m.file", "a.rs", "application/octet-stream"),
        kind("m.file", "Makefile.txt"),
        kind("m.image", "a", "image/PNG"),
        kind("m.image", "a"),
        kind("m.file", "a", "image/webp"),
        kind("m.file", "a.PDF"),
        kind("m.audio", "voice.txt", "audio/ogg"),
      ],
      ["text", "text", "text", "text", "image", "image", "image", "pdf", "audio"],
    );
    for (const [msgtype, name, type] of [
      ["m.file", "a.exe", undefined],
      ["m.image", "a.svg", "image/svg+xml"],
      ["m.image", "a.txt", "text/plain"],
      ["m.video", "a.mp4", "video/mp4"],
    ] as const) {
      assert.equal(kind(msgtype, name, type), "other", name);
    }
  });

  it("is none where nothing says where it is", () => {
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

  it("has a name that can stand in a prompt, and keeps how it is opened", () => {
    const file = { url: "mxc://a.b/c", v: "v2", key: {} };
    const found = attachmentOf({ msgtype: "m.file", body: "a\n\u202etxt.exe", file, info: { size: -1 } });
    assert.deepEqual(found, { kind: "other", name: "a txt.exe", url: "mxc://a.b/c", encrypted: file });
    assert.equal(attachmentOf({ msgtype: "m.file", file })?.name, "unnamed");
  });

  it("has a caption where the body is not its name", () => {
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

  it("of text is fenced by more than it holds, whatever its bytes are", () => {
    assert.equal(textOfFile("a.md", Buffer.from("````\nx\n````")), "The file “a.md”:\n\n`````\n````\nx\n````\n`````");
    assert.ok(textOfFile("c", Buffer.alloc(1_000_000, "```\n"))?.endsWith("\n````"));
    assert.ok(textOfFile("b", Uint8Array.from([255, 254, 65]))?.includes("\ufffd"));
    assert.ok(textOfFile("b", Uint8Array.from([254, 253, 65]))?.includes("\ufffd\ufffdA"));
  });

  it("is text by its bytes, too, and may have a byte order mark", () => {
    const words = "Grüße, 世界";
    const little = Buffer.from(`\ufeff${words}`, "utf16le");
    for (const bytes of [Buffer.from(words), little, Buffer.from(little).swap16()]) {
      assert.match(textOfFile("a.txt", bytes) ?? "", /Grüße, 世界/);
    }
    for (const other of ["\x89PNG\r\n\x1a\n\0\0", "\x7fELF\x02\x01\x01\0", "PK\x03\x04\x14\0"]) {
      assert.equal(textOfFile("a.txt", Buffer.from(other, "latin1")), undefined);
    }
  });
});
