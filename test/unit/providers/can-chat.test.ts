import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { canChat, type ToldOfModel } from "../../../src/providers/can-chat.ts";

const CHAT = [
  "llama3.2:3b",
  "Qwen/Qwen3-8B",
  "gemma-3-4b-it-Q4_K_M.gguf",
  "/models/SmolLM2-135M-Instruct-Q8_0.gguf",
  "mistralai/mistral-small-3.2-24b-instruct",
  "deepseek-r1:7b",
  "gpt-oss:20b",
  "gpt-5.2-mini",
  "o4-mini",
  "claude-sonnet-5-5",
  "phi4-mini",
  "granite3.3:8b",
  "command-r7b",
  "llava:13b",
  "qwen2.5-coder:1.5b-instruct",
  "koboldcpp/Mistral-Nemo-Instruct-2407-Q6_K",
  "hf.co/bartowski/Llama-3.2-1B-Instruct-GGUF:latest",
  "mediocre-writer",
  "embedded-systems-coder",
  "bgem-chat",
];
const OTHER = [
  "nomic-embed-text:latest",
  "mxbai-embed-large",
  "embeddinggemma:300m",
  "qwen3-embedding:4b",
  "snowflake-arctic-embed2",
  "all-minilm:22m",
  "paraphrase-multilingual",
  "BAAI/bge-m3",
  "bge-large-en-v1.5.Q8_0.gguf",
  "intfloat/multilingual-e5-large",
  "Alibaba-NLP/gte-Qwen2-7B-instruct",
  "jina-embeddings-v3",
  "text-embedding-ada-002",
  "granite-embedding:30m",
  "BAAI/bge-reranker-v2-m3",
  "dengcao/Qwen3-Reranker-4B:Q5_K_M",
  "jina-reranker-v2",
  "deepseek-ocr:3b",
  "allenai/olmOCR-2-7B",
  "PaddleOCR-VL-0.9B",
  "glm-ocr",
  "mistral-ocr-latest",
  "whisper-1",
  "gpt-4o-transcribe",
  "tts-1-hd",
  "kokoro",
  "dall-e-3",
  "flux.1-schnell",
  "stable-diffusion-3.5",
  "omni-moderation-latest",
];

describe("whether a listed model can chat", () => {
  for (const name of CHAT) it(`is guessed from its name: ${name} can`, () => assert.equal(canChat({ name }), true));
  for (const name of OTHER) it(`is guessed from its name: ${name} can't`, () => assert.equal(canChat({ name }), false));

  const TOLD: readonly (readonly [Omit<ToldOfModel, "name">, boolean])[] = [
    [{ capabilities: ["completion", "tools"] }, true],
    [{ capabilities: ["embedding"] }, false],
    [{ capabilities: ["image"] }, false],
    [{ capabilities: { completion_chat: true, vision: false } }, true],
    [{ capabilities: { completion_chat: false, ocr: true }, type: "base" }, true],
    [{ type: "llm" }, true],
    [{ type: "embeddings" }, false],
    [{ type: "rerank" }, false],
    [{ type: "model" }, true],
    [{ outputs: ["text"] }, true],
    [{ outputs: ["image"] }, false],
    [{ outputs: ["embeddings"] }, false],
    [{ capabilities: ["tool_use"] }, true],
    [{ capabilities: "completion", type: null, outputs: 3 }, true],
  ];
  for (const [told, does] of TOLD) {
    it(`is taken from its server: ${JSON.stringify(told)}`, () => assert.equal(canChat({ name: "m", ...told }), does));
  }

  it("is taken from its server, whatever its name", () => {
    assert.equal(canChat({ name: "my-embed-story-teller", capabilities: ["completion"] }), true);
    assert.equal(canChat({ name: "plain", capabilities: ["embedding"] }), false);
  });
});
