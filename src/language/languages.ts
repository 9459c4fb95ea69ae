import { english } from "./english.ts";
import { german } from "./german.ts";
import { pageEnglish } from "./page-english.ts";
import { pageGerman } from "./page-german.ts";
import type { PageWords, Words } from "./words.ts";

/** The languages that notices and help are written in, by ISO 639-1. */
const WORDS = { en: english, de: german } as const satisfies Readonly<Record<string, Words>>;

/** The code of a language that notices and help are written in. */
export type Language = keyof typeof WORDS;

/** All of them. */
export const LANGUAGES = Object.keys(WORDS) as readonly Language[];

/** The language where nothing decides otherwise. */
export const DEFAULT_LANGUAGE: Language = "en";

/** The bridge's phrases in a language. */
export function wordsIn(language: Language): Words {
  return WORDS[language];
}

const PAGE_WORDS: Readonly<Record<Language, PageWords>> = { en: pageEnglish, de: pageGerman };

/** The words of the page for whoever runs the bridge, in a language. */
export function pageWordsIn(language: Language): PageWords {
  return PAGE_WORDS[language];
}
