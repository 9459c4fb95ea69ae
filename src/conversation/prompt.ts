import type { ChatMessage } from "../providers/provider.ts";
import type { ReadMessage } from "./reading.ts";

/** What a prompt is made of. */
export interface PromptParts {
  /** The admin's instruction for the agent, if any. */
  readonly systemPrompt: string | undefined;
  /** What people want it to keep in mind in this room. */
  readonly keepInMind?: string | undefined;
  readonly agentName: string;
  /** More than one person speaks: each message names its speaker. */
  readonly group: boolean;
  /** Agents whom it may ask for help. */
  readonly helpers?: readonly { readonly localpart: string; readonly name: string; readonly model: string }[];
  /** With a turn in a discussion. */
  readonly discussion?:
    | { readonly topic: string; readonly others: readonly string[]; readonly turn: number; readonly length: number }
    | undefined;
  /** What was said before the messages, summed up. */
  readonly summary?: string | undefined;
  /** Oldest first; the last one is the question. */
  readonly messages: readonly ReadMessage[];
  /** Tokens that the messages may take, the answer's share already taken off. */
  readonly budgetTokens: number;
  readonly estimateTokens: (text: string) => number;
}

/** What a message costs beside its text: role and separators. */
const TOKENS_PER_MESSAGE = 4;

/** What models of today make of a picture, about. */
const TOKENS_PER_IMAGE = 800;

/** So much of either end of a question is kept, in characters, even where the instruction alone fills the window. */
const SHORTEST_END = 64;

/**
 * Builds what a model is given: the instruction, then as much of the latest conversation as the budget holds, always
 * with the question. In a group every person's message begins with a name, which a person can't forge by line breaks.
 */
export function buildPrompt(parts: PromptParts): ChatMessage[] {
  const system = systemMessage(parts);
  let left = parts.budgetTokens - parts.estimateTokens(system) - TOKENS_PER_MESSAGE;
  const chosen: ChatMessage[] = [];
  for (const message of parts.messages.toReversed()) {
    const chat = chatMessage(message, parts.group);
    const cost =
      parts.estimateTokens(chat.content) + TOKENS_PER_MESSAGE + (chat.images?.length ?? 0) * TOKENS_PER_IMAGE;
    if (cost > left && chosen.length > 0) break;
    chosen.unshift(cost > left ? shortened(chat, parts, left) : chat);
    left -= cost;
    if (left <= 0) break;
  }
  // A model that is shown its own answer first, without the question, takes it for an instruction.
  while (chosen.length > 1 && chosen[0]?.role === "assistant") chosen.shift();
  return [{ role: "system", content: system }, ...chosen];
}

/** The share of the context window that is kept free for the answer, in tokens. */
export function answerReserve(contextTokens: number): number {
  return Math.min(Math.floor(contextTokens / 4), 4_096);
}

function systemMessage({ systemPrompt, agentName, keepInMind, group, helpers = [], ...parts }: PromptParts): string {
  const lines = [systemPrompt ?? `You are ${agentName}, a helpful assistant in a Matrix chat. Use Markdown.`];
  if (keepInMind !== undefined) lines.push(`Keep in mind: ${keepInMind}`);
  if (parts.summary !== undefined) lines.push(`What was said before, summed up: ${parts.summary}`);
  if (group) {
    lines.push(
      "Several people talk with you in this room. Each of their messages begins with the speaker's name and a colon. " +
        "Answer the last message, without putting a name in front of your answer.",
    );
  }
  if (helpers.length > 0) {
    lines.push(
      "Only where you need their help, you can ask other assistants of this room. Begin a line with the one's name, as in " +
        `\`@${helpers[0]?.localpart ?? ""}: …\`, and it answers after you, for everybody to read. There are: ` +
        `${helpers.map(({ localpart, name, model }) => `@${localpart} (${name}, ${model})`).join("; ")}.`,
    );
  }
  const { discussion } = parts;
  if (discussion !== undefined) {
    const { topic, others, turn, length } = discussion;
    lines.push(
      `You discuss something with ${others.join(", ")}, who are assistants like you, in front of the people who asked for it. ` +
        `The topic: ${topic}\n\nSay in a few sentences what you think, and of what was said last; speak for yourself only. ` +
        `This is turn ${turn} of ${length}${turn === length ? ": come to an end, and sum up what came of it" : ""}.`,
    );
  }
  return lines.join("\n\n");
}

function chatMessage(message: ReadMessage, group: boolean): ChatMessage {
  if (message.author === "agent") return { role: "assistant", content: message.body };
  const speaker = message.speaker.replace(/[\p{Cc}\p{Cf}\s:]+/gu, " ").trim() || message.sender;
  return {
    role: "user",
    content: group ? `${speaker}: ${message.body}` : message.body,
    ...(message.images === undefined ? {} : { images: message.images }),
  };
}

/** A question larger than the whole window keeps its beginning and its end, where the asking usually is. */
function shortened(chat: ChatMessage, parts: PromptParts, budgetTokens: number): ChatMessage {
  const keeping = (length: number): string =>
    `${chat.content.slice(0, length)}\n[…]\n${chat.content.slice(-length)}`.toWellFormed();
  let [low, high] = [SHORTEST_END, Math.floor(chat.content.length / 2)];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (parts.estimateTokens(keeping(middle)) + TOKENS_PER_MESSAGE <= budgetTokens) low = middle;
    else high = middle - 1;
  }
  return chat.content.length <= 2 * low ? chat : { ...chat, content: keeping(low) };
}
