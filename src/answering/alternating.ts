import type { ChatMessage } from "../providers/provider.ts";

/** Replaces a person's message without words, because some servers refuse an empty one. */
const NO_WORDS = "(no words)";

/** The prompt for an agent that already has the last word. */
const GO_ON = "Go on.";

/**
 * Messages in the order that every model's chat template takes (Gemma's and Mistral's refuse all others): user,
 * assistant, user, …, with the user's at the end. Neighbours of one role become one message, with a blank line between.
 * An answer without a question before it is dropped, because a model takes it for an instruction.
 */
export function alternating(messages: readonly ChatMessage[]): ChatMessage[] {
  const turns: { role: ChatMessage["role"]; texts: string[]; images: Uint8Array[] }[] = [];
  for (const { role, content, images = [] } of messages) {
    let turn = turns.at(-1);
    if (turn?.role !== role) {
      // An empty answer is dropped and separates nothing.
      if (role === "assistant" && (turns.length === 0 || content.trim() === "")) continue;
      turn = { role, texts: [], images: [] };
      turns.push(turn);
    }
    if (content.trim() !== "") turn.texts.push(content);
    turn.images.push(...images);
  }
  if (turns.at(-1)?.role !== "user") turns.push({ role: "user", texts: [GO_ON], images: [] });
  return turns.map(({ role, texts, images }) => ({
    role,
    content: texts.length === 0 && images.length === 0 ? NO_WORDS : texts.join("\n\n"),
    ...(images.length === 0 ? {} : { images }),
  }));
}
