/**
 * Text that may be sent in a message: without control characters (line feeds and tabs stay), direction overrides and
 * lone surrogates, and without anything that a client takes for a mention. It stays readable:
 *
 * - the address of a Matrix user, which clients draw as a mention, becomes the user's id;
 * - `@room` gets an invisible joiner after its `@`. `m.mentions` already makes it harmless in today's clients; this is
 *   for those that still search the text.
 *
 * A bare user id stays: clients may link it, but it notifies nobody.
 */
export function cleanText(text: string): string {
  return text
    .toWellFormed()
    .replace(/\r\n?/g, "\n")
    .replace(CONTROLS, "")
    .replace(USER_LINKS, (link, id: string) => decodeUserId(id) ?? link)
    .replace(/@(?=room(?![\p{L}\p{N}_]))/giu, "@\u2060");
}

/** Control characters except tab and line feed; embeddings, overrides and isolates of direction. */
const CONTROLS = /(?![\t\n])[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/** `https://matrix.to/#/@alice:example.org`, with anything that may follow the id. Ids have at most 255 bytes. */
const USER_LINKS =
  /https?:\/\/(?:www\.)?matrix\.to\/#\/((?:@|%40)[^\s/?<>()[\]"'`]{1,765})(?:\/?\?[\w.=&%:-]{0,200})?/gi;

function decodeUserId(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}
