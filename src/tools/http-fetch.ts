import type { FetchLike } from "@modelcontextprotocol/client";
import { fetch as send, type Dispatcher, type RequestInit as SentInit } from "undici";
import { MAX_MESSAGE_BYTES } from "./stdio-transport.ts";
import { ToolFailure } from "./tool-failure.ts";

/** Statuses of answers without a body. */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

const LONGEST_LOCATION = 2_048;
const PLAIN_PATH = /^[\w.~/-]{1,64}$/;

/**
 * A `fetch` for MCP's client that reaches only the server's own origin, follows no redirect, and bounds each answer. It
 * opens no stream for messages that nobody has asked for: a server says by 405 that it has none, and so does this.
 */
export function boundedFetch(address: string, dispatcher: Dispatcher): FetchLike {
  const { origin } = new URL(address);
  return async (input, init) => {
    const url = new URL(input);
    if (url.origin !== origin) throw new ToolFailure("refused", "it leads to another server");
    if ((init?.method ?? "GET") === "GET") return new Response(null, { status: 405 });
    const response = await send(url, { ...(init as unknown as SentInit), dispatcher, redirect: "manual" });
    const { status, statusText } = response;
    if (status >= 300 && status < 400 && status !== 304) {
      await response.body?.cancel();
      throw leadingOn(url, response.headers.get("location"));
    }
    const headers = new Headers([...response.headers]);
    if (response.body === null || BODILESS.has(status)) return new Response(null, { status, statusText, headers });
    let size = 0;
    const bounded = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        size += chunk.byteLength;
        if (size <= MAX_MESSAGE_BYTES) controller.enqueue(chunk);
        else
          controller.error(
            new ToolFailure("too_much", `an answer is over ${MAX_MESSAGE_BYTES} bytes`, { mayBeDone: true }),
          );
      },
    });
    const body = (response.body as unknown as ReadableStream<Uint8Array>).pipeThrough(bounded);
    return new Response(body, { status, statusText, headers });
  };
}

/** A path is told where it is the server's own and plain: most often only a slash at the end is too much. */
function leadingOn(url: URL, location: string | null): ToolFailure {
  const target = location === null ? null : URL.parse(location.slice(0, LONGEST_LOCATION), url.href);
  const isOwn = target?.origin === url.origin && target.search === "" && PLAIN_PATH.test(target.pathname);
  const where = isOwn ? `${target.pathname}: set that path in its url` : "another address";
  return new ToolFailure("unreachable", `it leads on to ${where}`);
}
