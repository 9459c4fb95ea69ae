import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ThinkingInText, type Part } from "../../../src/providers/thinking-in-text.ts";

/** The thinking and the answer of a text that arrives in these pieces. */
function told(pieces: readonly string[]): { thinking: string; text: string } {
  const apart = new ThinkingInText();
  const parts: Part[] = [...pieces.flatMap((piece) => apart.push(piece)), ...apart.end()];
  const result = { thinking: "", text: "" };
  for (const part of parts) {
    if (part.kind === "recant") {
      result.thinking += result.text;
      result.text = "";
    } else result[part.kind] += part.text;
  }
  return { thinking: result.thinking.trim(), text: result.text.trim() };
}

/** By kind: the text as it comes, the thinking in it, and the answer. */
const CASES: Readonly<Record<string, readonly [string, string, string]>> = {
  "no thoughts at all": ["Hello!\n\nHow are you?", "", "Hello!\n\nHow are you?"],
  "DeepSeek's and Qwen's tag": ["<think>\nHm, a greeting.\n</think>\n\nHello!", "Hm, a greeting.", "Hello!"],
  "blanks before it": ["\n\n <think>hm</think>Hello!", "hm", "Hello!"],
  "an empty thought": ["<think>\n\n</think>\n\nHello!", "", "Hello!"],
  "two thoughts": ["<think>one</think>\n<think>two</think>\nHello!", "onetwo", "Hello!"],
  "Mistral's mark": ["[THINK]hm[/THINK]Hello!", "hm", "Hello!"],
  "Kimi's mark": ["◁think▷hm◁/think▷Hello!", "hm", "Hello!"],
  "other tags": ["<thinking>hm</thinking>Hello!", "hm", "Hello!"],
  "an end tag whose beginning is in the prompt": [
    "Hm, a greeting.\nI greet.\n</think>\n\nHello!",
    "Hm, a greeting.\nI greet.",
    "Hello!",
  ],
  "only such an end tag": ["</think>\n\nHello!", "", "Hello!"],
  "such an end tag at the very end": ["Hm.\n</think>", "", "Hm.\n</think>"],
  "a thought that never ends": ["<think>hm, and on", "hm, and on", ""],
  "harmony's channels": [
    "<|channel|>analysis<|message|>Hm, a greeting.<|end|><|start|>assistant<|channel|>final<|message|>Hello!<|return|>",
    "Hm, a greeting.",
    "Hello!",
  ],
  "harmony with a call of a tool": [
    "<|channel|>commentary to=functions.ls <|constrain|>json<|message|>{}<|call|><|start|>assistant<|channel|>final<|message|>Hello!",
    "{}",
    "Hello!",
  ],
  "harmony with an unknown mark in the answer": ["<|channel|>final<|message|>a <|b|> c", "", "a <|b|> c"],
  "an end token": ["Hello!<|im_end|>", "", "Hello!"],
  "end tokens, with blanks": ["Hello!<|eot_id|>\n<|endoftext|> ", "", "Hello!"],
  "an answer about the tag": [
    "Models write `<think>` first, and `</think>` after it.",
    "",
    "Models write `<think>` first, and `</think>` after it.",
  ],
  "an answer with the tag in a block of code": [
    "So:\n```\nhm\n</think>\nHello\n```\nThat is all.",
    "",
    "So:\n```\nhm\n</think>\nHello\n```\nThat is all.",
  ],
  "an answer with both tags": ["Write:\n<think>\nhm\n</think>\nthen", "", "Write:\n<think>\nhm\n</think>\nthen"],
  "an answer about an end token": ["The token <|im_end|> ends a turn.", "", "The token <|im_end|> ends a turn."],
  "less than a tag": ["<th", "", "<th"],
  "text that only begins like a mark": ["<|chan", "", "<|chan"],
  comparisons: ["1 < 2 and <b>3</b> > 2 <", "", "1 < 2 and <b>3</b> > 2 <"],
  "a tag inside a sentence": ["I think <think> is a tag.", "", "I think <think> is a tag."],
};

/** Answers about the tags, which stay as they are. */
const ABOUT_TAGS: readonly string[] = [
  "Strip everything up to\n</think>\n…",
  "The closing tag is:\n</think>",
  "1. Write:\n\n    ```\n    hm\n    </think>\n\n    Hello\n    ```\n2. Done.",
  "- item\n  ```\nhm\n</think>\n\nHello\n  ```\nThat is all.",
  "````md\n```\nhm\n</think>\n\nHello\n```\n````\nThat is all.",
  "```\n~~~\nhm\n</think>\n\nHello\n~~~\n```\nThat is all.",
  "So:\n\n    hm\n    </think>\n\n    Hello\n\nThat is all.",
  "> ```\n> hm\n</think>\n\nHello",
];

describe("an answer about the tags of thinking", () => {
  for (const text of ABOUT_TAGS) {
    it(`stays whole, wherever it is cut: ${JSON.stringify(text)}`, () => {
      for (let at = 0; at <= text.length; at++) {
        assert.deepEqual(
          told([text.slice(0, at), text.slice(at)]),
          { thinking: "", text: text.trim() },
          `cut at ${at}`,
        );
      }
    });
  }

  it("stays whole after thinking that was separated", () => {
    const rest = "Close the block with\n</think>\n\nand go on.";
    assert.deepEqual(told([`<think>hm</think>\n${rest}`]), { thinking: "hm", text: rest });
    assert.deepEqual(told([`<|channel|>final<|message|>${rest}`]), { thinking: "", text: rest });
  });
});

describe("thinking in a model's text", () => {
  for (const [what, [text, thinking, answer]] of Object.entries(CASES)) {
    it(`is separated, wherever the text is cut: ${what}`, () => {
      const expected = { thinking, text: answer };
      assert.deepEqual(told([text]), expected);
      assert.deepEqual(
        told(Array.from({ length: text.length }, (_, at) => text.charAt(at))),
        expected,
        "in single characters",
      );
      for (let at = 0; at <= text.length; at++) {
        assert.deepEqual(told([text.slice(0, at), text.slice(at)]), expected, `cut at ${at}`);
        for (let more = at; more <= text.length; more += 3) {
          assert.deepEqual(
            told([text.slice(0, at), text.slice(at, more), text.slice(more)]),
            expected,
            `cut at ${at} and ${more}`,
          );
        }
      }
    });
  }

  it("is read in time proportional to the text", () => {
    const texts = ["<", "</think>", "\n</think> x", "<think>", "<|", "<|channel|>", "a ", "\n", "```\n"];
    const cost = (text: string, times: number): number => {
      const before = process.threadCpuUsage();
      told(Array<string>(times).fill(text));
      return process.threadCpuUsage(before).user / 1_000;
    };
    for (const text of texts) {
      cost(text, 1_000);
      const [small, large] = [cost(text, 4_000), cost(text, 32_000)];
      assert.ok(large < 60 || large / small < 16, `${text}: ${small} ms became ${large} ms`);
    }
  });
});
