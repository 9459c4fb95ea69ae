import type { ChatCompletionChunk } from "openai/resources/chat/completions";
import { isObject, objectOf } from "../matrix/json.ts";
import { MAX_CALLS, type CallPiece } from "./call-assembler.ts";
import { keep } from "./kept.ts";
import { explain, illBy } from "./openai-errors.ts";
import { type ChatUsage, type EndReason, ProviderError } from "./provider.ts";
import { checkSse } from "./sse.ts";
import type { Piece } from "./stream.ts";
import { usageOf } from "./usage.ts";

/** Passes only streams of a chat in OpenAI's protocol. */
export const checkChatStream = checkSse({
  endMark: "[DONE]",
  check: (piece) => {
    if (piece["error"] !== undefined && piece["error"] !== null) {
      throw explain(200, piece) ?? new ProviderError("refused", "an error came");
    }
    const ill = illBy(piece["base_resp"]);
    if (ill !== undefined) throw ill;
    if (piece["object"] === "error") throw explain(200, piece) ?? new ProviderError("refused", "an error came");
    const { choices } = piece;
    // The chunk with the counts has none.
    if (choices === undefined || choices === null) return false;
    if (!Array.isArray(choices)) throw new ProviderError("malformed", "a piece is not part of a chat");
    const [choice] = choices as readonly unknown[];
    if (choice === undefined) return false;
    const { delta, finish_reason: reason } = (choice ?? {}) as { delta?: unknown; finish_reason?: unknown };
    const { content } = (delta ?? {}) as { content?: unknown };
    const isText = content === undefined || content === null || typeof content === "string" || Array.isArray(content);
    if (!isText) throw new ProviderError("malformed", "a piece of the chat holds no text");
    if (reason === "error") throw new ProviderError("cut_off", "the server ended it by an error of its own");
    return typeof reason === "string";
  },
});

/** The longest list of a server's own forms of thoughts, in characters. */
const MOST_DETAILS = 200_000;

/**
 * The pieces of an answer. The reason for its end comes in one chunk, the counts in a later one, or never.
 *
 * @param by see {@link keep}.
 */
export async function* piecesOf(stream: AsyncIterable<ChatCompletionChunk>, by: string): AsyncGenerator<Piece> {
  let reason: EndReason = "stop";
  let usage: ChatUsage | undefined;
  const thoughts = new Thoughts();
  for await (const chunk of stream) {
    // Any server may have sent it, so the client's types prove nothing.
    const { choices, usage: counts } = chunk as { choices?: unknown; usage?: unknown };
    const [choice] = (Array.isArray(choices) ? choices : []) as readonly ({
      finish_reason?: unknown;
      delta?: unknown;
    } | null)[];
    const delta = objectOf(choice?.delta);
    reason = reasonOf(choice?.finish_reason) ?? reason;
    const { prompt_tokens: promptTokens, completion_tokens: answerTokens } = objectOf(counts);
    usage = usageOf(promptTokens, answerTokens) ?? usage;
    const { text, thinking } = contentOf(delta["content"]);
    // A refusal has its own field, in place of an answer.
    const refusal = typeof delta["refusal"] === "string" ? delta["refusal"] : "";
    yield { text: text + refusal, thinking: thoughts.push(delta) ?? thinking, calls: callsOf(delta, by) };
  }
  const kept = keep(by, thoughts.kept);
  yield {
    end: { reason, ...(usage === undefined ? {} : { usage }), ...(kept === undefined ? {} : { kept }) },
  };
}

/** A model's thoughts, in the fields of different servers. Each wants them back with the results of calls, in the same field. */
class Thoughts {
  readonly #texts: string[] = [];
  #field: "reasoning_content" | "reasoning" | undefined;
  readonly #details: unknown[] = [];
  #length = 0;

  /** Takes the next piece of an answer. Returns the thoughts in it; undefined where it has none. */
  push(delta: Readonly<Record<string, unknown>>): string | undefined {
    const { reasoning_details: details } = delta;
    if (Array.isArray(details) && this.#length < MOST_DETAILS) {
      this.#details.push(...(details as readonly unknown[]));
      this.#length += JSON.stringify(details).length;
    }
    for (const field of ["reasoning_content", "reasoning"] as const) {
      const text = delta[field];
      if (typeof text !== "string" || text === "") continue;
      this.#field ??= field;
      this.#texts.push(text);
      return text;
    }
    return undefined;
  }

  /** The fields of an earlier answer. OpenRouter gives details beside the text, and wants only them. */
  get kept(): object | undefined {
    if (this.#details.length > 0) return { reasoning_details: this.#details };
    return this.#field === undefined ? undefined : { [this.#field]: this.#texts.join("") };
  }
}

/** The parts of calls in a piece of an answer; also in the field of OpenAI's first form, which takes one call. */
function callsOf(
  { tool_calls: calls, function_call: call }: Readonly<Record<string, unknown>>,
  by: string,
): CallPiece[] {
  if (isObject(call)) return [{ slot: 0, name: call["name"], arguments: call["arguments"] }];
  return (Array.isArray(calls) ? (calls as readonly unknown[]) : []).slice(0, MAX_CALLS + 1).map((told) => {
    const { index, id, function: named, extra_content: extra } = objectOf(told);
    const { name, arguments: given } = objectOf(named);
    // Gemini's signature of its thoughts.
    const kept = isObject(extra) ? keep(by, { extra_content: extra }) : undefined;
    return { slot: index, id, name, arguments: given, ...(kept === undefined ? {} : { kept }) };
  });
}

/** Text, or parts of text and thinking, as in Mistral's reasoning models. */
function contentOf(content: unknown): { text: string; thinking: string } {
  if (typeof content === "string") return { text: content, thinking: "" };
  const told = { text: "", thinking: "" };
  for (const part of Array.isArray(content) ? (content as readonly unknown[]) : []) {
    const { type, text, thinking } = (part ?? {}) as { type?: unknown; text?: unknown; thinking?: unknown };
    if (type === "text" && typeof text === "string") told.text += text;
    if (type === "thinking") told.thinking += typeof thinking === "string" ? thinking : contentOf(thinking).text;
  }
  return told;
}

function reasonOf(reason: unknown): EndReason | undefined {
  if (typeof reason !== "string") return undefined;
  if (reason === "length" || reason === "max_tokens" || reason === "model_length") return "length";
  return reason === "content_filter" ? "filtered" : "stop";
}
