import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";

/** The answer to a request: the bytes in order, as they come over the wire. */
export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly parts: Iterable<string | Uint8Array>;
  /** The pause before each part but the first, in ms. */
  readonly pauseMs?: number;
  /** The event after the last part; by default the end of the answer. */
  readonly then?: "cut" | "stall";
}

/** A request as it came. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  /** `disconnected` when the client left before the end. */
  readonly ended: Promise<"answered" | "disconnected">;
}

/** A server with scripted answers: the wire itself, for clients of model servers. */
export interface ModelServer {
  readonly url: string;
  readonly requests: SeenRequest[];
  /** Sets the answers to requests to a path. */
  on(path: string, reply: Reply | ((request: SeenRequest) => Reply)): void;
  close(): Promise<void>;
}

/** Starts one on a free port of the loopback. */
export async function startModelServer(tls?: { readonly key: string; readonly cert: string }): Promise<ModelServer> {
  const replies = new Map<string, Reply | ((request: SeenRequest) => Reply)>();
  const requests: SeenRequest[] = [];
  const closing = new AbortController();
  const listener: RequestListener = (request, response) => {
    answer(request, response).catch(() => response.destroy());
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const seen: SeenRequest = {
      method: request.method ?? "",
      path: request.url ?? "",
      headers: request.headers,
      text: Buffer.concat(parts).toString("latin1"),
      ended: once(response, "close").then(() => (response.writableFinished ? "answered" : "disconnected")),
    };
    requests.push(seen);
    const set = replies.get(new URL(seen.path, "http://localhost").pathname);
    const reply = typeof set === "function" ? set(seen) : set;
    if (reply === undefined) {
      response.writeHead(404, { "content-type": "application/json" }).end('{"detail":"Not Found"}');
      return;
    }
    response.writeHead(reply.status ?? 200, { "content-type": "text/event-stream", ...reply.headers });
    let isFirst = true;
    for (const part of reply.parts) {
      if (!isFirst && reply.pauseMs !== undefined) await sleep(reply.pauseMs, undefined, { signal: closing.signal });
      isFirst = false;
      if (response.destroyed) return;
      if (!response.write(part)) await Promise.race([once(response, "drain"), seen.ended]);
      // Each in a separate packet, so that the reader runs in between.
      await setImmediate();
    }
    if (reply.then === "cut") response.destroy();
    else if (reply.then !== "stall") response.end();
  }

  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    requests,
    on: (path, reply) => void replies.set(path, reply),
    close: async () => {
      closing.abort();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** A good answer in one piece. */
export function json(value: unknown, status = 200): Reply {
  return { status, headers: { "content-type": "application/json" }, parts: [JSON.stringify(value)] };
}

/** The replies of a server with OpenAI's protocol, as OpenAI and vLLM word them. */
export const openAi = {
  path: "/v1/chat/completions",
  piece: (delta: object, more: object = {}): string =>
    `data: ${JSON.stringify({
      id: "chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG",
      object: "chat.completion.chunk",
      created: 1_741_570_283,
      model: "some-model",
      system_fingerprint: "fp_06737a9306",
      choices: [{ index: 0, delta, logprobs: null, finish_reason: null, ...more }],
      usage: null,
    })}\n\n`,
  text: (text: string): string => openAi.piece({ content: text }),
  begin: (): string => openAi.piece({ role: "assistant", content: "", refusal: null }),
  end: (reason = "stop"): string[] => [
    openAi.piece({}, { finish_reason: reason }),
    `data: ${JSON.stringify({
      id: "chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG",
      object: "chat.completion.chunk",
      created: 1_741_570_283,
      model: "some-model",
      choices: [],
      usage: { prompt_tokens: 19, completion_tokens: 10, total_tokens: 29 },
    })}\n\n`,
    "data: [DONE]\n\n",
  ],
  answer: (...texts: string[]): string[] => [
    openAi.begin(),
    ...texts.map((text) => openAi.text(text)),
    ...openAi.end(),
  ],
  error: (message: string, code: string | null, type = "invalid_request_error"): object => ({
    error: { message, type, param: null, code },
  }),
};

/** The replies of a server with Anthropic's protocol. */
export const anthropic = {
  path: "/v1/messages",
  event: (data: { readonly type: string }): string => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`,
  delta: (delta: object): string =>
    anthropic.event({ type: "content_block_delta", index: 0, delta } as { type: string }),
  text: (text: string): string => anthropic.delta({ type: "text_delta", text }),
  begin: (): string =>
    [
      anthropic.event({
        type: "message_start",
        message: {
          id: "msg_1nZdL29xx5MUA1yADyHTEsnR8uuvGzszyY",
          type: "message",
          role: "assistant",
          content: [],
          model: "some-model",
          stop_reason: null,
          stop_sequence: null,
          usage: { input_tokens: 15, cache_read_input_tokens: 4, cache_creation_input_tokens: 0, output_tokens: 1 },
        },
      } as { type: string }),
      anthropic.event({
        type: "content_block_start",
        index: 0,
        content_block: { type: "text", text: "" },
      } as { type: string }),
      anthropic.event({ type: "ping" }),
    ].join(""),
  end: (reason = "end_turn"): string[] => [
    anthropic.event({ type: "content_block_stop", index: 0 } as { type: string }),
    anthropic.event({
      type: "message_delta",
      delta: { stop_reason: reason, stop_sequence: null },
      usage: { output_tokens: 10 },
    } as { type: string }),
    anthropic.event({ type: "message_stop" }),
  ],
  answer: (...texts: string[]): string[] => [
    anthropic.begin(),
    ...texts.map((text) => anthropic.text(text)),
    ...anthropic.end(),
  ],
  error: (message: string, type: string): object => ({
    type: "error",
    error: { type, message },
    request_id: "req_011CSHoEeqs5C35K2UUqR7Fy",
  }),
};
