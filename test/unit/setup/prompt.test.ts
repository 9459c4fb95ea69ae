import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, it } from "node:test";
import { openPrompt, Unanswered } from "../../../src/setup/prompt.ts";

describe("a prompt", () => {
  it("asks until the answer is valid, and takes an empty one for the default", async () => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    input.end("wrong\n  right \n\n\nlast\n");
    const prompt = openPrompt(input, output);
    const check = (answer: string): string | undefined => (answer === "wrong" ? "No." : undefined);
    assert.equal(await prompt.ask("One", undefined, check), "right");
    assert.equal(await prompt.ask("Two", "given", check), "given");
    assert.equal(await prompt.ask("Three", undefined, check), "last");
    await assert.rejects(prompt.ask("Four", undefined, check), Unanswered);
    prompt.close();
    output.end();
    assert.equal(await text(output), "One: No.\nOne: Two [given]: Three: An answer is needed.\nThree: Four: ");
  });
});
