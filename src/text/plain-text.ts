import type { Token } from "markdown-it";

import { isTask } from "./task-lists.ts";
import { readableMaths } from "./maths-text.ts";

/** Deeper levels of quotes and lists are not indented further: a line stays readable, and the text in proportion. */
const MAX_INDENTED = 8;

/**
 * The text of parsed markdown for clients without formatting: in notifications, previews, terminals. Lists have bullets
 * or numbers, quotes a `>`, code is indented, links are followed by their address. Marks of emphasis and headings are
 * dropped, but `~~` stays, because without it the text would mean the opposite. Takes time linear in the tokens.
 */
export function plainText(tokens: readonly Token[]): string {
  const page = new Page();
  let row: string[] | undefined;
  for (const token of tokens) {
    switch (token.type) {
      case "bullet_list_open":
        page.open({ kind: "list", number: undefined });
        break;
      case "ordered_list_open":
        page.open({ kind: "list", number: Number(token.attrGet("start") ?? 1) });
        break;
      case "list_item_open":
        page.openItem(isTask(token));
        break;
      case "blockquote_open":
        page.open({ kind: "quote" });
        break;
      case "bullet_list_close":
      case "ordered_list_close":
      case "list_item_close":
      case "blockquote_close":
        page.close();
        break;
      case "paragraph_open":
        page.block({ tight: token.hidden });
        break;
      case "heading_open":
      case "table_open":
        page.block();
        break;
      case "tr_open":
        row = [];
        break;
      case "tr_close":
        while (row?.at(-1) === "") row.pop();
        page.write((row ?? []).join(" | "));
        row = undefined;
        break;
      case "inline":
        if (row === undefined) page.write(inlineText(token));
        else row.push(inlineText(token).replace(/\n/g, " / "));
        break;
      case "fence":
      case "code_block":
        page.block();
        page.write(token.content.replace(/\n$/, "").replace(/^/gm, "    "));
        break;
      case "maths_block":
        page.block();
        page.write(readableMaths(token.content));
        break;
      case "hr":
        page.block();
        page.write("———");
        break;
      default:
    }
  }
  return page.text();
}

function inlineText({ children }: Token): string {
  let text = "";
  let link: { readonly href: string; readonly start: number } | undefined;
  for (const token of children ?? []) {
    switch (token.type) {
      case "softbreak":
      case "hardbreak":
        text += "\n";
        break;
      case "s_open":
      case "s_close":
        text += "~~";
        break;
      case "maths":
        text += readableMaths(token.content);
        break;
      case "link_open":
        if (token.info !== "auto") link = { href: String(token.attrGet("href")), start: text.length };
        break;
      case "link_close":
        if (link !== undefined) text += addressAfter(text.slice(link.start), link.href);
        link = undefined;
        break;
      default:
        text += token.content;
    }
  }
  return text;
}

/** The address of a link, where its words differ from it. */
function addressAfter(words: string, href: string): string {
  const address = href.replace(/^mailto:/, "");
  return words === address || words === href ? "" : ` (${address})`;
}

/** The block around a text: a quote, a list, one of its items. */
type Surrounding =
  | { readonly kind: "quote" }
  | { readonly kind: "list"; number: number | undefined }
  | { readonly kind: "item"; marker: string | undefined; readonly indent: string };

/** Lines with the prefixes of their surroundings. */
class Page {
  readonly #lines: string[] = [];
  readonly #around: Surrounding[] = [];
  /** For each surrounding and the page: whether it is still empty, and whether its blocks follow without a gap. */
  readonly #state: { isEmpty: boolean; isTight: boolean }[] = [{ isEmpty: true, isTight: false }];

  text(): string {
    return this.#lines.join("\n");
  }

  /** Begins a block: after a blank line, unless it is the first block or in a tight list. */
  block({ tight }: { readonly tight?: boolean } = {}): void {
    const list = this.#state.at(-2);
    const inner = this.#inner;
    if (tight !== undefined && list !== undefined && this.#around.at(-1)?.kind === "item") {
      list.isTight = tight;
      inner.isTight = tight;
    }
    if (!inner.isEmpty && !inner.isTight) this.#line("");
    inner.isEmpty = false;
  }

  open(surrounding: Surrounding): void {
    this.block();
    this.#around.push(surrounding);
    this.#state.push({ isEmpty: true, isTight: surrounding.kind === "list" });
  }

  /** @param withoutBullet where the item's own words begin with a sign. */
  openItem(withoutBullet: boolean): void {
    const list = this.#around.at(-1);
    const number = list?.kind === "list" ? list.number : undefined;
    if (list?.kind === "list" && number !== undefined) list.number = number + 1;
    const bullet = withoutBullet ? "" : "• ";
    const marker = number === undefined ? bullet : `${number}. `;
    const isTight = this.#inner.isTight;
    this.open({ kind: "item", marker, indent: " ".repeat(number === undefined ? 2 : marker.length) });
    this.#inner.isTight = isTight;
  }

  close(): void {
    const around = this.#around.at(-1);
    if (around?.kind === "item" && this.#inner.isEmpty) this.write("");
    this.#around.pop();
    this.#state.pop();
  }

  write(text: string): void {
    for (const line of text.split("\n")) this.#line(line);
  }

  get #inner(): { isEmpty: boolean; isTight: boolean } {
    return this.#state.at(-1) ?? { isEmpty: true, isTight: false };
  }

  #line(text: string): void {
    let prefix = "";
    for (const [depth, around] of this.#around.entries()) {
      if (around.kind === "item" && around.marker !== undefined) {
        prefix += around.marker;
        around.marker = undefined;
      } else if (depth < MAX_INDENTED * 2) {
        prefix += around.kind === "quote" ? "> " : around.kind === "item" ? around.indent : "";
      }
    }
    this.#lines.push((prefix + text).trimEnd());
  }
}
