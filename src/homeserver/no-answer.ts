import { request, type Dispatcher } from "undici";
import { codesOf } from "../observability/network-fault.ts";
import type { Saying } from "../observability/operator-error.ts";

/** The reasons why no homeserver answers at an address, in words for the admin. */

const PROBE_TIMEOUT_MS = 3_000;

/** The most characters of a text of somebody else's server that are shown. */
const MAX_SHOWN = 300;

/** An answer that is not a homeserver's. */
export interface OtherAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string | undefined>;
  /** The homeserver that the server names in its `/.well-known/matrix/client`, which may be any text. */
  readonly wellKnown?: string | undefined;
}

/** Errors of a TLS connection to a port that speaks none, and errors of an HTTP connection to one that speaks TLS or something else. */
const OTHER_PROTOCOL = /^EPROTO$|SSL_|TIMEOUT|^(ECONNRESET|EPIPE|ECONNABORTED|UND_ERR_SOCKET)$|^HPE_/;
const OF_CERTIFICATE = /ALTNAME|SELF_SIGNED|UNABLE_TO_|CERT_/;

/**
 * The address with the other of http:// and https:// where something answers in that protocol at the same port; undefined where
 * nothing does, or where the failure has another reason. Sends no secret.
 */
export async function otherProtocol(error: unknown, base: string, dispatcher: Dispatcher): Promise<string | undefined> {
  const codes = codesOf(error);
  if (codes.some((code) => OF_CERTIFICATE.test(code)) || !codes.some((code) => OTHER_PROTOCOL.test(code))) {
    return undefined;
  }
  return answersAt(swapped(base), dispatcher);
}

/** @see otherProtocol for an answer: servers with TLS refuse plain HTTP with status 400. */
export async function otherProtocolOf(
  { status }: OtherAnswer,
  base: string,
  dispatcher: Dispatcher,
): Promise<string | undefined> {
  return status === 400 && base.startsWith("http:") ? answersAt(swapped(base), dispatcher) : undefined;
}

function swapped(base: string): string {
  const url = new URL(base);
  // A port that is left out is another one in the other protocol.
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  const path = url.pathname === "/" ? "" : url.pathname;
  return `${url.protocol === "https:" ? "http" : "https"}://${url.hostname}:${port}${path}`;
}

async function answersAt(base: string, dispatcher: Dispatcher): Promise<string | undefined> {
  try {
    const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
    const { statusCode, body } = await request(`${base}/_matrix/client/versions`, { dispatcher, signal });
    await body.dump();
    // A server with TLS answers plain HTTP with a refusal.
    return statusCode === 400 ? undefined : base;
  } catch (error) {
    return base.startsWith("https:") && codesOf(error).some((code) => OF_CERTIFICATE.test(code)) ? base : undefined;
  }
}

/**
 * The reason for a missing answer.
 *
 * @param error the failure of a connection.
 * @param base the address, without a slash at its end.
 * @param other the address in the other protocol, where that is answered.
 */
export function explainNoAnswer(error: unknown, base: string, other?: string): Saying<"NoHomeserver"> {
  const { protocol, host, hostname } = new URL(base);
  const codes = codesOf(error);
  const has = (pattern: RegExp): boolean => codes.some((code) => pattern.test(code));
  if (other !== undefined) {
    return protocol === "https:" ? `${host} speaks no TLS: use ${other}` : `${host} speaks TLS: use ${other}`;
  }
  if (has(/^ECONNREFUSED$/)) return `nothing listens at ${host}: is the homeserver running, and is that its port?`;
  if (has(/^(ENOTFOUND|EAI_)/)) return `there is no host ${hostname}, or its name can't be looked up now`;
  if (has(OF_CERTIFICATE)) return explainCertificate(error, host, codes);
  if (codes.includes("TIMEOUT")) {
    return `${host} takes the connection, but gives no answer: the homeserver hangs or has too much to do, or another program listens there`;
  }
  if (has(/TIMEOUT|^ETIMEDOUT$/)) {
    return `${host} does not answer: look for a firewall, or an address that leads elsewhere`;
  }
  if (has(/^(EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)$/)) return `there is no way to ${host} from here`;
  if (has(/^HPE_|^EPROTO$|SSL_(WRONG_VERSION|PACKET_LENGTH)/)) {
    return `${host} speaks no ${protocol === "https:" ? "TLS, and no plain HTTP either" : "HTTP"}: another program listens there; use the port of the homeserver's client-server API`;
  }
  if (has(/SSL_/)) {
    return `${host} refuses the TLS connection (${codes.find((code) => code.includes("SSL_")) ?? ""}): use the name that its certificate is for; it may want a certificate of ours as well, or be too old`;
  }
  if (has(/^(UND_ERR_SOCKET|ECONNRESET|EPIPE|ECONNABORTED)$/)) {
    return `${host} hangs up: it is no web server, or a proxy whose homeserver is away`;
  }
  return `${host} can't be asked (${codes[0] ?? "no reason is known"})`;
}

function explainCertificate(error: unknown, host: string, codes: readonly string[]): Saying<"NoHomeserver"> {
  const has = (pattern: RegExp): boolean => codes.some((code) => pattern.test(code));
  const now = `${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC`;
  if (has(/EXPIRED/)) {
    return `the certificate of ${host} has expired: renew it there, unless this machine's clock is wrong (${now})`;
  }
  if (has(/NOT_YET_VALID/)) {
    return `the certificate of ${host} is not valid yet: set this machine's clock (${now})`;
  }
  if (has(/ALTNAME/)) {
    const names = namesOfCertificate(error);
    return `the certificate of ${host} is for ${names === undefined ? "another name" : shown(names)}: use the name that it is for`;
  }
  return `the certificate of ${host} is not trusted (${codes.at(-1) ?? ""}): name the certificate of the authority that signed it in homeserver.ca_file (init --ca-file), or use the address without TLS`;
}

/** The names in the certificate that Node refused, as in `example.org, www.example.org`. */
function namesOfCertificate(error: unknown): string | undefined {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error) || !("cert" in cause) || typeof cause.cert !== "object" || cause.cert === null) return;
  const names = "subjectaltname" in cause.cert ? cause.cert.subjectaltname : undefined;
  return typeof names === "string" ? names.slice(0, MAX_SHOWN).replaceAll(/DNS:|IP Address:/g, "") : undefined;
}

/** A sentence about another program that answered in the homeserver's place. */
export function explainOtherAnswer(
  { status, headers, wellKnown }: OtherAnswer,
  base: string,
  other?: string,
): Saying<"NoHomeserver"> {
  if (other !== undefined) return explainNoAnswer(undefined, base, other);
  const place = headers.get("location");
  if (status >= 300 && status < 400 && place !== undefined) {
    return `${base} redirects to ${shown(place)}: use the homeserver's own address`;
  }
  if (wellKnown !== undefined && wellKnown.replace(/\/$/, "") !== base) {
    return `the server at ${base} is no homeserver: its /.well-known/matrix/client says that the homeserver is at ${shown(wellKnown)}`;
  }
  if (status === 502 || status === 503 || status === 504) {
    return `the server at ${base} is no homeserver, or one that is away (HTTP ${status}): start the homeserver; if that is a proxy, correct where it leads`;
  }
  if (status === 401 || status === 403 || status === 407) {
    return `the server at ${base} is no homeserver, or keeps us out (HTTP ${status}): let it answer /_matrix without a password, or use the homeserver's own address`;
  }
  const type = shown(headers.get("content-type")?.split(";")[0] ?? "no content type");
  return `the server at ${base} is no homeserver (HTTP ${status}, ${type}): use the address and port of the homeserver's client-server API, without /_matrix`;
}

/** A text of somebody else's server, cut, without characters that could control a terminal. */
function shown(text: string): string {
  return text.slice(0, MAX_SHOWN).replace(/\p{C}/gu, "\ufffd");
}
