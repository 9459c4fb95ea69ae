import type { ChatMessage } from "../providers/provider.ts";

/** What stands for a message of a person without any words: some servers refuse an empty one. */
const NO_WORDS = "(no words)";

/** What an agent is told that has the last word already. */
const GO_ON = "Go on.";

/**
 * Messages as every model's chat template takes them (Gemma's and Mistral's refuse all others): user, assistant, user, … and the
 * user's at the end. Neighbours of one role become one message, with a blank line between; an answer without its question in front
 * of it goes, since a model takes it for an instruction.
 */
export function alternating(messages: readonly ChatMessage[]): ChatMessage[] {
  const turns: { role: ChatMessage["role"]; texts: string[]; images: Uint8Array[] }[] = [];
  for (const { role, content, images = [] } of messages) {
    let turn = turns.at(-1);
    if (turn?.role !== role) {
      // An empty answer is none, and separates nothing.
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
