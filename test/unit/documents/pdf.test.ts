import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { textOfDocument, UnreadableDocument, type DocumentText } from "../../../src/documents/document.ts";
import { bomb, pdf } from "../../support/pdf.ts";

function textOfPdf(bytes: Uint8Array, options: Parameters<typeof textOfDocument>[2] = {}): Promise<DocumentText> {
  return textOfDocument(bytes, "pdf", options);
}

describe("the text of a PDF", () => {
  it("is the text of its pages, one after the other", async () => {
    const { text, isWhole } = await textOfPdf(pdf("The first page", "", "(The third)"));
    assert.equal(text, "The first page\n\n(The third)");
    assert.equal(isWhole, true);
  });

  it("is empty where there are only pictures, and cut where it is long", async () => {
    assert.deepEqual(await textOfPdf(pdf("")), { text: "", isWhole: true });
    const many = await textOfPdf(pdf(...Array.from({ length: 301 }, (_, page) => `page ${page + 1}`)));
    assert.equal(many.isWhole, false);
    assert.match(many.text, /^page 1\n[\s\S]*page 300$/);
    const long = await textOfPdf(
      pdf(...Array.from({ length: 200 }, () => Array(100).fill("word ".repeat(20)).join("\n"))),
    );
    assert.deepEqual([long.text.length, long.isWhole], [500_000, false]);
  });

  it("can't be read from a file that is none, broken, locked or made to keep its reader busy; the next one can", async () => {
    const good = pdf("hello");
    const locked = good.toString("latin1").replace("/Root 1 0 R", "/Root 1 0 R /Encrypt << /Filter /Unknown >>");
    const cyclic = good.toString("latin1").replace(/\/Kids \[[^\]]*\]/, "/Kids [2 0 R]");
    const bad = [
      Buffer.from("nothing"),
      good.subarray(0, 60),
      Buffer.from(locked, "latin1"),
      Buffer.from(cyclic, "latin1"),
    ];
    for (const bytes of bad) await assert.rejects(textOfPdf(bytes), UnreadableDocument);
    await assert.rejects(textOfPdf(good, { timeoutMs: 0 }), UnreadableDocument);
    assert.equal((await textOfPdf(good)).text, "hello");
  });

  it("can't be read from a file that unpacks to gigabytes, and this process takes none of them", async () => {
    const bombs = [bomb(2), bomb(1)];
    const before = process.memoryUsage().rss;
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 5);
    // Packed ten thousand times smaller, twice.
    for (const bytes of bombs) await assert.rejects(textOfPdf(bytes), UnreadableDocument);
    clearInterval(watch);
    assert.ok(most - before < 300 * 1024 * 1024, `${Math.round((most - before) / 1024 / 1024)} MiB more`);
    assert.equal((await textOfPdf(pdf("still here"))).text, "still here");
  });

  it("is no longer read when nobody waits for it any more", async () => {
    const stopped = new AbortController();
    const reading = textOfPdf(bomb(1), { signal: stopped.signal });
    stopped.abort(new Error("stopped"));
    await assert.rejects(reading, /^Error: stopped$/);
    await assert.rejects(textOfPdf(pdf("x"), { signal: stopped.signal }), /^Error: stopped$/);
  });
});
