import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { describeError } from "../../../src/observability/described-error.ts";
import { inCheckout } from "../../support/paths.ts";

describe("a command that an error of ours names", () => {
  it("is kept by the log where it is not in quotes, which the log empties", () => {
    assert.equal(
      describeError(new Error('give its recovery key: matrix-agents keys restore @a:b; found "quagga"')).message,
      'give its recovery key: matrix-agents keys restore @a:b; found "…"',
    );
  });

  it("is never in quotes in the words of an error that the log describes", async () => {
    const names = (await readdir(inCheckout("src"), { recursive: true })).filter((name) => name.endsWith(".ts"));
    const files = await Promise.all(
      names.map(async (name) => ({ name, text: await readFile(inCheckout(join("src", name)), "utf8") })),
    );
    // The log keeps the words of these as they are.
    const kept = new Set(
      files.flatMap(({ text }) => [...text.matchAll(/class (\w+) extends OperatorError/g)].map(([, name]) => name)),
    );
    assert.ok(kept.size > 10);
    for (const { name, text } of files) {
      for (const [thrown, error] of text.matchAll(/new (\w+)\(\s*[^]*?\);/g)) {
        if (error !== undefined && /^[A-Z]/.test(error) && !kept.has(error)) {
          assert.doesNotMatch(thrown, /[^\n(][ (]["`]matrix-agents [a-z]/, `${name}: ${thrown}`);
        }
      }
    }
  });
});
