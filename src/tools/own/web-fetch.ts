import type { Socket } from "node:net";
import { Agent, buildConnector, request, type Dispatcher } from "undici";
import { isOwnAddress, localityOf } from "../../config/locality.ts";
import { ACCEPTED_ENCODINGS, unpacked, UnknownEncoding } from "../../egress/unpacked.ts";

/** The part of the configuration that says what is read. */
export interface Readable {
  readonly hosts: readonly string[];
  /** Whether the admin says that the hosts are in the own network. */
  readonly locality: "local" | "cloud";
}

/** What an address led to. */
export type Fetched =
  | { readonly kind: "page"; readonly url: URL; readonly type: string; readonly bytes: Uint8Array }
  | { readonly kind: "refused"; readonly why: Unread };

/** The reason why nothing was read. */
export type Unread =
  | "no_url"
  | "not_named"
  | "leads_elsewhere"
  | "private_address"
  | "unreachable"
  | "too_large"
  | { readonly status: number };

/** The largest page, unpacked, in bytes; the longest address, in characters; and the most steps to it. */
const MAX_BYTES = 5_000_000;
const LONGEST_URL = 2_000;
const MOST_REDIRECTS = 5;

const CONNECT_MS = 10_000;

/** A name of a named host led into the own network. */
class PrivateAddress extends Error {
  override readonly name = "PrivateAddress";
}

class TooLarge extends Error {
  override readonly name = "TooLarge";
}

/**
 * Reads an address by GET, without anything of the conversation but the address itself: only of the named hosts, by their
 * own address in the network, and led on only within the same host, and not from https to http. Throws the signal's reason.
 */
export async function fetchPage(address: string, readable: Readable, signal: AbortSignal): Promise<Fetched> {
  let url = address.length <= LONGEST_URL ? URL.parse(address) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username + url.password !== "") return refused("no_url");
  const { host } = url;
  const dispatcher = new Agent({ connect: guardedConnect(readable) });
  try {
    for (let step = 0; step <= MOST_REDIRECTS; step++) {
      // The port stands in it, unless it is the scheme's usual one.
      if (url.host !== host) return refused("leads_elsewhere");
      if (!isNamed(url, readable.hosts)) return refused("not_named");
      const got = await get(url, dispatcher, signal);
      if (!("to" in got)) return got;
      const next = nextUrl(url, got.to);
      if (next === undefined) return refused("leads_elsewhere");
      url = next;
    }
    return refused("leads_elsewhere");
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof PrivateAddress) return refused("private_address");
    if (error instanceof TooLarge) return refused("too_large");
    return refused("unreachable");
  } finally {
    await dispatcher.destroy();
  }
}

/**
 * The address to which a page leads; undefined where it is of another scheme, or leads from https to http: whoever stands
 * between could read along, and change the page.
 */
export function nextUrl(from: URL, location: string): URL | undefined {
  const next = URL.parse(location.slice(0, LONGEST_URL), from.href);
  if (next === null || !/^https?:$/.test(next.protocol)) return undefined;
  return from.protocol === "https:" && next.protocol === "http:" ? undefined : next;
}

function refused(why: Unread): Fetched {
  return { kind: "refused", why };
}

/** Whether an address is of a named host, and of its port where one is named. */
function isNamed({ protocol, host }: URL, hosts: readonly string[]): boolean {
  // The parser leaves out the usual port of the scheme.
  return hosts.some((named) => URL.parse(`${protocol}//${named}`)?.host === host);
}

async function get(url: URL, dispatcher: Dispatcher, signal: AbortSignal): Promise<Fetched | { readonly to: string }> {
  const headers = {
    accept: "text/html, text/plain, application/pdf;q=0.8, */*;q=0.1",
    "accept-encoding": ACCEPTED_ENCODINGS,
    "user-agent": "matrix-appservice-agents",
  };
  const { statusCode: status, headers: got, body } = await request(url, { dispatcher, signal, headers });
  const header = (name: string): string => [got[name]].flat()[0] ?? "";
  if (status >= 300 && status < 400 && header("location") !== "") {
    body.on("error", () => undefined).destroy();
    return { to: header("location") };
  }
  if (status < 200 || status >= 300) {
    body.on("error", () => undefined).destroy();
    return refused({ status });
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bodyOf(body, got["content-encoding"])) {
    size += chunk.byteLength;
    if (size > MAX_BYTES) throw new TooLarge();
    chunks.push(chunk);
  }
  return { kind: "page", url, type: header("content-type").slice(0, 200), bytes: Buffer.concat(chunks) };
}

function bodyOf(
  body: Dispatcher.ResponseData["body"],
  encoding: string | string[] | undefined,
): AsyncIterable<Uint8Array> {
  try {
    return unpacked(body, encoding);
  } catch (error) {
    if (error instanceof UnknownEncoding) throw new TooLarge();
    throw error;
  }
}

/**
 * Connects, and looks at the address that the connection has, before anything is sent: who answers for a name could
 * otherwise lead us into the own network. Where the named host is itself an address there, or the admin says so, it may be.
 */
function guardedConnect({ locality }: Readable): buildConnector.connector {
  const connect = buildConnector({ timeout: CONNECT_MS });
  return (options, callback) => {
    const isInside = locality === "local" || localityOf(`http://${bracketed(options.hostname)}`) === "local";
    connect(options, (error, socket) => {
      if (error !== null) callback(error, null);
      else if (isInside || !isPrivate(socket)) callback(null, socket);
      else {
        socket.destroy();
        callback(new PrivateAddress("the name leads into the own network"), null);
      }
    });
  };
}

function bracketed(hostname: string): string {
  return hostname.includes(":") && !hostname.startsWith("[") ? `[${hostname}]` : hostname;
}

function isPrivate({ remoteAddress }: Socket): boolean {
  return remoteAddress === undefined || isOwnAddress(remoteAddress);
}
