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
  /** Left out when it would say no more than the body. */
  readonly formattedBody?: string;
}

/** The longest text that is rendered at once, in characters; a longer answer is said in parts (split.ts). */
export const LONGEST_RENDERED = 20_000;

/**
 * Renders a model's markdown for a Matrix message. The body says the same in plain text; the formatted body is the subset
 * of HTML of the client-server API. What is longer than {@link LONGEST_RENDERED} is cut; throws nothing, whatever it is given.
 *
 * Nothing in it acts by itself: HTML in the source is text (but `<br>`, which models write in tables); an image is a
 * link to it, since showing it would tell its server who reads; links to Matrix users are text, links of other schemes
 * than the specification's too, and `@room` rings for nobody. Whom a message mentions is said in `m.mentions` alone.
 */
export function renderMarkdown(source: string): RenderedText {
  const text = withLongerFences(cleanText(source.slice(0, LONGEST_RENDERED)))
    .replace(/^(?:[ \t]*\n)+/, "")
    .trimEnd();
  const env = {};
  const tokens = parser.parse(text, env);
  // It is cleaned again, because the source may hold entities (`&#64;room`).
  const formattedBody = cleanText(sanitiseHtml(parser.renderer.render(tokens, parser.options, env))).trimEnd();
  // Where it is not formatted at all, it stays as it was laid out.
  if (saysNoMore(formattedBody, text)) return { body: text };
  const body = cleanText(plainText(tokens)).trimEnd();
  // Definitions of links alone, an empty block of code: marks, and nothing that they mark.
  if (body.trim() === "") return { body: text };
  return saysNoMore(formattedBody, body) ? { body } : { body, formattedBody };
}

const parser = createParser();

function createParser(): MarkdownIt {
  // Line feeds stay line feeds, as they do in the body.
  const md = new MarkdownItParser({ html: false, linkify: true, breaks: true });
  // Words with a dot are files and code more often than addresses (`main.rs`, `README.md`).
  md.linkify.set({ fuzzyLink: false, fuzzyEmail: false }).add("//", null);
  // Where words have no spaces between them, CommonMark's rules leave `**「重要」**な` as it is written.
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
 * Addresses take up at most this many times the length of the text: a definition is written once and can be used many
 * times.
 */
const ADDRESS_CHARS_PER_CHAR = 10;

/** Makes links of images, and text of links that are not allowed. */
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
      // Without its title, which would be repeated with each use of a definition, and which no client gets to see.
      token.attrs = [["href", href]];
      if (link === "kept") result.push(token);
    } else if (token.type === "link_close") {
      // A link without words shows its address, or nobody could see it.
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

/** An image as a link to it; as text where that may not stand. */
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

/** A picture that stands in its own address (`data:`) is nothing to read. */
function shortened(href: string): string {
  return href.length > LONGEST_SHOWN_HREF ? `${href.slice(0, LONGEST_SHOWN_HREF)}…` : href;
}

const LONGEST_SHOWN_HREF = 300;

/** Plain text as markdown that shows it, whatever characters it holds. */
export function escapeMarkdown(text: string): string {
  // Not `\\[`, with which maths begins.
  return text
    .replace(/[\\`*_~<>&$#|:]/g, "\\$&")
    .replaceAll("[", "&#91;")
    .replaceAll("]", "&#93;");
}

/** Whether `html` is paragraphs of the very text of `body`, with addresses linked that clients link by themselves. */
function saysNoMore(html: string, body: string): boolean {
  const bare = html.replace(/<a href="([^"]*)">\1<\/a>/g, "$1").replace(/<p>|<\/p>|<br \/>/g, " ");
  if (bare.includes("<")) return false;
  return collapse(bare.replace(/&(?:lt|gt|quot|amp);/g, (entity) => ENTITIES[entity] ?? entity)) === collapse(body);
}

const ENTITIES: Readonly<Record<string, string>> = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&amp;": "&" };

function collapse(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
