import type { WebConfig } from "../config/web-config.ts";
import type { WayBack } from "../tools/sign-in/person-sign-ins.ts";
import { localUrl } from "../homeserver/local-url.ts";

/** The page's address, as browsers know it. */
export interface Address {
  /** Without a slash at its end. */
  readonly url: string;
  /** The path before each of the page's own: empty, or `/agents`. */
  readonly path: string;
  readonly isSecure: boolean;
  /** Whether a proxy stands before the listener. */
  readonly isProxied: boolean;
  /** The origins from which forms may come. */
  readonly origins: ReadonlySet<string>;
  /**
   * The names under which the listener answers. A site whose name is made to mean this machine (DNS rebinding) has another
   * one.
   */
  readonly hosts: ReadonlySet<string>;
}

/** The names of the machine itself. */
const LOOPBACK: readonly string[] = ["127.0.0.1", "[::1]", "localhost"];

/** The address that a configuration gives the page. */
export function addressOf({ bind, port, url }: WebConfig): Address {
  const shown = new URL(url ?? localUrl({ bind, port }));
  const local = [localUrl({ bind, port }), ...LOOPBACK.map((host) => `http://${host}:${port}`)];
  const own = local.map((one) => new URL(one));
  return {
    url: shown.href.replace(/\/+$/, ""),
    path: shown.pathname.replace(/\/+$/, ""),
    isSecure: shown.protocol === "https:",
    isProxied: url !== undefined,
    origins: new Set([shown, ...own].map(({ origin }) => origin)),
    hosts: new Set([shown, ...own].map(({ host }) => host)),
  };
}

/** The link by which somebody signs in. The code stands behind the `#`, which browsers send to nobody. */
export function signInLink(address: Address, code: string): string {
  return `${address.url}/sign-in#${code}`;
}

/** The paths to which authorisation servers lead browsers back, and at which they read about the bridge. */
export const TOOL_SIGN_IN = "/tool-sign-in";
export const TOOL_CLIENT = "/tool-client.json";

/**
 * The way by which browsers come back to the page from authorisation servers; undefined where these could not lead there: it
 * has no address for other machines, or one without TLS.
 */
export function wayBackTo(web: WebConfig | undefined): WayBack | undefined {
  if (web?.url === undefined) return undefined;
  const { url, isSecure } = addressOf(web);
  if (!isSecure && !LOOPBACK.includes(new URL(url).hostname)) return undefined;
  return { redirect: `${url}${TOOL_SIGN_IN}`, isPage: true, ...(isSecure ? { document: `${url}${TOOL_CLIENT}` } : {}) };
}
