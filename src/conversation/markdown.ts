import MarkdownItParser, { type MarkdownIt, type StateCore, type StateInline, type Token } from "markdown-it";

import { cleanText } from "./clean-text.ts";
import { maths } from "./maths.ts";
import { isAllowedLink, sanitiseHtml } from "./matrix-html.ts";

/** An answer as a message's `body` and, under the format `org.matrix.custom.html`, its `formatted_body`. */
export interface RenderedText {
  readonly body: string;
  /** Left out when it would say no more than the body. */
  readonly formattedBody?: string;
}

/**
 * Renders a model's markdown for a Matrix message. The body is the source, cleaned; the formatted body is the subset of
 * HTML of the client-server API. Takes time linear in the length of `source`; throws nothing, whatever it is given.
 *
 * Nothing in it acts by itself: HTML in the source is text (but `<br>`, which models write in tables); an image is a
 * link to it, since showing it would tell its server who reads; links to Matrix users are text, links of other schemes
 * than the specification's too, and `@room` rings for nobody. Whom a message mentions is said in `m.mentions` alone.
 */
export function renderMarkdown(source: string): RenderedText {
  const body = cleanText(source)
    .replace(/^(?:[ \t]*\n)+/, "")
    .trimEnd();
  // Cleaned again, for what stood in the source as entities (`&#64;room`).
  const formattedBody = cleanText(sanitiseHtml(parser.render(body))).trimEnd();
  return saysNoMore(formattedBody, body) ? { body } : { body, formattedBody };
}

const parser = createParser();

function createParser(): MarkdownIt {
  // Line feeds stay line feeds, as they do in the body.
  const md = new MarkdownItParser({ html: false, linkify: true, breaks: true });
  // Words with a dot are files and code more often than addresses (`main.rs`, `README.md`).
  md.linkify.set({ fuzzyLink: false, fuzzyEmail: false }).add("//", null);
  md.use(maths);
  md.inline.ruler.before("html_inline", "br", lineBreak);
  md.core.ruler.push("links", (state) => replaceLinks(state));
  return md;
}

function lineBreak(state: StateInline, silent: boolean): boolean {
  const found = /^<br *\/?>/i.exec(state.src.slice(state.pos, state.pos + 10));
  if (found === null) return false;
  if (!silent) state.push("hardbreak", "br", 0);
  state.pos += found[0].length;
  return true;
}

/** Makes links of images, and text of links that are not allowed. */
function replaceLinks(state: StateCore): void {
  for (const token of state.tokens) {
    if (token.children !== null) token.children = replaceLinksIn(token.children, state);
  }
}

function replaceLinksIn(tokens: readonly Token[], state: StateCore): Token[] {
  const result: Token[] = [];
  // Links do not nest, but an unlinked one's end must go with its beginning.
  let link: "none" | "kept" | "dropped" = "none";
  for (const token of tokens) {
    if (token.type === "link_open") {
      link = isAllowedLink(String(token.attrGet("href"))) ? "kept" : "dropped";
      if (link === "kept") result.push(token);
    } else if (token.type === "link_close") {
      if (link === "kept") result.push(token);
      link = "none";
    } else if (token.type === "image") {
      result.push(...replaceImage(token, state, link === "kept"));
    } else {
      result.push(token);
    }
  }
  return result;
}

function replaceImage(image: Token, state: StateCore, linked: boolean): Token[] {
  const href = String(image.attrGet("src"));
  const text = new state.Token("text", "", 0);
  const { options, renderer } = state.md;
  text.content = renderer.renderInlineAsText(image.children ?? [], options, state.env) || href;
  if (linked || !isAllowedLink(href)) return [text];
  const open = new state.Token("link_open", "a", 1);
  open.attrSet("href", href);
  return [open, text, new state.Token("link_close", "a", -1)];
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
