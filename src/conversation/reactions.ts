/** What somebody asks for with a reaction to a question or its answer. */
export type Wish = "stop" | "again" | "continue" | "good" | "bad";

const WISHES: ReadonlyMap<string, Wish> = new Map([
  ["🛑", "stop"],
  ["⏹", "stop"],
  ["✋", "stop"],
  ["🔁", "again"],
  ["🔄", "again"],
  ["▶", "continue"],
  ["⏩", "continue"],
  ["👍", "good"],
  ["👎", "bad"],
]);

/** The wish behind a reaction's key; undefined for all that mean nothing to an agent. Skin tones and variants count alike. */
export function wishOf(key: string): Wish | undefined {
  return WISHES.get(key.replace(/\p{Emoji_Modifier}|\p{Variation_Selector}/gu, ""));
}

/** Whether a reaction to a question for consent agrees or declines; undefined: neither. */
export function decisionOf(key: string): boolean | undefined {
  const plain = key.replace(/\p{Emoji_Modifier}|\p{Variation_Selector}/gu, "");
  if (["✅", "☑", "✔"].includes(plain)) return true;
  return ["❌", "✖", "❎"].includes(plain) ? false : undefined;
}
