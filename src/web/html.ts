import { html as template, type raw } from "hono/html";

/** A piece of HTML, in which every text from outside is escaped. */
export type Html = ReturnType<typeof raw>;

/** The things that a piece of HTML may hold. Texts are escaped; `undefined` and `false` are nothing. */
export type Child = string | number | Html | undefined | false | readonly Child[];

/** Makes a piece of HTML of a template. Texts lose what would change the direction or the place of their surroundings. */
export function html(parts: TemplateStringsArray, ...children: readonly Child[]): Html {
  const made = template(parts, ...children.map(shown));
  if (made instanceof Promise) throw new TypeError("a page waits for a part of itself");
  return made;
}

/** Control characters, overrides of direction, and lone surrogates. */
const UNSHOWN = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

function shown(child: Child): Child {
  // Pieces of HTML are objects.
  if (typeof child === "string") return child.toWellFormed().replace(UNSHOWN, " ");
  return Array.isArray(child) ? (child as readonly Child[]).map(shown) : child;
}
