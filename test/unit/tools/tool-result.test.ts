import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readResult, type ToolResult } from "../../../src/tools/tool-result.ts";
import { MOST_CALL_FILES } from "../../../src/turns/call-file.ts";
import { png } from "../../support/pictures.ts";

const base64 = (bytes: string | Uint8Array): string => Buffer.from(bytes).toString("base64");
const image = (bytes: string | Uint8Array, mimeType = "image/png"): object => ({
  type: "image",
  data: base64(bytes),
  mimeType,
});
const file = (uri: string, bytes: string | Uint8Array): object => ({
  type: "resource",
  resource: { uri, blob: base64(bytes), mimeType: "image/png" },
});
const read = (...content: readonly unknown[]): ToolResult => readResult({ content });
const facts = (result: ToolResult): readonly string[] =>
  (result.files ?? []).map(({ kind, type, name }) => `${kind} ${type} ${name}`);

describe("files in a tool's result", () => {
  it("are pictures, sounds and files by their content, whatever the server says", () => {
    const wav = "RIFF\0\0\0\0WAVEfmt ";
    const result = read(
      { type: "text", text: "Look:" },
      image(png(3, 2), "text/html"),
      image("<html><script>alert(1)</script>", "image/png"),
      image('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "image/svg+xml"),
      { type: "audio", data: base64(wav), mimeType: "audio/ogg" },
      { type: "audio", data: base64(png(1, 1)), mimeType: "audio/ogg" },
      file("file:///srv/report.pdf", "%PDF-1.7 …"),
      file("file:///srv/program", "\x7fELF\0\0\x01"),
    );
    assert.deepEqual(facts(result), [
      "picture image/png picture-1.png",
      "file text/plain file-2",
      "file text/plain file-3",
      "sound audio/wav sound-4.wav",
      "picture image/png picture-5.png",
      "file application/pdf report.pdf",
      "file application/octet-stream program",
    ]);
    assert.match(
      result.text,
      /^Look:\n\[picture 1: picture-1\.png, image\/png, \d+ bytes\]\n\[file 2: file-2, text\/plain/,
    );
    assert.deepEqual(result.files?.[0]?.bytes, png(3, 2));
  });

  it("are no pictures where drawing them would take a machine's memory", () => {
    assert.deepEqual(facts(read(image(png(60_000, 60_000)))), ["file application/octet-stream file-1"]);
  });

  it("have names that hide nothing and lead nowhere", () => {
    const names = (uri: string): string | undefined => read(file(uri, "x")).files?.[0]?.name;
    const shown: readonly (readonly [string, string])[] = [
      ["file:///srv/../../etc/passwd", "passwd"],
      ["file:///..%2F..%2Fetc%2Fpasswd", "_.._etc_passwd"],
      ["C:\\Users\\ann\\a.txt", "a.txt"],
      ["x://h/photo\u202egpj.exe", "photogpj.exe"],
      ["x://h/a%E2%80%8Bb%0Ac%00.txt", "abc.txt"],
      ["x://h/.bashrc", "bashrc"],
      ["x://h/a.txt?token=secret#part", "a.txt"],
      ["x://h/%E0%A4%A", "%E0%A4%A"],
      ["x://h/...", "file-1"],
      ["", "file-1"],
      ["https://evil.example/", "file-1"],
    ];
    for (const [uri, name] of shown) assert.equal(names(uri), name, uri);
    const long = names(`x://h/${"é".repeat(300)}.txt`) ?? "";
    assert.equal(long.length, 80);
    assert.match(long, /é\.txt$/);
    assert.ok((names(`x://h/${"😀".repeat(300)}.txt`) ?? "").isWellFormed());
    assert.ok(!(names("x://h/@room.txt") ?? "").includes("@room"));
    assert.equal(read(file("x://h/cat.exe", png(1, 1))).files?.[0]?.name, "cat.exe.png");
  });

  it("are bounded in number and size, and links are only named", () => {
    const many = read(...Array.from({ length: 10_000 }, () => image(png(1, 1))));
    assert.equal(many.files?.length, MOST_CALL_FILES.count);
    assert.match(many.text, /\[a file, left out: too many\]/);
    const large = Buffer.alloc(MOST_CALL_FILES.bytes / 2);
    const heavy = read(...Array.from({ length: 5 }, () => image(large)));
    assert.equal(heavy.files?.length, 2);
    const links = read(
      { type: "resource_link", name: "a", uri: "http://evil.example/x" },
      { type: "image", data: "mxc://other.example/media", url: "https://evil.example/x.png" },
      { type: "image", data: "" },
      { type: "image", data: 7 },
      { type: "image" },
      { type: "resource", resource: { uri: "mxc://other.example/media" } },
      { type: "resource", resource: null },
    );
    assert.equal(
      links.files?.some(({ name }) => name.includes("evil")),
      false,
    );
    assert.match(links.text, /^\[resource a http:\/\/evil\.example\/x\]/);
    assert.equal(links.text.match(/\[a file that can't be read\]/g)?.length, 5);
  });

  it("leave a result without any as it was", () => {
    assert.deepEqual(read({ type: "text", text: "plain" }), { text: "plain", isError: false });
  });
});
