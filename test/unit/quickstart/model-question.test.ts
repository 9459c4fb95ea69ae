import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, it } from "node:test";
import { askForModel } from "../../../quickstart/model-question.ts";

/** The person types this, and then nothing more. */
async function answering(typed: string): Promise<{ model: string; asked: string }> {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const interrupted = new AbortController();
  input.end(typed);
  const model = await askForModel("There is none", {
    input,
    output,
    signal: interrupted.signal,
    onInterrupt: () => interrupted.abort(),
  }).catch((error: unknown) => {
    if (!interrupted.signal.aborted) throw error;
    return "gone";
  });
  output.end();
  return { model, asked: await text(output) };
}

describe("askForModel", () => {
  for (const [typed, model] of [
    ["tiny\n", "tiny"],
    ["  TINY \n", "tiny"],
    ["t\n", "tiny"],
    ["demo\n", "demo"],
    ["d\r\n", "demo"],
    ["\n", "demo"],
    ["yes\nno\ntin\n", "tiny"],
    ["", "gone"],
    ["both\n", "gone"],
  ] as const) {
    it(`takes ${JSON.stringify(typed)} for ${model}`, async () => {
      const found = await answering(typed);
      assert.equal(found.model, model);
      assert.match(found.asked, /^There is none\.\n.*demo agent.*tiny real model \(130 MB, often wrong\).*\[demo\]: /);
    });
  }

  it("ends with the run", async () => {
    const ended = new AbortController();
    const [input, output] = [new PassThrough(), new PassThrough()];
    const asked = askForModel("There is none", { input, output, signal: ended.signal, onInterrupt: () => undefined });
    ended.abort(new Error("ended"));
    await assert.rejects(asked, /ended/);
  });
});
