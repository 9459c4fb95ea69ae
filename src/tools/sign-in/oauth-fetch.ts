import type { FetchLike } from "@modelcontextprotocol/client";
import { Agent, fetch as send, type RequestInit as SentInit } from "undici";
import { trusting } from "../../egress/trusted.ts";
import { reasonOfNetworkError } from "../../observability/network-fault.ts";
import { unnamed } from "./authorization-server.ts";
import { SignInFailure } from "./sign-in-failure.ts";

/** The longest answer of an authorisation server: metadata, or a few tokens. */
const MOST_BYTES = 262_144;

/** The time for an answer, in ms. */
const ANSWER_MS = 10_000;

/** Asks authorisation servers. */
export interface OAuthFetch {
  readonly fetch: FetchLike;
  /** Ends its connections. */
  readonly end: () => Promise<void>;
}

/**
 * A `fetch` for the steps of signing in: it reaches only the given origins, follows no redirect, and reads no more than {@link
 * MOST_BYTES}, in ten seconds. It throws SignInFailure.
 *
 * @param ca certificates (PEM) that are trusted beside the usual ones.
 */
export function oauthFetch(origins: ReadonlySet<string>, ca: string | undefined): OAuthFetch {
  const dispatcher = new Agent({ pipelining: 0, connect: { timeout: ANSWER_MS, ...trusting(ca) } });
  return {
    fetch: async (input, init) => {
      const url = new URL(input);
      if (!origins.has(url.origin))
        throw new SignInFailure("leads_elsewhere", `an endpoint of the authorisation server is ${unnamed([url])}`);
      try {
        const signal = AbortSignal.timeout(ANSWER_MS);
        const sent = { ...(init as unknown as SentInit), dispatcher, redirect: "manual", signal } as const;
        const response = await send(url, sent);
        const { status } = response;
        if (status >= 300 && status < 400) {
          await response.body?.cancel();
          throw new SignInFailure("leads_elsewhere", `${url.origin} answers with a redirect`);
        }
        if (status >= 500) {
          await response.body?.cancel();
          throw new SignInFailure("away", `${url.origin} answers HTTP ${status}`);
        }
        const body = await bounded(response.body, url.origin);
        const headers = new Headers([...response.headers].filter(([name]) => name === "content-type"));
        return new Response(status === 204 || status === 205 || status === 304 ? null : body, { status, headers });
      } catch (error) {
        if (error instanceof SignInFailure) throw error;
        throw new SignInFailure("away", `${url.origin}: ${reasonOfNetworkError(error) ?? "no answer"}`);
      }
    },
    end: () => dispatcher.destroy(),
  };
}

async function bounded(body: AsyncIterable<Uint8Array> | null, origin: string): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body ?? []) {
    size += part.byteLength;
    if (size > MOST_BYTES) throw new SignInFailure("unfit", `${origin} answers with more than ${MOST_BYTES} bytes`);
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
}
