/** The languages that notices and help are written in, by ISO 639-1. */
export const LANGUAGES = ["en", "de"] as const;
export type Language = (typeof LANGUAGES)[number];

/** The language where nothing decides otherwise. */
export const DEFAULT_LANGUAGE: Language = "en";
