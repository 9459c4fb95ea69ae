/** A person's request by a reaction to a question or its answer. */
export type Wish = "stop" | "again" | "continue" | "good" | "bad";

/** Each with similar emoji that clients show beside it and people mistake for it. */
const WISHES: Readonly<Record<Wish, readonly string[]>> = {
  stop: ["🛑", "⏹", "✋", "🤚", "🖐"],
  again: ["🔁", "🔄", "🔃", "🔂", "♻"],
  continue: ["▶", "⏩", "⏭", "⏯"],
  good: ["👍"],
  bad: ["👎"],
};

const AGREES = ["✅", "☑", "✔"];
const DECLINES = ["❌", "✖", "❎"];

/** The longest emoji with its surroundings, in characters. */
const LONGEST_KEY = 32;

/** The request behind a reaction's key; undefined for all other keys. Skin tones and variants count alike. */
export function wishOf(key: string): Wish | undefined {
  const plain = plainOf(key);
  return (Object.keys(WISHES) as Wish[]).find((wish) => WISHES[wish].includes(plain));
}

/** Whether a reaction to a request for consent agrees or refuses; undefined: neither. */
export function decisionOf(key: string): boolean | undefined {
  const plain = plainOf(key);
  if (AGREES.includes(plain)) return true;
  return DECLINES.includes(plain) ? false : undefined;
}

function plainOf(key: string): string {
  return key.length > LONGEST_KEY ? "" : key.replace(/\p{Emoji_Modifier}|\p{Variation_Selector}|\s/gu, "");
}
