import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { createProgress } from "../../../quickstart/progress.ts";
import { EmulatedOutput } from "../../support/emulator.ts";

function screen(isTTY: boolean) {
  const written: string[] = [];
  return { isTTY, columns: 40, write: (text: string) => written.push(text), text: () => written.join("") };
}

describe("progress", () => {
  it("prints whole lines where there is no terminal, with a detail now and then", async () => {
    const shown = screen(false);
    let time = 0;
    const result = await createProgress(shown, () => time).step("Installing", (detail) => {
      detail("too soon");
      time = 6000;
      detail("a\x1b[2J package");
      time = 7500;
      return Promise.resolve("done");
    });
    assert.equal(result, "done");
    assert.equal(shown.text(), "Installing …\n  a[2J package\nInstalling: done in 7.5 s\n");
  });

  it("stays on its line on a terminal and shows how it ended", async () => {
    const shown = screen(true);
    const visible = (): string => stripVTControlCharacters(shown.text());
    const progress = createProgress(shown, () => 0);
    await progress.step("Installing", () => Promise.resolve());
    assert.equal(visible(), "\r⠙ Installing … 0.0 s \r✓ Installing (0.0 s)\n");
    await assert.rejects(
      progress.step("Starting", () => Promise.reject(new Error("no"))),
      { message: "no" },
    );
    assert.match(visible(), /\r✗ Starting \(0\.0 s\)\n$/);
  });

  it("prints whole lines on a terminal that can't erase anything", async () => {
    const before = process.env["TERM"];
    process.env["TERM"] = "dumb";
    try {
      const shown = screen(true);
      await createProgress(shown, () => 0).step("Installing", () => Promise.resolve());
      assert.equal(shown.text(), "Installing …\nInstalling: done in 0.0 s\n");
    } finally {
      if (before === undefined) Reflect.deleteProperty(process.env, "TERM");
      else process.env["TERM"] = before;
    }
  });

  it("needs only one line until it has ended, whatever is shown and however narrow the terminal is", async () => {
    const terminal = new EmulatedOutput({ columns: 20, rows: 5 });
    await createProgress(terminal, () => 0).step("Opening 鯨は大きい鯨は大きい\n鯨は大きい", (detail) => {
      detail("x".repeat(100));
      return Promise.resolve();
    });
    assert.deepEqual(await terminal.emulator.lines(), ["✓ Opening 鯨は大きい鯨は大きい 鯨は大きい (0.0 s)"]);
  });
});
