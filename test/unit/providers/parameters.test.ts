import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  ParameterRefused,
  RefusedParameters,
  refusedParameter,
  type Parameter,
} from "../../../src/providers/parameters.ts";
import { ProviderError } from "../../../src/providers/provider.ts";

describe("a parameter that a model refuses", () => {
  const SAID: readonly (readonly [object, Parameter | undefined])[] = [
    [
      {
        message:
          "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        param: "max_tokens",
        code: "unsupported_parameter",
      },
      "max_tokens",
    ],
    [
      {
        message:
          "Unsupported value: 'temperature' does not support 0.5 with this model. Only the default (1) value is supported.",
        param: "temperature",
      },
      "temperature",
    ],
    [{ message: "Unrecognized request argument supplied: stream_options" }, "stream_options"],
    [{ message: "max_tokens is too large: 30000. This model supports at most 16384 completion tokens." }, "max_tokens"],
    [{ message: '"qwen2.5:7b" does not support thinking' }, "think"],
    [{ message: 'think value "low" is not supported for this model' }, "think"],
    [{ message: "Unsupported parameter: 'reasoning.effort' is not supported with this model." }, "think"],
    [
      {
        message: "Unsupported value: 'reasoning_effort' does not support 'none' with this model.",
        param: "reasoning_effort",
      },
      "reasoning_effort",
    ],
    [{ message: "Unrecognized request argument supplied: chat_template_kwargs" }, "chat_template_kwargs"],
    [{ message: "adaptive thinking is not supported on this model" }, "thinking"],
    [{ message: "This model does not support the effort parameter." }, "think"],
    [{ message: "output_config: Extra inputs are not permitted" }, "output_config"],
    [{ message: "with an effort, we say: it is not known" }, undefined],
    [{ message: "temperature: Extra inputs are not permitted" }, "temperature"],
    [{ message: "the temperature outside is 3 degrees" }, undefined],
    [{ message: "out of memory" }, undefined],
    [{ param: "messages", message: "too long" }, undefined],
    [{ message: 3, param: {} }, undefined],
  ];
  for (const [error, parameter] of SAID) {
    it(`is read from ${JSON.stringify(error).slice(0, 80)}`, () =>
      assert.equal(refusedParameter(error)?.parameters[0], parameter));
  }

  it("is left out from then on, for that model only, and the question is asked again at once", async () => {
    const parameters = new RefusedParameters();
    const asked: string[] = [];
    const ask = (model: string) =>
      parameters.asking(model, async function* (takes) {
        const sent = (["temperature", "max_tokens"] as const).filter(takes);
        asked.push(`${model} ${sent.join(" ")}`);
        await Promise.resolve();
        const [refused] = sent;
        if (model === "new" && refused !== undefined)
          throw new Error("wrapped", { cause: new ParameterRefused([refused]) });
        yield "an answer";
      });
    assert.deepEqual(await Array.fromAsync(ask("new")), ["an answer"]);
    assert.deepEqual(await Array.fromAsync(ask("new")), ["an answer"]);
    assert.deepEqual(await Array.fromAsync(ask("old")), ["an answer"]);
    assert.deepEqual(asked, [
      "new temperature max_tokens",
      "new max_tokens",
      "new ",
      "new ",
      "old temperature max_tokens",
    ]);
  });

  it("causes no new request where it was not sent, nor after an answer has begun", async () => {
    const parameters = new RefusedParameters();
    let asked = 0;
    const stubborn = parameters.asking("m", async function* () {
      asked++;
      yield await Promise.reject(new ParameterRefused(["think"]));
    });
    await assert.rejects(Array.fromAsync(stubborn), ProviderError);
    assert.equal(asked, 1);
    const begun = parameters.asking("m", async function* (takes) {
      assert.ok(takes("think"));
      yield await Promise.resolve("Paris is ");
      throw new ParameterRefused(["think"]);
    });
    await assert.rejects(Array.fromAsync(begun), ProviderError);
    let isTaken = false;
    await Array.fromAsync(
      parameters.asking("m", async function* (takes) {
        isTaken = takes("think");
        yield await Promise.resolve("Paris");
      }),
    );
    assert.ok(isTaken, "nothing is learnt from words in an answer");
  });

  it("is sent again where only its value was refused", async () => {
    const parameters = new RefusedParameters();
    const sent: boolean[] = [];
    const ask = (): Promise<string[]> =>
      Array.fromAsync(
        parameters.asking("m", async function* (takes) {
          const isSent = takes("reasoning_effort");
          sent.push(isSent);
          if (isSent) throw new ParameterRefused(["reasoning_effort"], true);
          yield await Promise.resolve("yes");
        }),
      );
    assert.deepEqual([await ask(), await ask()], [["yes"], ["yes"]]);
    assert.deepEqual(sent, [true, false, true, false]);
  });
});
