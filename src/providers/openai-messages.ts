import type {
  ChatCompletionFunctionTool,
  ChatCompletionMessageParam,
  ChatCompletionMessageFunctionToolCall,
} from "openai/resources/chat/completions";
import { keptOf } from "./kept.ts";
import { pictureType } from "./pictures.ts";
import type { ChatMessage, ChatRequest } from "./provider.ts";
import { argumentsAsTold, nameAsTold, type ToolCall, type ToolDefinition, type ToolRound } from "./tool-call.ts";

/**
 * The messages of a request in OpenAI's protocol, with the earlier calls and their results.
 *
 * @param by see {@link keptOf}.
 */
export function messagesFor(
  { messages, rounds = [] }: Pick<ChatRequest, "messages" | "rounds">,
  by: string,
): ChatCompletionMessageParam[] {
  return [...messages.map(messageOf), ...rounds.flatMap((round) => roundOf(round, by))];
}

/** The tools in OpenAI's protocol. */
export function toolsFor(tools: readonly ToolDefinition[]): ChatCompletionFunctionTool[] {
  return tools.map(({ name, description, parameters }) => ({
    type: "function",
    function: { name, description, parameters: { ...parameters } },
  }));
}

function messageOf({ role, content, images = [] }: ChatMessage): ChatCompletionMessageParam {
  if (role !== "user" || images.length === 0) return { role, content };
  const pictures = images.map((image) => {
    const data = Buffer.from(image).toString("base64");
    const url = `data:${pictureType(image) ?? "image/png"};base64,${data}`;
    return { type: "image_url" as const, image_url: { url } };
  });
  return { role, content: [{ type: "text", text: content }, ...pictures] };
}

function roundOf({ text, calls, kept }: ToolRound, by: string): ChatCompletionMessageParam[] {
  const asked: ChatCompletionMessageParam = {
    role: "assistant",
    // As OpenAI itself words an answer without words.
    content: text.trim() === "" ? null : text,
    tool_calls: calls.map(({ call }) => callOf(call, by)),
    ...keptOf(by, kept),
  };
  const results = calls.map(({ call, output }) => ({
    role: "tool" as const,
    tool_call_id: call.id,
    content: output.text,
  }));
  return [asked, ...results];
}

function callOf(call: ToolCall, by: string): ChatCompletionMessageFunctionToolCall {
  return {
    id: call.id,
    type: "function",
    function: { name: nameAsTold(call), arguments: JSON.stringify(argumentsAsTold(call)) },
    ...keptOf(by, call.kept),
  };
}
