import type { GhostMessage } from "../ghost/received.ts";
import type { Words } from "../language/words.ts";

/** The answer to somebody who wants to sign in to the page for whoever runs the bridge. */
export type PageLink =
  /** Good once, for some minutes. */
  | { readonly kind: "link"; readonly link: string; readonly minutes: number }
  /** There is no page. */
  | { readonly kind: "off" }
  /** This person may not see it. */
  | { readonly kind: "not yours" };

/** Makes links by which people sign in to the page. */
export interface PageLinks {
  /** Makes a link for a user, and records that in the audit log. Throws DatabaseError. */
  linkFor(userId: string): Promise<PageLink>;
}

/** Whether a message to the bot asks for the page. */
export function asksForPage(text: string): boolean {
  return /^\s*!?web\s*$/i.test(text);
}

/**
 * Answers somebody who asks the bot for the page. The link is a key to the bridge: only encrypted, and to nobody besides. Throws
 * DatabaseError.
 */
export async function answerWithLink(
  links: PageLinks,
  { sender, encrypted, direct }: Pick<GhostMessage, "sender" | "encrypted" | "direct">,
  { web }: Words,
): Promise<string> {
  if (!encrypted || !direct) return web.onlyPrivately;
  const made = await links.linkFor(sender);
  switch (made.kind) {
    case "link":
      return web.link(made.link, made.minutes);
    case "off":
      return web.off;
    case "not yours":
      return web.notYours;
  }
}
