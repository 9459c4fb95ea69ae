import type { RawMessageStreamEvent } from "@anthropic-ai/sdk/resources/messages";
import { isObject, objectOf } from "../matrix/json.ts";
import { explain } from "./anthropic-errors.ts";
import type { CallPiece } from "./call-assembler.ts";
import { keep } from "./kept.ts";
import { type EndReason, ProviderError } from "./provider.ts";
import { checkSse } from "./sse.ts";
import type { Piece } from "./stream.ts";
import { usageOf } from "./usage.ts";

/**
 * The pieces of an answer in Anthropic's protocol.
 *
 * @param by see {@link keep}.
 */
export async function* piecesOf(stream: AsyncIterable<RawMessageStreamEvent>, by: string): AsyncGenerator<Piece> {
  let promptTokens: number | undefined;
  let answerTokens: unknown;
  let reason: EndReason = "stop";
  const blocks = new ThoughtBlocks();
  for await (const event of stream) {
    switch (event.type) {
      case "message_start":
        promptTokens = promptTokensOf(event.message.usage);
        break;
      case "content_block_start":
        blocks.start(event.index, event.content_block);
        yield { calls: startedCall(event.index, event.content_block) };
        break;
      case "content_block_delta":
        blocks.push(event.index, event.delta);
        if (event.delta.type === "text_delta") yield { text: event.delta.text };
        else if (event.delta.type === "thinking_delta") yield { thinking: event.delta.thinking };
        else if (event.delta.type === "input_json_delta")
          yield { calls: [{ slot: event.index, arguments: event.delta.partial_json }] };
        else yield {};
        break;
      case "message_delta":
        answerTokens = (event.usage as { output_tokens?: unknown } | null | undefined)?.output_tokens;
        reason = reasonOf(event.delta.stop_reason);
        break;
      case "message_stop": {
        const usage = usageOf(promptTokens, answerTokens);
        const kept = keep(by, blocks.kept);
        yield {
          end: { reason, ...(usage === undefined ? {} : { usage }), ...(kept === undefined ? {} : { kept }) },
        };
        return;
      }
      case "content_block_stop":
      default:
        yield {};
    }
  }
}

/** The beginning of a call. Its input is empty there, and comes in deltas; other servers send it at once. */
function startedCall(slot: unknown, block: unknown): CallPiece[] {
  const { type, id, name, input } = objectOf(block);
  if (type !== "tool_use") return [];
  const isWhole = isObject(input) && Object.keys(input).length > 0;
  return [{ slot, id, name, ...(isWhole ? { arguments: input } : {}) }];
}

/** The longest text of all kept blocks, in characters. */
const MOST_KEPT = 200_000;

/** The blocks of thoughts with their signatures: the server refuses results of calls without them. */
class ThoughtBlocks {
  readonly #blocks = new Map<number, Record<string, unknown>>();
  readonly #texts = new Map<number, { readonly thinking: string[]; readonly signature: string[] }>();
  #length = 0;

  start(index: number, block: unknown): void {
    const { type, data } = objectOf(block);
    if (type === "thinking") this.#texts.set(index, { thinking: [], signature: [] });
    if (type === "redacted_thinking" && typeof data === "string") {
      this.#length += data.length;
      this.#blocks.set(index, { type, data });
    }
  }

  push(index: number, delta: unknown): void {
    const { type, thinking, signature } = objectOf(delta);
    const texts = this.#texts.get(index);
    if (texts === undefined) return;
    for (const [text, of, kind] of [
      [thinking, texts.thinking, "thinking_delta"],
      [signature, texts.signature, "signature_delta"],
    ] as const) {
      if (kind !== type || typeof text !== "string") continue;
      this.#length += text.length;
      of.push(text);
    }
  }

  /** The blocks in their order; undefined where there are none, or too much. */
  get kept(): object | undefined {
    const thoughts = [...this.#texts].map(([index, { thinking, signature }]) => {
      const block = { type: "thinking", thinking: thinking.join(""), signature: signature.join("") };
      return [index, block] as const;
    });
    const blocks = [...this.#blocks, ...thoughts].sort(([a], [b]) => a - b).map(([, block]) => block);
    return blocks.length === 0 || this.#length > MOST_KEPT ? undefined : { blocks };
  }
}

/** The tokens of the cache count too; other servers with this protocol may count nothing. */
function promptTokensOf(usage: unknown): number | undefined {
  const counts = (usage ?? {}) as Readonly<Record<string, unknown>>;
  const { input_tokens: input, cache_read_input_tokens: read, cache_creation_input_tokens: created } = counts;
  return typeof input === "number" ? input + Number(read ?? 0) + Number(created ?? 0) : undefined;
}

function reasonOf(reason: unknown): EndReason {
  if (reason === "refusal") return "filtered";
  // The answer can be continued after each of these.
  const isCut = reason === "max_tokens" || reason === "model_context_window_exceeded" || reason === "pause_turn";
  return isCut ? "length" : "stop";
}

/** Passes only streams of a message in Anthropic's protocol. */
export const checkMessageStream = checkSse({
  check: (piece) => {
    const { type, delta } = piece;
    if (type === "error") throw explain(200, piece) ?? new ProviderError("refused", "an error came");
    if (typeof type !== "string") throw new ProviderError("malformed", "a piece is not part of a message");
    const { type: kind, text, thinking } = (delta ?? {}) as Record<string, unknown>;
    const isBroken =
      (type === "content_block_delta" && kind === "text_delta" && typeof text !== "string") ||
      (type === "content_block_delta" && kind === "thinking_delta" && typeof thinking !== "string") ||
      (type === "content_block_delta" && typeof kind !== "string") ||
      (type === "message_start" && !isObject(piece["message"])) ||
      (type === "message_delta" && !isObject(delta));
    if (isBroken) throw new ProviderError("malformed", "a piece of the message lacks its content");
    return type === "message_stop";
  },
});
