import { Agent, type Dispatcher } from "undici";
import { trusting } from "../egress/trusted.ts";

const CONNECT_MS = 10_000;

/** The headers that a provider needs. Clients add others that describe their machine. */
const SENT: ReadonlySet<string> = new Set([
  "accept",
  "authorization",
  "content-type",
  "x-api-key",
  "anthropic-version",
]);

/**
 * The connections to a provider. Only the caller sets time limits, because undici's own would cut off a model that
 * loads for over 300 s.
 *
 * @param ca Certificates (PEM) that are trusted in addition to the usual ones.
 */
export function connectionsTo(ca?: string): Dispatcher {
  return new Agent({ headersTimeout: 0, bodyTimeout: 0, connect: { timeout: CONNECT_MS, ...trusting(ca) } });
}

/** A `fetch` that sends only the needed headers. */
export function withFewHeaders(send: typeof fetch): typeof fetch {
  return (input, init) => {
    const headers = [...new Headers(init?.headers)].filter(([name]) => SENT.has(name));
    return send(input, { ...init, headers });
  };
}
