import { rootCertificates } from "node:tls";
import { Agent, type Dispatcher } from "undici";

const CONNECT_MS = 10_000;

/** Headers that a provider needs. Clients add others, which tell of the machine they run on. */
const SENT: ReadonlySet<string> = new Set([
  "accept",
  "authorization",
  "content-type",
  "x-api-key",
  "anthropic-version",
]);

/**
 * The connections to a provider. The time limits are the caller's alone: undici's own would cut off a model that loads for
 * over 300 s.
 *
 * @param ca Certificates (PEM) that are trusted beside the usual ones.
 */
export function connectionsTo(ca?: string): Dispatcher {
  const connect = { timeout: CONNECT_MS, ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }) };
  return new Agent({ headersTimeout: 0, bodyTimeout: 0, connect });
}

/** A `fetch` that sends the headers that are needed, and no others. */
export function withFewHeaders(send: typeof fetch): typeof fetch {
  return (input, init) => {
    const headers = [...new Headers(init?.headers)].filter(([name]) => SENT.has(name));
    return send(input, { ...init, headers });
  };
}
