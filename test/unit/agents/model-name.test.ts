import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { plainModelName, readableModelName, withoutPath } from "../../../src/agents/model-name.ts";

describe("a model's name in readable form:", () => {
  for (const [model, name] of [
    ["llama3.2:3b", "Llama 3.2 (3B)"],
    ["llama3.1:8b-instruct-q4_K_M", "Llama 3.1 Instruct (8B, Q4_K_M)"],
    ["llama4:17b-scout-16e-instruct-q8_0", "Llama 4 Scout Instruct (17B, 16E, Q8_0)"],
    ["library/llama3", "Llama 3"],
    ["llama-3-1-8b", "Llama 3.1 (8B)"],
    ["meta-llama/llama-3.3-70b-instruct:free", "Llama 3.3 Instruct Free (70B)"],
    ["hf.co/bartowski/Llama-3.2-3B-Instruct-GGUF:Q4_K_M", "Llama 3.2 Instruct (3B, Q4_K_M)"],
    ["qwen2.5-coder:7b", "Qwen 2.5 Coder (7B)"],
    ["qwen2.5vl:7b", "Qwen 2.5 VL (7B)"],
    ["qwen3:30b-a3b-instruct-2507-q4_K_M", "Qwen 3 Instruct 2507 (30B, A3B, Q4_K_M)"],
    ["Qwen/Qwen3-8B-AWQ", "Qwen 3 (8B, AWQ)"],
    ["unsloth/Qwen3-30B-A3B-GGUF:UD-Q4_K_XL", "Qwen 3 (30B, A3B, UD-Q4_K_XL)"],
    ["mlx-community/Qwen3-4B-4bit", "Qwen 3 (4B, 4-bit)"],
    ["deepseek-r1:1.5b", "DeepSeek R1 (1.5B)"],
    ["gemma3:27b-it-qat", "Gemma 3 IT (27B, QAT)"],
    ["gemma3n:e4b", "Gemma 3n (E4B)"],
    ["gpt-oss:20b", "GPT-OSS (20B)"],
    ["gpt-4o-mini", "GPT-4o Mini"],
    ["chatgpt-4o-latest", "ChatGPT-4o Latest"],
    ["qwen3-coder:480b-cloud", "Qwen 3 Coder (480B, cloud)"],
    ["cloud", "Cloud"],
    ["dall-e-3", "DALL-E 3"],
    ["minicpm-v:8b", "MiniCPM-V (8B)"],
    ["deepseek-v3.1:671b", "DeepSeek V3.1 (671B)"],
    ["gpt-4o-2024-08-06", "GPT-4o (2024-08-06)"],
    ["gpt-3.5-turbo", "GPT-3.5 Turbo"],
    ["gpt2", "GPT-2"],
    ["o3-mini", "o3 Mini"],
    ["claude-sonnet-4-5-20250929", "Claude Sonnet 4.5 (2025-09-29)"],
    ["claude-3-5-sonnet-20241022", "Claude 3.5 Sonnet (2024-10-22)"],
    ["models/gemini-2.5-pro", "Gemini 2.5 Pro"],
    ["mistral:latest", "Mistral"],
    ["mistral-small3.2:24b", "Mistral Small 3.2 (24B)"],
    ["mistralai/Mistral-7B-Instruct-v0.3", "Mistral Instruct v0.3 (7B)"],
    ["mixtral:8x7b", "Mixtral (8x7B)"],
    ["phi4-mini", "Phi 4 Mini"],
    ["phi3:14b-medium-128k-instruct-q4_0", "Phi 3 Medium Instruct (14B, 128K, Q4_0)"],
    ["nomic-embed-text:latest", "Nomic Embed Text"],
    ["smollm2:135m", "SmolLM 2 (135M)"],
    ["command-r7b", "Command R7B"],
    ["command-r-plus:104b", "Command R Plus (104B)"],
    ["granite3.3:8b", "Granite 3.3 (8B)"],
    ["kimi-k2:1t", "Kimi K2 (1T)"],
    ["llava:13b-v1.6", "LLaVA v1.6 (13B)"],
    ["bge-m3", "BGE M3"],
    ["user/my-model:v2", "My Model v2"],
    ["my_own_model", "My Own Model"],
    ["/models/foo.gguf", "Foo"],
    ["C:\\models\\foo.Q4_K_M.gguf", "Foo (Q4_K_M)"],
    ["/models/gemma-3-27b-it-Q8_0-00001-of-00003.gguf", "Gemma 3 IT (27B, Q8_0)"],
    ["7b", "7B"],
    ["日本語-モデル:7b", "日本語 モデル (7B)"],
    ["Ünï-cöde", "Ünï Cöde"],
    ["🦙-🔥:7b", "🦙 🔥 (7B)"],
    ["a\nb\u0000\u202ec\u200b", "A B C"],
    ["\ud83da", "\ufffda"],
  ] as const) {
    it(`${JSON.stringify(model)} is ${name}`, () => assert.equal(readableModelName(model), name));
  }

  for (const model of ["", "/", "-", "...", "!!!", "(((", "#*", ":latest", "\u202e", ".gguf"]) {
    it(`${JSON.stringify(model)} is a model`, () => assert.equal(readableModelName(model), "Model"));
  }

  it("of a file of weights is the file's without its path; other names stay as they are", () => {
    for (const [model, name] of [
      ["/models/SmolLM2-135M-Instruct.Q4_1.gguf", "SmolLM2-135M-Instruct.Q4_1"],
      ["gemma-3-4b-it.gguf", "gemma-3-4b-it"],
      ["./a b/c d.GGUF", "c d"],
      ["C:\\Users\\bob\\models\\foo.gguf", "foo"],
      ["/m/big-00001-of-00003.gguf", "big"],
      ["/m/big-1-of-3.gguf", "big-1-of-3"],
      ["/models/.gguf", "/models/.gguf"],
      ["/models/foo.gguf/", "/models/foo.gguf/"],
      ["/models/foo.gguf.bak", "/models/foo.gguf.bak"],
      ["hf.co/bartowski/Llama-3.2-1B-GGUF:Q4_K_M", "hf.co/bartowski/Llama-3.2-1B-GGUF:Q4_K_M"],
      ["ggml-org/gemma-3-4b-it-GGUF", "ggml-org/gemma-3-4b-it-GGUF"],
      ["", ""],
    ] as const) {
      assert.equal(withoutPath(model), name);
    }
    assert.equal(plainModelName("/home/bob/models/foo.gguf"), "foo");
  });

  it("is one short line, whatever the model's name", () => {
    for (const model of [
      "x".repeat(300),
      "ab-".repeat(10_000),
      "😀".repeat(200),
      "q4_".repeat(10_000),
      "2024-".repeat(10_000),
      `${"a/".repeat(5000)}b:${"c\n".repeat(5000)}`,
      "\u202e\n".repeat(500) + "x",
      "1b-".repeat(300),
    ]) {
      for (const name of [readableModelName(model), plainModelName(model)]) {
        assert.ok(name.length > 0 && name.length <= 80, `${name.length}`);
        assert.ok(name.isWellFormed());
        assert.doesNotMatch(name, /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u);
      }
    }
  });
});
