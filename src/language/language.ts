import { detectAll } from "tinyld/light";
import { english } from "./english.ts";
import { german } from "./german.ts";
import type { Words } from "./words.ts";

/** The languages that notices and help are written in, by ISO 639-1. */
export const LANGUAGES = ["en", "de"] as const;
export type Language = (typeof LANGUAGES)[number];

const WORDS: Readonly<Record<Language, Words>> = { en: english, de: german };

/** Where nothing says otherwise. */
export const DEFAULT_LANGUAGE: Language = "en";

/** What is looked at of what people said, in characters. */
const LONGEST_SAMPLE = 1_000;

/** What the bridge says in a language. */
export function wordsIn(language: Language): Words {
  return WORDS[language];
}

/**
 * The language that people speak, by what they said; undefined when it is none of ours, or too little to tell. Code and
 * addresses say nothing.
 */
export function spokenLanguage(said: readonly string[]): Language | undefined {
  const sample = said
    .join("\n")
    .replace(/```[\s\S]*?(?:```|$)|`[^`]*`|\S+:\S+/g, " ")
    .slice(0, LONGEST_SAMPLE);
  const likeliest = detectAll(sample)[0]?.lang;
  return LANGUAGES.find((language) => language === likeliest);
}
