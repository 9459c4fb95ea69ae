import { request, type Dispatcher } from "undici";
import { codesOf } from "../observability/network-fault.ts";
import { OperatorError, type Saying } from "../observability/operator-error.ts";

/** The reasons why no homeserver answers at an address, in words for the admin. */

const PROBE_TIMEOUT_MS = 3_000;

/** The path that a homeserver is asked first. */
export const VERSIONS_PATH = "/_matrix/client/versions";

/** The most characters of a text of somebody else's server that are shown. */
const MAX_SHOWN = 300;

/** The reason why no homeserver answers at an address, and the admin's remedy. */
export interface NoAnswer {
  readonly reason: Saying<"NoHomeserver">;
  readonly mend: string;
}

/** No homeserver answers at the address. The message gives the cause, and the address that may be meant. */
export class NoHomeserver extends OperatorError<"NoHomeserver"> {
  override readonly name = "NoHomeserver";
  readonly why: NoAnswer;

  constructor(why: NoAnswer, options?: ErrorOptions) {
    super(`${why.reason}: ${why.mend}`, options);
    this.why = why;
  }
}

/** An answer that is not a homeserver's to its clients. */
export interface OtherAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string | undefined>;
  /** The code of a standard error of Matrix, which may be any text; undefined where the answer holds none. */
  readonly errcode?: string | undefined;
}

/** What a server that is no homeserver for clients says on other paths. */
export interface OtherServer {
  /** The homeserver that it names in its `/.well-known/matrix/client`, which may be any text. */
  readonly wellKnown?: string | undefined;
  /** Whether it answers other homeservers. */
  readonly isForServers?: boolean;
  /** Whether it is an identity server. */
  readonly isForIdentities?: boolean;
  /** An address at which it answers as a homeserver. */
  readonly elsewhere?: string | undefined;
}

/** Errors of a TLS connection to a port that speaks none, and errors of an HTTP connection to one that speaks TLS or something else. */
const OTHER_PROTOCOL = /^EPROTO$|SSL_|TIMEOUT|^(ECONNRESET|EPIPE|ECONNABORTED|UND_ERR_SOCKET)$|^HPE_/;
const OF_CERTIFICATE = /ALTNAME|SELF_SIGNED|UNABLE_TO_|CERT_/;

/** What is found at the same port in the other of http:// and https://. */
export type OtherProtocol =
  | { readonly kind: "answered"; readonly at: string }
  /** The connection is taken, and nothing comes. */
  | { readonly kind: "silent" };

/** Looks at the other protocol where the failure may come from the wrong one; undefined where that shows nothing. Sends no secret. */
export async function otherProtocol(
  error: unknown,
  base: string,
  dispatcher: Dispatcher,
): Promise<OtherProtocol | undefined> {
  const codes = codesOf(error);
  if (codes.some((code) => OF_CERTIFICATE.test(code)) || !codes.some((code) => OTHER_PROTOCOL.test(code))) {
    return undefined;
  }
  return lookAt(swapped(base), dispatcher);
}

/** @see otherProtocol for an answer: servers with TLS refuse plain HTTP with status 400. */
export async function otherProtocolOf(
  { status }: OtherAnswer,
  base: string,
  dispatcher: Dispatcher,
): Promise<OtherProtocol | undefined> {
  return status === 400 && base.startsWith("http:") ? lookAt(swapped(base), dispatcher) : undefined;
}

function swapped(base: string): string {
  const url = new URL(base);
  // A port that is left out is another one in the other protocol.
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  const path = url.pathname === "/" ? "" : url.pathname;
  return `${url.protocol === "https:" ? "http" : "https"}://${url.hostname}:${port}${path}`;
}

async function lookAt(base: string, dispatcher: Dispatcher): Promise<OtherProtocol | undefined> {
  try {
    const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
    const { statusCode, body } = await request(`${base}${VERSIONS_PATH}`, { dispatcher, signal });
    await body.dump();
    // A server with TLS answers plain HTTP with a refusal.
    return statusCode === 400 ? undefined : { kind: "answered", at: base };
  } catch (error) {
    const codes = codesOf(error);
    if (base.startsWith("https:")) {
      return codes.some((code) => OF_CERTIFICATE.test(code)) ? { kind: "answered", at: base } : undefined;
    }
    return codes.includes("TIMEOUT") ? { kind: "silent" } : undefined;
  }
}

/**
 * The reason for a missing answer.
 *
 * @param error the failure of a connection.
 * @param base the address, without a slash at its end.
 * @param other what was found in the other protocol.
 */
export function explainNoAnswer(error: unknown, base: string, other?: OtherProtocol): NoAnswer {
  const { protocol, host, hostname } = new URL(base);
  const isSecure = protocol === "https:";
  const codes = codesOf(error);
  const has = (pattern: RegExp): boolean => codes.some((code) => pattern.test(code));
  if (other?.kind === "answered") {
    return { reason: isSecure ? `${host} speaks no TLS` : `${host} speaks TLS`, mend: `use ${other.at}` };
  }
  if (has(/^ECONNREFUSED$/)) {
    return { reason: `nothing listens at ${host}`, mend: "start the homeserver, or use the port on which it listens" };
  }
  if (has(/^ENOTFOUND$/)) {
    const mend = "correct the name; one of a container's network is known only there";
    return { reason: `there is no host ${hostname}`, mend };
  }
  if (has(/^EAI_/)) {
    const mend = "look at this machine's network, and at its name servers (/etc/resolv.conf)";
    return { reason: `the name ${hostname} can't be looked up now`, mend };
  }
  if (has(OF_CERTIFICATE)) return explainCertificate(error, host, codes);
  // With TLS, a connection is ready only when the other side has spoken.
  if (codes.includes("TIMEOUT") || (has(/TIMEOUT/) && other?.kind === "silent")) return hangs(host);
  if (has(/TIMEOUT|^ETIMEDOUT$/)) {
    return { reason: `${host} does not answer`, mend: "look for a firewall, or an address that leads elsewhere" };
  }
  if (has(/^(EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)$/)) {
    return {
      reason: `there is no way to ${host} from here`,
      mend: "correct the address, or look at this machine's network",
    };
  }
  if (has(/^HPE_|_OVERFLOW$|^EPROTO$|SSL_(WRONG_VERSION|PACKET_LENGTH)/)) {
    const nothing =
      isSecure && !has(/^HPE_|_OVERFLOW$/) ? "TLS, and no plain HTTP either" : "HTTP, or not as a homeserver does";
    const mend = "another program listens there; use the port of the homeserver's client-server API";
    return { reason: `${host} speaks no ${nothing}`, mend };
  }
  if (has(/SSL_/)) {
    const mend = "use the name that its certificate is for; it may want a certificate of ours as well, or be too old";
    return {
      reason: `${host} refuses the TLS connection (${codes.find((code) => code.includes("SSL_")) ?? ""})`,
      mend,
    };
  }
  if (has(/^(UND_ERR_SOCKET|ECONNRESET|EPIPE|ECONNABORTED)$/)) {
    const other = isSecure ? "a server that wants a certificate of ours" : "another program";
    const mend = `it is ${other}, or a proxy whose homeserver is away; use the homeserver's own address`;
    return { reason: `${host} hangs up`, mend };
  }
  const mend = "use the address and port of the homeserver's client-server API";
  return { reason: `${host} can't be asked (${codes[0] ?? "no reason is known"})`, mend };
}

/** A server that takes a connection and then says nothing. */
function hangs(host: string): NoAnswer {
  return {
    reason: `${host} takes the connection, but gives no answer`,
    mend: "the homeserver hangs or has too much to do, or another program listens there",
  };
}

function explainCertificate(error: unknown, host: string, codes: readonly string[]): NoAnswer {
  const has = (pattern: RegExp): boolean => codes.some((code) => pattern.test(code));
  const now = `${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC`;
  if (has(/EXPIRED/)) {
    const mend = `renew it there, unless this machine's clock is wrong (${now})`;
    return { reason: `the certificate of ${host} has expired`, mend };
  }
  if (has(/NOT_YET_VALID/)) {
    return { reason: `the certificate of ${host} is not valid yet`, mend: `set this machine's clock (${now})` };
  }
  if (has(/ALTNAME/)) {
    const names = namesOfCertificate(error);
    const whom = names === undefined ? "another name" : shown(names);
    return { reason: `the certificate of ${host} is for ${whom}`, mend: "use the name that it is for" };
  }
  const isPart = has(/UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT)/);
  const chain = isPart ? "let the server send its whole chain of certificates (fullchain.pem), or " : "";
  const authority = has(/SELF_SIGNED/)
    ? "it, or the certificate of the authority that signed it,"
    : "the certificate of the authority that signed it";
  return {
    reason: `the certificate of ${host} is not trusted (${codes.at(-1) ?? ""})`,
    mend: `${chain}name ${authority} in homeserver.ca_file (init --ca-file), or use the address without TLS`,
  };
}

/** The names in the certificate that Node refused, as in `example.org, www.example.org`. */
function namesOfCertificate(error: unknown): string | undefined {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error) || !("cert" in cause) || typeof cause.cert !== "object" || cause.cert === null) return;
  const names = "subjectaltname" in cause.cert ? cause.cert.subjectaltname : undefined;
  return typeof names === "string" ? names.slice(0, MAX_SHOWN).replaceAll(/DNS:|IP Address:/g, "") : undefined;
}

/** The meaning of an answer of another program in the homeserver's place. */
export function explainOtherAnswer(answer: OtherAnswer, base: string, server: OtherServer = {}): NoAnswer {
  const { status, headers, errcode } = answer;
  const place = headers.get("location");
  if (status >= 300 && status < 400 && place !== undefined) return explainRedirect(base, place);
  const { wellKnown, elsewhere } = server;
  if (elsewhere !== undefined) {
    return {
      reason: `the server at ${base} is no homeserver, but answers as one at ${elsewhere}`,
      mend: `use ${elsewhere}`,
    };
  }
  if (server.isForServers === true) {
    return {
      reason: `the server at ${base} answers other homeservers, and no clients`,
      mend: "use the address of the homeserver's listener for clients (client among the resources, in Synapse)",
    };
  }
  if (wellKnown !== undefined && wellKnown.replace(/\/$/, "") !== base) {
    const there = shown(wellKnown);
    return {
      reason: `the server at ${base} is no homeserver: its /.well-known/matrix/client says that the homeserver is at ${there}`,
      mend: "use that address",
    };
  }
  if (server.isForIdentities === true) {
    return { reason: `the server at ${base} is an identity server`, mend: "use the homeserver's own address" };
  }
  const failing = explainStatus(status, base);
  if (failing !== undefined) return failing;
  const type = shown(headers.get("content-type")?.split(";")[0] ?? "no content type");
  const said = errcode === undefined ? type : shown(errcode);
  return {
    reason: `the server at ${base} is no homeserver (HTTP ${status}, ${said})`,
    mend: "use the address and port of the homeserver's client-server API, without /_matrix",
  };
}

/** The most characters of an address that are looked at. */
const LONGEST_ADDRESS = 2_000;

function explainRedirect(base: string, place: string): NoAnswer {
  const target = URL.parse(place.slice(0, LONGEST_ADDRESS), `${base}${VERSIONS_PATH}`)?.href ?? place;
  if (!target.endsWith(VERSIONS_PATH)) {
    return { reason: `${base} redirects to ${shown(target)}`, mend: "use the homeserver's own address" };
  }
  const there = shown(target.slice(0, -VERSIONS_PATH.length));
  return { reason: `${base} redirects to ${there}`, mend: `use ${there}, if that is the homeserver` };
}

/** The statuses that proxies use in place of a server that is away: those of Cloudflare begin at 520. */
function explainStatus(status: number, base: string): NoAnswer | undefined {
  if (status === 502 || status === 503 || status === 504 || (status >= 520 && status <= 530)) {
    return {
      reason: `the server at ${base} is no homeserver, or one that is away (HTTP ${status})`,
      mend: "start the homeserver; if that is a proxy, correct where it leads",
    };
  }
  if (status === 429) {
    return {
      reason: `the server at ${base} says that it was asked too often (HTTP 429)`,
      mend: "wait a few minutes; if a proxy says so, let it take more from this machine",
    };
  }
  if (status >= 500) {
    return {
      reason: `the server at ${base} is no homeserver, or one that fails (HTTP ${status})`,
      mend: "read the log of the homeserver, or of the proxy before it",
    };
  }
  if (status === 401 || status === 403 || status === 407) {
    return {
      reason: `the server at ${base} is no homeserver, or keeps us out (HTTP ${status})`,
      mend: "let it answer /_matrix without a password, or use the homeserver's own address",
    };
  }
  return undefined;
}

/** A text of somebody else's server, cut, without characters that could control a terminal. */
function shown(text: string): string {
  return text.slice(0, MAX_SHOWN).replace(/\p{C}/gu, "\ufffd");
}
