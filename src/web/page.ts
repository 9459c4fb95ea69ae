import type { Language } from "../language/languages.ts";
import type { PageWords } from "../language/words.ts";
import { LANGUAGES, pageWordsIn } from "../language/languages.ts";
import type { AssetLinks } from "./assets.ts";
import { html, type Html } from "./html.ts";
import { formTokenOf } from "./sign-in/form-token.ts";
import type { ViewName } from "./views/view-names.ts";
import { VIEW_NAMES, viewPath } from "./views/view-names.ts";
import type { Visit } from "./visit.ts";

/** The surroundings of a page that needs no session. */
export interface Frame {
  readonly language: Language;
  readonly words: PageWords;
  readonly base: string;
  readonly assets: AssetLinks;
}

/** A page of a view. */
export function viewPage(frame: Frame, visit: Visit, view: ViewName, content: Html): Html {
  const { words, base } = frame;
  // To verify the whole audit log takes long, and is done when somebody asks for it.
  const isLive = !visit.query.has("verify");
  const live = `${base}/live${visit.path}${visit.query.size === 0 ? "" : `?${visit.query.toString()}`}`;
  return document(frame, words.views[view].title, undefined, [
    html`<a class="skip" href="#content">${words.skip}</a>
      <header class="top">
        <a class="name" href="${base}/">${words.name}</a>
        <nav aria-label="${words.navigation}">
          <ul>
            ${VIEW_NAMES.map((name) => navigationLink(words, base, name, view))}
          </ul>
        </nav>
        <form class="who" method="post" action="${base}/sign-out">
          <input type="hidden" name="token" value="${formTokenOf(visit.session.secret)}" />
          <span title="${visit.actor}">${visit.actor}${visit.role === "look" ? ` (${words.onlyLooks})` : ""}</span>
          <button class="quiet">${words.signOut}</button>
        </form>
      </header>
      <p class="away" role="status" data-away hidden>${words.away}</p>
      <main id="content" tabindex="-1" ${isLive && html`data-live="${live}"`}>${content}</main>
      <footer>${languageLinks(visit.language, `${base}${visit.path}`)}</footer>`,
  ]);
}

/**
 * A page with a heading and a few words.
 *
 * @param againAfter the time after which the browser loads it again, in seconds; by default never.
 */
export function plainPage(frame: Frame, title: string, content: Html, againAfter?: number): Html {
  const again = againAfter !== undefined && html`<meta http-equiv="refresh" content="${againAfter}" />`;
  return document(frame, title, again, [
    html`<main id="content" class="plain">
        <h1>${title}</h1>
        ${content}
      </main>
      <footer>${languageLinks(frame.language, `${frame.base}/`)}</footer>`,
  ]);
}

function document(
  { language, words, assets }: Frame,
  title: string,
  head: Html | false | undefined,
  body: readonly Html[],
): Html {
  return html`<!doctype html>
    <html lang="${language}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        ${head}
        <title>${title} · ${words.name}</title>
        <link rel="icon" href="${assets["icon.svg"]}" />
        <link rel="preload" href="${assets["inter.woff2"]}" as="font" type="font/woff2" crossorigin />
        <link rel="stylesheet" href="${assets["page.css"]}" />
        <script src="${assets["idiomorph.js"]}" defer></script>
        <script src="${assets["page.js"]}" defer></script>
      </head>
      <body>
        ${body}
      </body>
    </html>`;
}

function navigationLink({ views }: PageWords, base: string, name: ViewName, current: ViewName): Html {
  const here = name === current && html`aria-current="page"`;
  return html`<li><a href="${base}${viewPath(name)}" ${here}>${views[name].title}</a></li>`;
}

function languageLinks(current: Language, path: string): Html {
  const links = LANGUAGES.map((language) =>
    language === current
      ? html`<span aria-current="true">${pageWordsIn(language).language}</span>`
      : html`<a href="${path}?language=${language}" lang="${language}">${pageWordsIn(language).language}</a>`,
  );
  return html`${links}`;
}
