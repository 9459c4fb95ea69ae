import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { closedFormat, documentFormat } from "../../../src/documents/formats.ts";
import { inCheckout } from "../../support/paths.ts";

function format(text: string, name = "unnamed", mimetype = ""): string | undefined {
  return documentFormat(Buffer.from(text), { name, mimetype });
}

const PAGE = "<!doctype html><p>Hello";
const MAIL = "Received: from a\r\nFrom: a@b.c\r\nTo: d@e.f\r\n\r\nHello";

describe("the format of a document", () => {
  it("is recognised by the first bytes", () => {
    assert.equal(format("\n\n%PDF-1.7", "a.txt", "text/plain"), "pdf");
    assert.equal(format("PK\x03\x04", "a.txt", "text/plain"), "zip");
    assert.equal(format("\ufeff%PDF-1.7"), "pdf");
    assert.equal(format("HTTP/1.1 200 OK\r\n\r\n%PDF-1.7", "a.pdf"), "pdf");
    assert.equal(format("junk %PDF-1.7", "a", "application/pdf"), "pdf");
    assert.equal(format("junk %PDF-1.7\n\0\x01\x02", "a"), "pdf");
    for (const page of [PAGE, "\ufeff  <HTML>", '<?xml version="1.0"?>\n<!-- a --><html>', "<head>", "<body>"]) {
      assert.equal(format(page), "web_page", page);
      assert.equal(format(page, "a.html"), "web_page", page);
      assert.equal(format(page, "page.php", "text/html; charset=utf-8"), "web_page", page);
    }
    assert.equal(documentFormat(Buffer.from(`\ufeff${PAGE}`, "utf16le"), { name: "a.htm" }), "web_page");
    assert.equal(format("<p>only a piece", "a.html"), "web_page");
    assert.equal(format(MAIL), "mail");
    assert.equal(format(MAIL, "Re: v1.2 is out"), "mail");
    assert.equal(format("X-Mozilla-Status: 0001\r\nSubject: x\r\n\r\n", "a.eml"), "mail");
    assert.equal(format("From - Mon Jan 1\nDate: x\n\n", "a", "message/rfc822"), "mail");
  });

  it("is none for text that is read directly: code, notes, text that only looks like a format", () => {
    for (const [text, name, type] of [
      [PAGE, "page.txt", "text/plain"],
      [PAGE, "index.php", ""],
      [PAGE, "view.ejs", "application/octet-stream"],
      ["<template><p>x</p></template>", "a.vue", ""],
      ["<headline>x</headline>", "unnamed", ""],
      ["<svg/>", "a.svg", "image/svg+xml"],
      ["no tag at all", "a.html", "text/html"],
      ["from: paris\nto: rome\n", "trip.yaml", ""],
      ["from: paris\nto: rome\nsubject: trains\n\n", "unnamed", ""],
      ["Hello, From: here", "a", ""],
      [MAIL, "mail.txt", "text/plain"],
      ["FROM node:24\nRUN npm ci\n", "Dockerfile", ""],
      ["all:\n\techo hi\n", "Makefile", ""],
      ["PK is a name", "a.txt", ""],
      ["", "a.eml", ""],
      ['if data.startswith(b"%PDF-"):', "sniff.py", ""],
      ['{"pdf":"%PDF-1.7"}', "a.json", "application/json"],
      ["A PDF begins with `%PDF-1.7`.", "notes.md", "text/markdown"],
      ["<?php echo '%PDF-';", "unnamed", ""],
      ["Müsli %PDF-", "a", ""],
    ] as const) {
      assert.equal(format(text, name, type), undefined, `${name}: ${text}`);
    }
  });

  it("may be an Office format that is not read: an old one, or a locked one", async () => {
    for (const [name, expected] of [
      ["office-report.doc", "old_office"],
      ["office-budget.xls", "old_office"],
      ["office-report.rtf", "old_office"],
      ["locked-report.docx", "locked"],
      ["locked-budget.xlsx", "locked"],
      ["report.docx", undefined],
      ["mail.eml", undefined],
    ] as const) {
      assert.equal(closedFormat(await readFile(inCheckout(`test/fixtures/documents/${name}`))), expected, name);
    }
    assert.equal(closedFormat(Buffer.alloc(0)), undefined);
    const outlook = Buffer.from("d0cf11e0a1b11ae1", "hex");
    const message = Buffer.concat([outlook, Buffer.from("__substg1.0_0037001F\0", "utf16le")]);
    assert.equal(closedFormat(message), undefined, "another program's file of the same form");
  });
});
