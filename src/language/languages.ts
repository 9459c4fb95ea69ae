/** The languages that notices and help are written in, by ISO 639-1. */
export const LANGUAGES = ["en", "de"] as const;
export type Language = (typeof LANGUAGES)[number];

/** Where nothing says otherwise. */
export const DEFAULT_LANGUAGE: Language = "en";
