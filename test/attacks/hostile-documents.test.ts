import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { deflateRawSync } from "node:zlib";
import { textOfDocument, UnreadableDocument, type DocumentText } from "../../src/documents/document.ts";
import type { DocumentFormat } from "../../src/documents/formats.ts";
import { docx, paragraph, relationships, xlsx } from "../support/office.ts";
import { zip, type Packed } from "../support/zip.ts";

const MILLION = 1_000_000;

/** Data that unpacks to so many copies of a piece, between a beginning and an end. */
function packed(beginning: string, piece: string, times: number, end = ""): Packed["data"] {
  const whole = Buffer.concat([Buffer.from(beginning), Buffer.alloc(piece.length * times, piece), Buffer.from(end)]);
  return { packed: deflateRawSync(whole, { level: 1 }), size: whole.length };
}

/** The result for a document: its text, or that it is not read. Anything else fails. */
async function outcome(bytes: Uint8Array, format: DocumentFormat): Promise<DocumentText | "unreadable"> {
  return textOfDocument(bytes, format).catch((error: unknown) => {
    assert.ok(error instanceof UnreadableDocument, String(error));
    return "unreadable" as const;
  });
}

describe("a document that is made to harm", () => {
  /** A server that would notice if anything was fetched. */
  const heard: string[] = [];
  const listener = createServer((request, response) => {
    heard.push(request.url ?? "");
    response.end("fetched");
  });
  let url: string;

  before(async () => {
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  });
  after(() => listener.close());

  it("is read only up to the limit, whatever it unpacks to, and this process takes none of it", async () => {
    const bombs = [
      docx(packed("<w:document>", paragraph("word ".repeat(20)), 3 * MILLION)),
      docx(packed("<w:document><w:p><w:t>", "word ", 60 * MILLION)),
      xlsx(packed("<sheetData>", '<row><c r="XFD1" t="str"><v>word</v></c></row>', 3 * MILLION)),
      xlsx('<row><c t="s"><v>0</v></c><c t="str"><v>word</v></c></row>', [
        { name: "xl/shared.xml", data: packed("<sst>", `<si><t>${"word ".repeat(100)}</t></si>`, MILLION / 2) },
      ]),
    ];
    const before = process.memoryUsage().rss;
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 5);
    for (const [index, bomb] of bombs.entries()) {
      const read = await outcome(bomb, "zip");
      assert.ok(read !== "unreadable", String(index));
      assert.match(read.text, /word/);
      assert.ok(read.text.length <= 500_000);
      assert.equal(read.isWhole, false, String(index));
    }
    clearInterval(watch);
    assert.ok(most - before < 300 * 1024 * 1024, `${Math.round((most - before) / 1024 / 1024)} MiB more`);
  });

  it("is not read when its reader needs too much for it", async () => {
    const endless = "A".repeat(1_000);
    for (const [name, bytes] of Object.entries({
      "a name without an end": docx(packed("<w:document><w:", endless, 200_000)),
      "an attribute without an end": docx(packed('<w:document a="', endless, 200_000)),
      "elements in each other": docx("<w:p>".repeat(MILLION)),
      "tables in each other": docx("<w:tbl><w:tr><w:tc>".repeat(MILLION / 10)),
      "elements that end as others": docx("<w:a>".repeat(MILLION) + "</w:b>".repeat(MILLION)),
    })) {
      assert.equal(await outcome(bytes, "zip"), "unreadable", name);
    }
    assert.equal((await textOfDocument(docx(paragraph("still here")), "zip")).text, "still here");
  });

  it("has its entities left unresolved, however they multiply", async () => {
    const laughs = Array.from({ length: 9 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`).join("");
    const prolog = `<?xml version="1.0"?><!DOCTYPE w [<!ENTITY l0 "lol">${laughs}]>`;
    const { text } = await textOfDocument(docx(paragraph("&l9; &amp; &#x41;"), { prolog }), "zip");
    assert.equal(text, "&l9; & A");
    const quadratic = `<!DOCTYPE w [<!ENTITY a "${"a".repeat(100_000)}">]>`;
    const many = await textOfDocument(docx(paragraph("&a;".repeat(10_000)), { prolog: quadratic }), "zip");
    assert.equal(many.text.length, 30_000);
  });

  it("is read when a page is deeply nested, has masses of cells, or has tags without an end", async () => {
    for (const page of [
      `<html>${"<div>".repeat(5_000)}deep`,
      "<html><table><tr><td colspan=1000000000 rowspan=1000000000>x<td>y</table>",
      `<html>${"<ul><li>".repeat(5_000)}x`,
      `<html><p>${"<".repeat(100_000)}`,
      `<html>${"<!--".repeat(100_000)}`,
      `<html><a href="${"(".repeat(100_000)}">x</a>`,
    ]) {
      const read = await outcome(Buffer.from(page), "web_page");
      assert.ok(read === "unreadable" || read.text.length <= 500_000);
    }
    const long = await outcome(Buffer.from(`<html>${"<p>word</p>".repeat(MILLION)}`), "web_page");
    assert.ok(long !== "unreadable" && !long.isWhole && long.text.length > 400_000);
  });

  it("is read when a mail has parts within parts, and any number of headers", async () => {
    const part = "--a\nContent-Type: multipart/mixed; boundary=a\n\n";
    for (const mail of [
      `From: a@b.c\n${part.slice(4).repeat(1)}${part.repeat(50_000)}hi`,
      `From: a@b.c\n${"X: y\n".repeat(MILLION / 2)}\nhi`,
      `From: a@b.c\nTo: ${"a@b.c, ".repeat(100_000)}\n\nhi`,
      `From: a@b.c\nTo: ${'"<('.repeat(100_000)}\n\nhi`,
      `From: a@b.c\nContent-Type: multipart/mixed; boundary=a\n\n${"--a\n\nx\n".repeat(20_000)}`,
      `Content-Type: multipart/mixed; boundary=a\n\n${'--a\nContent-Type: a/b; name="x"\n\nx\n'.repeat(5_000)}`,
      `From: a@b.c\nContent-Type: message/rfc822\n\n${"Content-Type: message/rfc822\n\n".repeat(50_000)}`,
    ]) {
      const read = await outcome(Buffer.from(mail), "mail");
      assert.ok(read === "unreadable" || read.text.length <= 500_000, mail.slice(0, 100));
    }
  });

  it("makes the reader fetch, open or run nothing to which it refers", async () => {
    const prolog = `<!DOCTYPE w SYSTEM "${url}/dtd" [<!ENTITY % p SYSTEM "${url}/p"> %p; <!ENTITY x SYSTEM "file:///etc/hostname">]>`;
    const more = [
      relationships("word/document.xml", [
        ["a", "attachedTemplate", `${url}/template.dotm`, "External"],
        ["b", "header", `${url}/header`, "External"],
        ["c", "header", "file:///etc/hostname"],
        ["d", "footer", "../../../../../etc/hostname"],
        ["e", "styles", `${url}/styles`],
      ]),
      { name: "word/vbaProject.bin", data: "Shell" },
    ];
    const words = `<w:p><w:r><w:t>words &x;</w:t><w:instrText>INCLUDETEXT "/etc/hostname"</w:instrText></w:r></w:p>`;
    assert.equal((await textOfDocument(docx(words, { prolog, more }), "zip")).text, "words &x;");
    const page = `<html><link rel=stylesheet href="${url}/css"><script src="${url}/js"></script><img src="${url}/img">
      <iframe src="${url}/frame"></iframe><object data="file:///etc/hostname"></object><meta http-equiv=refresh content="0;${url}/">words`;
    assert.equal((await textOfDocument(Buffer.from(page), "web_page")).text, "words");
    const mail = `From: a@b.c\nContent-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: text/html\n\n<img src="${url}/pixel">words
--a\nContent-Type: message/external-body; access-type=URL; URL="${url}/body"\n\n\n--a--`;
    assert.match((await textOfDocument(Buffer.from(mail), "mail")).text, /words/);
    const book = zip([
      { name: "mimetype", data: "application/epub+zip" },
      { name: "META-INF/container.xml", data: '<container><rootfile full-path="../../etc/hostname"/></container>' },
      {
        name: "OEBPS/content.opf",
        data: `<package><item id="a" href="${url}/chapter"/><spine><itemref idref="a"/></spine></package>`,
      },
    ]);
    assert.equal((await textOfDocument(book, "zip")).text, "");
    assert.deepEqual(heard, []);
  });

  it("may give its parts any names", async () => {
    const names = [
      "../../../etc/passwd",
      "/etc/passwd",
      "C:\\x",
      "__proto__",
      "constructor",
      "a".repeat(60_000),
      "\u202e",
    ];
    const read = await outcome(docx(paragraph("words"), { more: names.map((name) => ({ name, data: "x" })) }), "zip");
    // A path that leads out of a zip is not accepted at all.
    assert.ok(read === "unreadable" || read.text === "words");
    const many = Array.from({ length: 20_000 }, (_, index) => ({ name: `${index}`, data: "" }));
    const full = await outcome(docx(paragraph("words"), { more: many }), "zip");
    assert.ok(full !== "unreadable" && full.text === "words");
    const twice = docx(paragraph("first"), { more: [{ name: "word/document.xml", data: paragraph("second") }] });
    const first = await outcome(twice, "zip");
    assert.ok(first !== "unreadable" && first.text === "first");
    const prototype = `<w:p __proto__="x" constructor="y"><w:pPr><w:pStyle w:val="__proto__"/></w:pPr><w:t>words</w:t></w:p>`;
    assert.equal((await textOfDocument(docx(prototype), "zip")).text, "words");
  });

  it("may be cut anywhere: it is read or not read, and nothing else happens", async () => {
    const good = docx(paragraph("words ".repeat(50)));
    for (let length = 0; length < good.length; length += 97) await outcome(good.subarray(0, length), "zip");
  });
});
