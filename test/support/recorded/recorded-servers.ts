import { anthropicServer } from "./anthropic.ts";
import { llamaServer } from "./llama-server.ts";
import { lmStudio } from "./lm-studio.ts";
import { miniMax } from "./minimax.ts";
import { ollama } from "./ollama.ts";
import { openAiServer } from "./openai.ts";
import { openRouter } from "./openrouter.ts";
import type { RecordedServer } from "./recorded-server.ts";
import { vllm } from "./vllm.ts";

/** All of them: a claim about a provider's client must hold for the output of each of these. */
export const RECORDED_SERVERS: readonly RecordedServer[] = [
  ollama,
  llamaServer,
  vllm,
  lmStudio,
  openAiServer,
  openRouter,
  anthropicServer,
  miniMax,
];
