import { html, type Html } from "../html.ts";
import type { Visit } from "../visit.ts";

/** A part of a long list. */
export interface Page<T> {
  readonly shown: readonly T[];
  /** The number of all. */
  readonly all: number;
  /** From 1. */
  readonly number: number;
  readonly pages: number;
}

/** The page's number in an address, from 1; 1 where it is no number or too large. */
function pageNumber(query: URLSearchParams, pages: number): number {
  const asked = query.get("page") ?? "";
  const given = /^[1-9]\d{0,6}$/.test(asked) ? Number(asked) : 1;
  return given > pages ? 1 : given;
}

/** The asked part of a list. */
export function pageOf<T>(list: readonly T[], size: number, query: URLSearchParams): Page<T> {
  const pages = Math.max(1, Math.ceil(list.length / size));
  const number = pageNumber(query, pages);
  return { shown: list.slice((number - 1) * size, number * size), all: list.length, number, pages };
}

/** The links to the pages before and after; nothing where there is only one. */
export function pageLinks({ number, pages }: Pick<Page<unknown>, "number" | "pages">, visit: Visit): Html | undefined {
  if (pages === 1) return undefined;
  const { before, after, of } = visit.words.paging;
  const link = (to: number, text: string, rel: string): Html => {
    const query = new URLSearchParams(visit.query);
    query.set("page", String(to));
    query.delete("said");
    return html`<a class="button" rel="${rel}" href="${visit.base}${visit.path}?${query.toString()}">${text}</a>`;
  };
  return html`<nav class="pages" aria-label="${of(number, pages)}">
    ${number > 1 ? link(number - 1, before, "prev") : html`<span></span>`}
    <span class="soft">${of(number, pages)}</span>
    ${number < pages ? link(number + 1, after, "next") : html`<span></span>`}
  </nav>`;
}
