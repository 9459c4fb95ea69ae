import cjkFriendly from "markdown-it-cjk-friendly";
import MarkdownItParser, { type MarkdownIt, type StateCore, type StateInline, type Token } from "markdown-it";

import { cleanText } from "./clean-text.ts";
import { boundedTables } from "./bounded-tables.ts";
import { maths } from "./maths.ts";
import { isAllowedLink, sanitiseHtml } from "./matrix-html.ts";
import { plainText } from "./plain-text.ts";
import { withLongerFences } from "./nested-fences.ts";
import { taskLists } from "./task-lists.ts";

/** An answer as a message's `body` and, under the format `org.matrix.custom.html`, its `formatted_body`. */
export interface RenderedText {
  /** Plain text, as notifications and previews show it; empty only where there is no text at all. */
  readonly body: string;
  /** Left out when it would add nothing to the body. */
  readonly formattedBody?: string;
}

/** The longest text that is rendered at once, in characters; a longer answer is sent in parts (split.ts). */
export const LONGEST_RENDERED = 20_000;

/**
 * Renders a model's markdown for a Matrix message. The body has the same words in plain text; the formatted body is the
 * client-server API's subset of HTML. Text beyond {@link LONGEST_RENDERED} is cut. It never throws.
 *
 * Nothing in the result acts by itself: HTML in the source becomes text (except `<br>`, which models write in tables);
 * an image becomes a link, because showing it would tell its server who reads; links to Matrix users, and links of
 * schemes outside the specification, become text; and `@room` notifies nobody. Only `m.mentions` mentions users.
 */
export function renderMarkdown(source: string): RenderedText {
  const text = withLongerFences(cleanText(source.slice(0, LONGEST_RENDERED)))
    .replace(/^(?:[ \t]*\n)+/, "")
    .trimEnd();
  const env = {};
  const tokens = parser.parse(text, env);
  // Cleaned again, because the source may hold entities (`&#64;room`).
  const formattedBody = cleanText(sanitiseHtml(parser.renderer.render(tokens, parser.options, env))).trimEnd();
  // Unformatted text keeps its layout.
  if (saysNoMore(formattedBody, text)) return { body: text };
  const body = cleanText(plainText(tokens)).trimEnd();
  // Only definitions of links, or an empty block of code: marks without any content.
  if (body.trim() === "") return { body: text };
  return saysNoMore(formattedBody, body) ? { body } : { body, formattedBody };
}

const parser = createParser();

function createParser(): MarkdownIt {
  // Line feeds stay line feeds, as in the body.
  const md = new MarkdownItParser({ html: false, linkify: true, breaks: true });
  // Words with a dot are more often files and code than addresses (`main.rs`, `README.md`).
  md.linkify.set({ fuzzyLink: false, fuzzyEmail: false }).add("//", null);
  // In languages without spaces, CommonMark's rules would leave `**「重要」**な` as written.
  md.use(cjkFriendly);
  md.use(maths);
  md.use(boundedTables);
  md.renderer.rules["s_open"] = () => "<del>";
  md.renderer.rules["s_close"] = () => "</del>";
  md.inline.ruler.before("html_inline", "br", lineBreak);
  md.core.ruler.push("links", (state) => replaceLinks(state));
  md.use(taskLists);
  return md;
}

function lineBreak(state: StateInline, silent: boolean): boolean {
  const found = /^<br *\/?>/i.exec(state.src.slice(state.pos, state.pos + 10));
  if (found === null) return false;
  if (!silent) state.push("hardbreak", "br", 0);
  state.pos += found[0].length;
  return true;
}

/**
 * The most length of addresses in the result, as a multiple of the text's length: a definition is written once and may
 * be used often.
 */
const ADDRESS_CHARS_PER_CHAR = 10;

/** Turns images into links, and forbidden links into text. */
function replaceLinks(state: StateCore): void {
  let charsLeft = ADDRESS_CHARS_PER_CHAR * state.src.length;
  const mayStand = (href: string): boolean => {
    charsLeft -= href.length;
    return charsLeft >= 0 && isAllowedLink(href);
  };
  for (const token of state.tokens) {
    if (token.children !== null) token.children = replaceLinksIn(token.children, state, mayStand);
  }
}

function replaceLinksIn(tokens: readonly Token[], state: StateCore, mayStand: (href: string) => boolean): Token[] {
  const result: Token[] = [];
  // Links do not nest, but an unlinked one's end must go with its beginning.
  let link: "none" | "kept" | "dropped" = "none";
  for (const token of tokens) {
    if (token.type === "link_open") {
      const href = String(token.attrGet("href"));
      link = mayStand(href) ? "kept" : "dropped";
      // Without its title, which would be repeated at each use of a definition, and which no client shows.
      token.attrs = [["href", href]];
      if (link === "kept") result.push(token);
    } else if (token.type === "link_close") {
      // A link without words shows its address, because it would be invisible otherwise.
      if (link === "kept" && result.at(-1)?.type === "link_open") {
        const address = new state.Token("text", "", 0);
        address.content = shortened(String(result.at(-1)?.attrGet("href")));
        result.push(address);
      }
      if (link === "kept") result.push(token);
      link = "none";
    } else if (token.type === "image") {
      result.push(...replaceImage(token, state, link === "kept" ? () => false : mayStand));
    } else {
      result.push(token);
    }
  }
  return result;
}

/** An image as a link to it; as text where that is forbidden. */
function replaceImage(image: Token, state: StateCore, mayStand: (href: string) => boolean): Token[] {
  const href = String(image.attrGet("src"));
  const text = new state.Token("text", "", 0);
  const { options, renderer } = state.md;
  const words = renderer.renderInlineAsText(image.children ?? [], options, state.env);
  text.content = words === "" ? shortened(href) : words;
  if (!mayStand(href)) return [text];
  const open = new state.Token("link_open", "a", 1);
  open.attrSet("href", href);
  return [open, text, new state.Token("link_close", "a", -1)];
}

/** Shortens an address that holds the whole picture (`data:`). */
function shortened(href: string): string {
  return href.length > LONGEST_SHOWN_HREF ? `${href.slice(0, LONGEST_SHOWN_HREF)}…` : href;
}

const LONGEST_SHOWN_HREF = 300;

/** Plain text as markdown that shows it, with any characters. */
export function escapeMarkdown(text: string): string {
  // Not `\\[`, which starts maths.
  return text
    .replace(/[\\`*_~<>&$#|:]/g, "\\$&")
    .replaceAll("[", "&#91;")
    .replaceAll("]", "&#93;");
}

/**
 * Whether `html` consists of paragraphs with exactly the text of `body`, and links only addresses that clients link
 * anyway.
 */
function saysNoMore(html: string, body: string): boolean {
  const bare = html.replace(/<a href="([^"]*)">\1<\/a>/g, "$1").replace(/<p>|<\/p>|<br \/>/g, " ");
  if (bare.includes("<")) return false;
  return collapse(bare.replace(/&(?:lt|gt|quot|amp);/g, (entity) => ENTITIES[entity] ?? entity)) === collapse(body);
}

const ENTITIES: Readonly<Record<string, string>> = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&amp;": "&" };

function collapse(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
