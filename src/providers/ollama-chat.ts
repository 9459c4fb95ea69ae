import type { ChatResponse } from "ollama";
import { objectOf } from "../matrix/json.ts";
import { MAX_CALLS, type CallPiece } from "./call-assembler.ts";
import { keep, keptOf } from "./kept.ts";
import type { Takes } from "./parameters.ts";
import type { ChatMessage, ChatRequest, ChatUsage } from "./provider.ts";
import type { Piece } from "./stream.ts";
import { argumentsAsTold, nameAsTold, type ToolDefinition, type ToolRound } from "./tool-call.ts";
import { usageOf } from "./usage.ts";

/**
 * A request in Ollama's form. It must refuse too long prompts, because a cut prompt would silently lose the
 * instruction.
 */
interface OllamaChat {
  readonly model: string;
  readonly messages: OllamaMessage[];
  readonly tools?: OllamaTool[];
  readonly options: { num_ctx: number; num_predict?: number; temperature?: number };
  readonly keep_alive?: string | number;
  readonly think?: false | "low" | "medium" | "high";
  readonly truncate: false;
  readonly shift: false;
}

/**
 * A request in Ollama's protocol.
 *
 * @param by see {@link keptOf}.
 */
export function toOllama(request: ChatRequest, takes: Takes, by: string): OllamaChat {
  const {
    model,
    messages,
    rounds = [],
    tools = [],
    toolChoice,
    contextTokens,
    maxAnswerTokens,
    temperature,
    effort,
    keepAlive,
  } = request;
  return {
    model,
    messages: [...messages.map(messageOf), ...rounds.flatMap((round) => roundOf(round, by))],
    // It knows no choice.
    ...(tools.length === 0 || toolChoice === "none" || !takes("tools") ? {} : { tools: tools.map(toolOf) }),
    options: {
      num_ctx: contextTokens,
      ...(takes("num_predict") ? { num_predict: maxAnswerTokens } : {}),
      ...(temperature === undefined || !takes("temperature") ? {} : { temperature }),
    },
    // Ollama reads seconds only from numbers; a string needs a unit.
    ...(keepAlive === undefined ? {} : { keep_alive: /^-?\d+$/.test(keepAlive) ? Number(keepAlive) : keepAlive }),
    ...(effort === undefined || !takes("think") ? {} : { think: effort === "none" ? false : effort }),
    truncate: false,
    shift: false,
  };
}

/** The server's own count; older servers leave out the count of a cached prompt. */
function countTokens(counts: { prompt_eval_count: unknown; eval_count: unknown }): { usage?: ChatUsage } {
  const usage = usageOf(counts.prompt_eval_count, counts.eval_count);
  return usage === undefined ? {} : { usage };
}

/**
 * The pieces of an answer.
 *
 * @param by see {@link keep}.
 */
export async function* piecesOf(stream: AsyncIterable<ChatResponse>, by: string): AsyncGenerator<Piece> {
  const thoughts: string[] = [];
  let calls = 0;
  for await (const piece of stream) {
    // The client's types promise more than servers keep.
    const { content, thinking, tool_calls: told } = objectOf(piece.message);
    const called = (Array.isArray(told) ? (told as readonly unknown[]) : []).slice(0, MAX_CALLS + 1).map(callOf);
    // Each is whole, and older versions give them no number, or all the same.
    const numbered = called.map((call) => ({ ...call, slot: calls++ }));
    if (typeof thinking === "string" && thinking !== "") thoughts.push(thinking);
    const kept = piece.done ? keep(by, thoughts.length === 0 ? undefined : { thinking: thoughts.join("") }) : undefined;
    const reason = piece.done_reason === "length" ? "length" : "stop";
    const end = { reason, ...countTokens(piece), ...(kept === undefined ? {} : { kept }) } as const;
    yield {
      text: typeof content === "string" ? content : "",
      thinking: typeof thinking === "string" ? thinking : "",
      calls: numbered,
      ...(piece.done ? { end } : {}),
    };
  }
}

function callOf(told: unknown): CallPiece {
  const { id, function: named } = objectOf(told);
  const { name, arguments: given } = objectOf(named);
  return { id, name, arguments: given };
}

function messageOf({ role, content, images }: ChatMessage): OllamaMessage {
  const pictures = images?.map((image) => Buffer.from(image).toString("base64"));
  return { role, content, ...(pictures === undefined ? {} : { images: pictures }) };
}

/** A model's answer with calls, and their results, in Ollama's protocol. */
function roundOf({ text, calls, kept }: ToolRound, by: string): OllamaMessage[] {
  return [
    {
      role: "assistant",
      content: text,
      tool_calls: calls.map(({ call }) => ({
        id: call.id,
        function: { name: nameAsTold(call), arguments: { ...argumentsAsTold(call) } },
      })),
      ...keptOf(by, kept),
    },
    ...calls.map(({ call, output }) => ({
      role: "tool",
      content: output.text,
      tool_name: nameAsTold(call),
      tool_call_id: call.id,
    })),
  ];
}

function toolOf({ name, description, parameters }: ToolDefinition): OllamaTool {
  return { type: "function", function: { name, description, parameters: { ...parameters } } };
}

interface OllamaMessage {
  readonly role: string;
  readonly content: string;
  readonly images?: string[];
  readonly tool_calls?: { id: string; function: { name: string; arguments: Record<string, unknown> } }[];
  readonly tool_name?: string;
  readonly tool_call_id?: string;
}

interface OllamaTool {
  readonly type: "function";
  readonly function: { readonly name: string; readonly description: string; readonly parameters: object };
}
