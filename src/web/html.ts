import { html as template, type raw } from "hono/html";

/** A piece of HTML, in which every text from outside is escaped. */
export type Html = ReturnType<typeof raw>;

/** The things that a piece of HTML may hold. Texts are escaped; `undefined` and `false` are nothing. */
export type Child = string | number | Html | undefined | false | readonly Child[];

/** Makes a piece of HTML of a template. */
export function html(parts: TemplateStringsArray, ...children: readonly Child[]): Html {
  const made = template(parts, ...children);
  if (made instanceof Promise) throw new TypeError("a page waits for a part of itself");
  return made;
}
