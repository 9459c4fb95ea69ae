import express, { type ErrorRequestHandler, type Express, type Request, type Response, Router } from "express";
import { DatabaseError } from "../database/database.ts";
import { isStorable, storable } from "../database/text.ts";
import { pageWordsIn } from "../language/languages.ts";
import { isAction, act } from "./actions/actions.ts";
import { addressOf, TOOL_CLIENT, TOOL_SIGN_IN, type Address } from "./address.ts";
import type { Assets } from "./assets.ts";
import { Attempts } from "./attempts.ts";
import { cookieIn, languageOf, LANGUAGE_COOKIE, sessionCookie, sessionCookieName } from "./cookies.ts";
import { html, type Html } from "./html.ts";
import { inTime, TooSlow } from "./in-time.ts";
import type { LivePages, Look } from "./live.ts";
import { plainPage, viewPage, type Frame } from "./page.ts";
import type { WebParts } from "./parts.ts";
import { roleNow } from "./role.ts";
import { isOwnForm, securityHeaders } from "./security-headers.ts";
import { senderOf } from "./sender.ts";
import { isFormToken } from "./sign-in/form-token.ts";
import { signInPage } from "./sign-in/sign-in-page.ts";
import { SignIns, type Session } from "./sign-in/sign-ins.ts";
import { arrivalPage, arrivedPage, clientDocument } from "./sign-in/tool-sign-in-page.ts";
import { VIEWS, viewAt } from "./views/views.ts";
import type { Visit } from "./visit.ts";

/** A form is a few ids and a token. */
const LONGEST_FORM = 16_384;

/** The time after which a browser asks again for a page that could not be made, in seconds. */
const AGAIN_AFTER_SECONDS = 5;

/** The parts of the page's paths. */
interface Site {
  readonly parts: WebParts;
  readonly address: Address;
  readonly assets: Assets;
  readonly live: LivePages;
  readonly signIns: SignIns;
  readonly attempts: Attempts;
}

/** The page's paths. Each works with and without the path of `web.url`, because some proxies take that away. */
export function makeApp(parts: WebParts, assets: Assets, live: LivePages): Express {
  const { web } = parts.settings();
  if (web === undefined) throw new Error("the page is switched off");
  const address = addressOf(web);
  const site = { parts, address, assets, live, signIns: new SignIns(parts.database), attempts: new Attempts() };
  const app = express();
  app.disable("x-powered-by").disable("etag");
  app.set("query parser", false);
  app.use(securityHeaders(address));
  const routes = routesOf(site);
  if (address.path !== "") app.use(address.path, routes);
  app.use(routes);
  app.use(failed(site));
  return app;
}

function routesOf(site: Site): Router {
  const { assets } = site;
  const router = Router({ caseSensitive: true });
  router.use(assets.routes);
  router.post(
    /.*/,
    express.urlencoded({ extended: false, limit: LONGEST_FORM, parameterLimit: 100 }),
    (request, response, next) => {
      if (isOwnForm(request.headers, site.address)) next();
      else refuse(site, request, response, "foreign");
    },
  );
  router.get("/sign-in", (request, response) => {
    send(response, 200, signInPage(frameOf(site, request)));
  });
  router.post("/sign-in", (request, response) => inTime(signIn(site, request, response)));
  router.get(TOOL_SIGN_IN, (request, response) => inTime(comeBack(site, request, response)));
  router.post(TOOL_SIGN_IN, (request, response) => inTime(takeTokens(site, request, response)));
  router.get(TOOL_CLIENT, (_request, response) => void response.json(clientDocument(site.address)));
  router.post("/sign-out", (request, response) => inTime(signOut(site, request, response)));
  router.get(/^\/live(\/.*)$/, (request, response) => tell(site, request, response));
  router.post("/do/:action", (request, response) => inTime(decide(site, request, response)));
  router.get(/.*/, (request, response) => inTime(show(site, request, response)));
  return router;
}

async function signIn(site: Site, request: Request, response: Response): Promise<void> {
  const frame = frameOf(site, request);
  const from = senderOf(request, site.address);
  if (!site.attempts.allows(from, Date.now())) {
    send(response, 429, signInPage(frame, "too_many"));
    return;
  }
  const session = await site.signIns.use(fieldOf(request, "code"));
  if (session === undefined) {
    site.attempts.failed(from);
    send(response, 403, signInPage(frame, "no_code"));
    return;
  }
  response.cookie(sessionCookieName(site.address), session.secret, sessionCookie(site.address));
  response.redirect(303, `${site.address.path}/`);
}

/** Somebody comes back from the authorisation server of a tool server, without being signed in here. */
async function comeBack(site: Site, request: Request, response: Response): Promise<void> {
  const { status, page } = await arrivalPage(site.parts.toolSignIns, frameOf(site, request), queryOf(request));
  send(response, status, page);
}

async function takeTokens(site: Site, request: Request, response: Response): Promise<void> {
  const field = (name: string): string | undefined => fieldOf(request, name);
  const { status, page } = await arrivedPage(site.parts.toolSignIns, frameOf(site, request), field);
  send(response, status, page);
}

async function signOut(site: Site, request: Request, response: Response): Promise<void> {
  const session = await sessionOf(site, request);
  if (session !== undefined) {
    if (!isFormToken(fieldOf(request, "token"), session.secret)) {
      refuse(site, request, response, "foreign");
      return;
    }
    await site.signIns.end(session);
  }
  response.clearCookie(sessionCookieName(site.address), { ...sessionCookie(site.address), maxAge: undefined });
  response.redirect(303, `${site.address.path}/sign-in`);
}

/** Shows a view, or the way in. */
async function show(site: Site, request: Request, response: Response): Promise<void> {
  const query = queryOf(request);
  const chosen = query.get("language");
  if (chosen !== null) {
    const language = languageOf(chosen, []);
    response.cookie(LANGUAGE_COOKIE, language, { ...sessionCookie(site.address), maxAge: 365 * 86_400_000 });
    // Any other path could be that of another site, such as `//example.org/`.
    response.redirect(303, `${site.address.path}${viewAt(request.path) === undefined ? "/" : request.path}`);
    return;
  }
  const visit = await visitOf(site, request, request.path);
  if (visit === undefined) {
    response.redirect(303, `${site.address.path}/sign-in`);
    return;
  }
  const view = viewAt(request.path);
  const frame = frameOf(site, request);
  if (view === undefined) {
    const { title, text, back } = frame.words.nothingHere;
    send(
      response,
      404,
      plainPage(
        frame,
        title,
        html`<p>${text}</p>
          <p><a href="${frame.base}/">${back}</a></p>`,
      ),
    );
    return;
  }
  send(response, 200, viewPage(frame, visit, view, await VIEWS[view].show(site.parts, visit)));
}

/** Tells an open page of changes. */
async function tell(site: Site, request: Request, response: Response): Promise<void> {
  const path = request.path.slice("/live".length);
  const view = viewAt(path);
  const first = await inTime(visitOf(site, request, path));
  if (view === undefined || first === undefined || request.method === "HEAD") {
    response.status(view === undefined ? 404 : first === undefined ? 403 : 200).end();
    return;
  }
  const look = async (): Promise<Look> => {
    // The rights may have changed since the page was opened.
    const visit = (await site.signIns.lasts(first.session)) ? visitBy(site, request, path, first.session) : undefined;
    if (visit === undefined) return { kind: "ended" };
    return { kind: "view", html: (await VIEWS[view].show(site.parts, visit)).toString() };
  };
  await site.live.tell(response, VIEWS[view].everyMs, () =>
    inTime(look()).catch((error: unknown) => {
      if (!isAway(error)) site.parts.log.error({ error, path }, "a request of the page failed");
      return { kind: "away" };
    }),
  );
}

/** Carries out what somebody decides by a form. */
async function decide(site: Site, request: Request, response: Response): Promise<void> {
  const from = viewAt(fieldOf(request, "back") ?? "") === undefined ? "/" : (fieldOf(request, "back") ?? "/");
  const visit = await visitOf(site, request, from);
  const { action } = request.params;
  if (visit === undefined) {
    response.redirect(303, `${site.address.path}/sign-in`);
  } else if (!isFormToken(fieldOf(request, "token"), visit.session.secret)) {
    refuse(site, request, response, "foreign");
  } else if (visit.role !== "decide") {
    refuse(site, request, response, "only_looks");
  } else if (typeof action !== "string" || !isAction(action)) {
    refuse(site, request, response, "foreign");
  } else {
    const said = await act(action, site.parts, visit.actor, (name) => fieldOf(request, name));
    response.redirect(303, `${site.address.path}${from}?said=${said}`);
  }
}

function refuse(site: Site, request: Request, response: Response, why: keyof Frame["words"]["refused"]): void {
  const frame = frameOf(site, request);
  send(response, 403, plainPage(frame, frame.words.refused.title, html`<p>${frame.words.refused[why]}</p>`));
}

async function sessionOf(site: Site, request: Request): Promise<Session | undefined> {
  return site.signIns.session(cookieIn(request.headers.cookie, sessionCookieName(site.address)));
}

async function visitOf(site: Site, request: Request, path: string): Promise<Visit | undefined> {
  const session = await sessionOf(site, request);
  return session === undefined ? undefined : visitBy(site, request, path, session);
}

function visitBy(site: Site, request: Request, path: string, session: Session): Visit | undefined {
  const role = roleNow(session.actor, session.role, site.parts);
  if (role === undefined) return undefined;
  const { language, words, base } = frameOf(site, request);
  return { session, actor: session.actor, role, language, words, base, path, query: queryOf(request) };
}

function frameOf({ address, assets }: Site, request: Request): Frame {
  const language = languageOf(cookieIn(request.headers.cookie, LANGUAGE_COOKIE), request.acceptsLanguages());
  return { language, words: pageWordsIn(language), base: address.path, assets: assets.links(address.path) };
}

/** The query, without what the database can't hold. */
function queryOf(request: Request): URLSearchParams {
  const at = request.url.indexOf("?");
  const given = new URLSearchParams(at < 0 ? "" : request.url.slice(at + 1));
  return new URLSearchParams(Array.from(given, ([name, value]): [string, string] => [name, storable(value)]));
}

/** A field of a form. Fields that come twice, and those that the database can't hold, count as none. */
function fieldOf(request: Request, name: string): string | undefined {
  const body: unknown = request.body;
  if (typeof body !== "object" || body === null || !Object.hasOwn(body, name)) return undefined;
  const value = (body as Record<string, unknown>)[name];
  return typeof value === "string" && isStorable(value) ? value : undefined;
}

function send(response: Response, status: number, page: Html): void {
  response.status(status).type("html").send(page.toString());
}

/** Express recognises an error handler by its four parameters. */
function failed(site: Site): ErrorRequestHandler {
  const { log } = site.parts;
  return (error: unknown, request, response, next) => {
    const refusal = refusalOf(error);
    if (refusal !== undefined && !response.headersSent) {
      const { title, malformed } = frameOf(site, request).words.refused;
      send(response, refusal, plainPage(frameOf(site, request), title, html`<p>${malformed}</p>`));
      return;
    }
    if (!isAway(error)) log.error({ error, path: request.path }, "a request of the page failed");
    if (response.headersSent) {
      next(error);
      return;
    }
    const frame = frameOf(site, request);
    const { databaseAway, tooSlow, fault } = frame.words.failed;
    const { title, text } = error instanceof TooSlow ? tooSlow : isAway(error) ? databaseAway : fault;
    response.set("Retry-After", String(AGAIN_AFTER_SECONDS));
    // A decision is repeated by whoever made it, if at all.
    const againAfter = request.method === "GET" && isAway(error) ? AGAIN_AFTER_SECONDS : undefined;
    send(response, isAway(error) ? 503 : 500, plainPage(frame, title, html`<p>${text}</p>`, againAfter));
  };
}

/** Whether an error goes away by itself. */
function isAway(error: unknown): boolean {
  return error instanceof TooSlow || (error instanceof DatabaseError && error.retryable);
}

/** The status of a request that can't be read, by body-parser and Express; undefined for a fault of ours. */
function refusalOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("status" in error) || typeof error.status !== "number") return undefined;
  return error.status >= 400 && error.status < 500 ? error.status : undefined;
}
