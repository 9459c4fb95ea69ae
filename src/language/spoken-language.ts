import { detectAll } from "tinyld/light";
import { LANGUAGES, wordsIn, type Language } from "./languages.ts";

/** The part of people's messages that is examined, of each message and of all, in characters. */
const LONGEST_SAMPLE = 1_000;

/** The certainty (0 to 1) and the number of distinct words that a guess needs before it outranks the common words. */
const SURE = 0.9;
const ENOUGH_WORDS = 6;

/** A guess from this many distinct words counts even if none of them is common. */
const MANY_WORDS = 12;

/**
 * The language that people write; undefined when it is none of ours or unclear. A few words decide only if they are
 * common in one of our languages and not in the other. Code and addresses do not count.
 */
export function spokenLanguage(said: readonly string[]): Language | undefined {
  const sample = said
    .map((text) => text.slice(0, LONGEST_SAMPLE))
    .join("\n")
    .replace(/```[\s\S]*?(?:```|$)|`[^`]*`|\S+:\S+/g, " ")
    .slice(0, LONGEST_SAMPLE);
  // A quotation is another person's, and a text to be translated stands behind a colon.
  const own = sample.replace(QUOTED, " ");
  const [, order = ""] = /^([^:\n]{2,200}):/.exec(own) ?? [];
  // Without quotations, the second is the whole sample already.
  return languageOf(order) ?? languageOf(own) ?? (own === sample ? undefined : languageOf(sample));
}

/** Quotations in several kinds of quotation marks, and lines that begin with `>`. */
const QUOTED = /„[^“”\n]{0,1000}[“”]|“[^”\n]{0,1000}”|"[^"\n]{0,1000}"|»[^«\n]{0,1000}«|«[^»\n]{0,1000}»|^>.*$/gm;

function languageOf(sample: string): Language | undefined {
  const words = new Set(
    sample
      .toLowerCase()
      .match(/[\p{L}\p{M}'’]+/gu)
      ?.map((word) => word.replace("’", "'")),
  );
  if (words.size === 0) return undefined;
  const isEnough = words.size >= ENOUGH_WORDS;
  const [likeliest] = detectAll(sample);
  const heard = LANGUAGES.map((language) => ({ language, weight: weightOf(words, language) }));
  const [most, next] = heard.sort((a, b) => b.weight - a.weight);
  const guessed = LANGUAGES.find((language) => language === likeliest?.lang);
  // A guess does not count against the words themselves; and short messages in a row look like any language.
  const own = guessed === undefined ? 0 : weightOf(words, guessed);
  const isDoubtful = guessed !== undefined && (own < (most?.weight ?? 0) || (own < TELLING && words.size < MANY_WORDS));
  const guess = isDoubtful ? undefined : guessed;
  const isSure = words.size > 1 && (likeliest?.accuracy ?? 0) >= SURE;
  // A guess from few words can only cast doubt on the common words.
  if (isSure && !isDoubtful && (isEnough || guess === undefined)) return guess;
  // Many words exist in both languages, and some are names.
  if (most !== undefined && most.weight >= TELLING && most.weight > 2 * (next?.weight ?? 0)) return most.language;
  return isEnough ? guess : undefined;
}

/** The weight of words that decide on a language: one word of that language alone, or two shared ones. */
const TELLING = 2;

function weightOf(words: ReadonlySet<string>, language: Language): number {
  const { commonWords, ambiguousWords } = wordsIn(language);
  let weight = 0;
  for (const word of words) {
    if (commonWords.has(word)) weight += ambiguousWords.has(word) ? 1 : TELLING;
  }
  return weight;
}
