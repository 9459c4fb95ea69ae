import type { ContentBlockParam, MessageParam, Tool } from "@anthropic-ai/sdk/resources/messages";
import { keptOf } from "./kept.ts";
import { pictureType } from "./pictures.ts";
import type { ChatMessage, ChatRequest } from "./provider.ts";
import { argumentsAsTold, nameAsTold, type ToolCall, type ToolDefinition, type ToolRound } from "./tool-call.ts";

/** In place of a text: the server refuses an empty one. */
const NO_WORDS = "…";

/**
 * The messages of a request in Anthropic's protocol, with the earlier calls and their results. The instruction is
 * separate.
 *
 * @param by see {@link keptOf}.
 */
export function messagesFor(
  { messages, rounds = [] }: Pick<ChatRequest, "messages" | "rounds">,
  by: string,
): MessageParam[] {
  return [...messages.flatMap(messageOf), ...rounds.flatMap((round) => roundOf(round, by))];
}

/** The tools in Anthropic's protocol. */
export function toolsFor(tools: readonly ToolDefinition[]): Tool[] {
  return tools.map(({ name, description, parameters }) => ({
    name,
    description,
    input_schema: { ...parameters, type: "object" },
  }));
}

/** Pictures come before their text. */
function messageOf({ role, content, images = [] }: ChatMessage): MessageParam[] {
  if (role === "system") return [];
  // A picture's message is never empty.
  const text = { type: "text" as const, text: content.trim() === "" ? NO_WORDS : content };
  if (images.length === 0) return [{ role, content: [text] }];
  const pictures = images.map((image) => ({
    type: "image" as const,
    source: {
      type: "base64" as const,
      media_type: pictureType(image) ?? ("image/png" as const),
      data: Buffer.from(image).toString("base64"),
    },
  }));
  return [{ role, content: [...pictures, text] }];
}

function roundOf({ text, calls, kept }: ToolRound, by: string): MessageParam[] {
  const { blocks = [] } = (keptOf(by, kept) ?? {}) as { readonly blocks?: readonly ContentBlockParam[] };
  const asked: ContentBlockParam[] = [
    ...blocks,
    ...(text.trim() === "" ? [] : [{ type: "text" as const, text }]),
    ...calls.map(({ call }) => ({
      type: "tool_use" as const,
      id: idOf(call),
      name: nameAsTold(call),
      input: argumentsAsTold(call),
    })),
  ];
  const results = calls.map(({ call, output }) => ({
    type: "tool_result" as const,
    tool_use_id: idOf(call),
    content: output.text.trim() === "" ? NO_WORDS : output.text,
    is_error: output.isError,
  }));
  return [
    { role: "assistant", content: asked },
    { role: "user", content: results },
  ];
}

/** The server refuses other characters, which ids of other servers have. */
function idOf({ id }: ToolCall): string {
  return id.replace(/[^A-Za-z0-9_-]/g, "_");
}
