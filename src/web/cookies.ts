import type { CookieOptions } from "express";
import { LANGUAGES, type Language } from "../language/languages.ts";
import type { Address } from "./address.ts";
import { SESSION_HOURS } from "./sign-in/sign-ins.ts";

/**
 * The name of the session's cookie. With https, browsers take a cookie of such a name only by https, and with `__Host-` only from this
 * very host (RFC 6265bis, 4.1.3): no neighbour can have somebody work in another session.
 */
export function sessionCookieName({ isSecure, path }: Address): string {
  const prefix = !isSecure ? "" : path === "" ? "__Host-" : "__Secure-";
  return `${prefix}matrix_agents_session`;
}

export const LANGUAGE_COOKIE = "matrix_agents_language";

/** A longer header is not read. */
const LONGEST_HEADER = 8_192;

/**
 * The value of a cookie in a request's header (RFC 6265, 4.2.1). One that comes twice counts as none: a neighbouring site has set the other.
 */
export function cookieIn(header: string | undefined, name: string): string | undefined {
  if (header === undefined || header.length > LONGEST_HEADER) return undefined;
  const values = header.split(";").flatMap((pair) => {
    const at = pair.indexOf("=");
    return at > 0 && pair.slice(0, at).trim() === name ? [pair.slice(at + 1).trim()] : [];
  });
  return values.length === 1 ? values[0] : undefined;
}

/**
 * The settings of the session's cookie: no script reads it, no other site's form brings it, and it goes by https where the page
 * has that. A link from elsewhere to the page brings it (`Lax`), so that nobody has to sign in again for one.
 */
export function sessionCookie(address: Address): CookieOptions {
  return {
    httpOnly: true,
    sameSite: "lax",
    secure: address.isSecure,
    // Without a slash at its end, so that the page's address works without one too.
    path: address.path === "" ? "/" : address.path,
    maxAge: SESSION_HOURS * 3_600_000,
  };
}

/** The language of a page: the chosen one, else the first that the browser accepts and we have (RFC 9110, 12.5.4). */
export function languageOf(chosen: string | undefined, accepted: readonly string[]): Language {
  const known = (tag: string | undefined): Language | undefined =>
    LANGUAGES.find((language) => language === tag?.slice(0, 2).toLowerCase());
  return known(chosen) ?? accepted.map(known).find((language) => language !== undefined) ?? "en";
}
