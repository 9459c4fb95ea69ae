import { detectAll } from "tinyld/light";
import { english } from "./english.ts";
import { german } from "./german.ts";
import { LANGUAGES, type Language } from "./languages.ts";
import type { Words } from "./words.ts";

const WORDS: Readonly<Record<Language, Words>> = { en: english, de: german };

/** What is looked at of what people said, of each message and of all of it, in characters. */
const LONGEST_SAMPLE = 1_000;

/** So sure has a guess to be, from 0 to 1, to come before the common words, and of so many different words it is one at all. */
const SURE = 0.9;
const ENOUGH_WORDS = 6;

/** Of so many different words a guess counts, though none of them is common. */
const MANY_WORDS = 12;

/** What the bridge says in a language. */
export function wordsIn(language: Language): Words {
  return WORDS[language];
}

/**
 * The language that people speak, by what they said; undefined when it is none of ours, or too little to tell: a few words
 * tell only by those that are common in one of ours and not in the other. Code and addresses say nothing.
 */
export function spokenLanguage(said: readonly string[]): Language | undefined {
  const sample = said
    .map((text) => text.slice(0, LONGEST_SAMPLE))
    .join("\n")
    .replace(/```[\s\S]*?(?:```|$)|`[^`]*`|\S+:\S+/g, " ")
    .slice(0, LONGEST_SAMPLE);
  // What is quoted is another's, and what is to be translated stands behind a colon.
  const own = sample.replace(QUOTED, " ");
  const [, order = ""] = /^([^:\n]{2,200}):/.exec(own) ?? [];
  return languageOf(order) ?? languageOf(own) ?? languageOf(sample);
}

/** Quotation marks of several kinds, with what is in them; and lines that begin with `>`. */
const QUOTED = /„[^“”\n]{0,1000}[“”]|“[^”\n]{0,1000}”|"[^"\n]{0,1000}"|»[^«\n]{0,1000}«|«[^»\n]{0,1000}»|^>.*$/gm;

function languageOf(sample: string): Language | undefined {
  const words = new Set(
    sample
      .toLowerCase()
      .match(/[\p{L}\p{M}'’]+/gu)
      ?.map((word) => word.replace("’", "'")),
  );
  const isEnough = words.size >= ENOUGH_WORDS;
  const [likeliest] = detectAll(sample);
  const heard = LANGUAGES.map((language) => ({ language, weight: weightOf(words, language) }));
  const [most, next] = heard.sort((a, b) => b.weight - a.weight);
  const guessed = LANGUAGES.find((language) => language === likeliest?.lang);
  // A guess is none against the words themselves, and short messages in a row look like anything.
  const own = guessed === undefined ? 0 : weightOf(words, guessed);
  const isDoubtful = guessed !== undefined && (own < (most?.weight ?? 0) || (own < TELLING && words.size < MANY_WORDS));
  const guess = isDoubtful ? undefined : guessed;
  const isSure = words.size > 1 && (likeliest?.accuracy ?? 0) >= SURE;
  // Of few words a guess is good enough to doubt those that are common, and no more.
  if (isSure && !isDoubtful && (isEnough || guess === undefined)) return guess;
  // Many words are in both, here and there one is a name.
  if (most !== undefined && most.weight >= TELLING && most.weight > 2 * (next?.weight ?? 0)) return most.language;
  return isEnough ? guess : undefined;
}

/** So much the words of a language weigh that tell it: one that is of that language alone, or two that are not. */
const TELLING = 2;

function weightOf(words: ReadonlySet<string>, language: Language): number {
  const { commonWords, ambiguousWords } = wordsIn(language);
  let weight = 0;
  for (const word of words) {
    if (commonWords.has(word)) weight += ambiguousWords.has(word) ? 1 : TELLING;
  }
  return weight;
}
