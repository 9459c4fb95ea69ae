/** The tokens of a message besides its text: its role and the template's marks around it. */
export const MESSAGE_OVERHEAD_TOKENS = 8;

/**
 * An upper estimate of the tokens a model makes of `text`, without its tokenizer. It keeps a conversation inside a
 * context window: an overestimate cuts the oldest message, and an underestimate silently loses the beginning of the
 * prompt.
 *
 * - Three small ASCII letters or blanks are a token (English has four and more, other languages fewer), and one and a
 *   half capitals, which split words: acronyms, identifiers, base64.
 * - Any other ASCII character is one: digits, punctuation, line feeds, as in code.
 * - Any other character costs its bytes in UTF-8 less one: 1 for Cyrillic, Greek, Arabic or an accented letter, 2 for
 *   Chinese, Japanese, Korean, Thai or Devanagari, 3 for an emoji. A tokenizer that does not know it spends a token a
 *   byte.
 */
export function estimateTokens(text: string): number {
  let thirds = 0;
  for (let i = 0; i < text.length; i++) {
    thirds += thirdsOf(text.charCodeAt(i));
  }
  return Math.ceil(thirds / 3);
}

/** Thirds of a token for one UTF-16 code unit; the two of a pair make three tokens together. */
function thirdsOf(unit: number): number {
  if (unit >= 0x80) {
    if (unit < 0x800) return 3;
    return unit >= 0xd800 && unit < 0xe000 ? 4.5 : 6;
  }
  if ((unit >= 0x61 && unit <= 0x7a) || unit === 0x20) return 1;
  return unit >= 0x41 && unit <= 0x5a ? 2 : 3;
}
