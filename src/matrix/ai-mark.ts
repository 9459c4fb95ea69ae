/**
 * The field that marks what an AI made (EU AI Act, Article 50(2)): in the content of a model's message, inside the ciphertext where the
 * room is encrypted, and in an agent's profile. No MSC has such a field; `m.automated` (MSC3955) says that a bot sent
 * something, whoever made it, and asks clients to show it fainter.
 */
export const AI_FIELD = "io.github.matrix-appservice-agents.ai_generated";

/** IPTC's term for what a model made, from http://cv.iptc.org/newscodes/digitalsourcetype. */
export const AI_MADE = "trainedAlgorithmicMedia";

/** The content of a message with the mark. An edit made of it has the mark in both places. */
export function withAiMark(content: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { ...content, [AI_FIELD]: AI_MADE };
}
