import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { describeModel, showModel, withTag } from "./ollama-models.ts";
import { isObject } from "../../src/matrix/json.ts";

/** A message in a request to `/api/chat`. */
export interface OllamaMessage {
  readonly role: string;
  readonly content: string;
}

/** A call of a tool. */
export interface OllamaCall {
  readonly name: string;
  readonly arguments: object;
}

/** The server's answer to a chat. */
export interface Behaviour {
  /** Computes the answer from the request. By default {@link echo}. */
  readonly answer?: (messages: readonly OllamaMessage[]) => string;
  /** The model's thinking before the answer, in pieces of its own. */
  readonly thinking?: string;
  /** Calls of tools after the answer's words, which may be empty; a function computes them from the request. */
  readonly calls?: readonly OllamaCall[] | ((messages: readonly OllamaMessage[]) => readonly OllamaCall[]);
  /** Milliseconds before the first token, as a model takes to load. */
  readonly firstTokenMs?: number;
  /** Milliseconds between tokens. */
  readonly tokenMs?: number;
  readonly doneReason?: "stop" | "length";
  readonly fault?: Fault;
}

/** The faults. `atToken` counts from 0: so many tokens come before the fault, or all there are. */
export type Fault =
  /** Nothing more comes, and the connection stays. */
  | { readonly kind: "stall"; readonly atToken: number }
  /** The connection breaks; at token 0 before any answer, not even HTTP's status. */
  | { readonly kind: "cut"; readonly atToken: number }
  /** The answer ends in good order, without its last line. */
  | { readonly kind: "no_end"; readonly atToken: number }
  /** The answer ends in good order, in the middle of a line. */
  | { readonly kind: "half_line"; readonly atToken: number }
  /** A line with an error, in place of a token. */
  | { readonly kind: "error"; readonly atToken: number; readonly error: string }
  /** This text in place of a line. */
  | { readonly kind: "garbage"; readonly atToken: number; readonly text: string }
  /** Every line leaves in pieces of one byte, so that characters arrive in halves. */
  | { readonly kind: "split_bytes" }
  /** No text, then a good end. */
  | { readonly kind: "empty" }
  /** The answer again and again, until the client has enough. */
  | { readonly kind: "endless" }
  /** An error status with Ollama's JSON body. */
  | { readonly kind: "status"; readonly status: number; readonly error: string }
  /** A web page, as from a captive portal or a wrong address. */
  | { readonly kind: "html"; readonly status: number }
  | { readonly kind: "redirect"; readonly to: string };

/** A request that came in, and its end. */
export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  /** The parsed body; undefined when there was none. */
  readonly body: unknown;
  /** Settles when the connection is finished: `disconnected` when the client left before the end. */
  readonly ended: Promise<"answered" | "disconnected">;
  /** The number of sent tokens. */
  tokensSent: number;
}

/** A model server on the loopback that speaks Ollama's HTTP API, and fails when told to. */
export interface OllamaServer extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly RecordedRequest[];
  /** The chats among the requests. */
  chats(): readonly RecordedRequest[];
  /** Installs a model, or changes the answers of an installed one. A name without a tag has the tag `latest`. */
  install(model: string, behaviour?: Behaviour): void;
  remove(model: string): void;
  /** Sets the answer to the next chat, whatever its model; several queue up. */
  next(behaviour: Behaviour): void;
  close(): Promise<void>;
}

/** The default answer: derived from the last message alone. */
export function echo(messages: readonly OllamaMessage[]): string {
  return `You said: ${messages.at(-1)?.content ?? "nothing"}`;
}

/** Starts a server on a free port of 127.0.0.1 with these models installed. */
export async function startOllamaServer(models: readonly string[] = ["llama3.2"]): Promise<OllamaServer> {
  const installed = new Map<string, Behaviour>(models.map((model) => [withTag(model), {}]));
  const queued: Behaviour[] = [];
  const requests: RecordedRequest[] = [];
  const closing = new AbortController();

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      response.destroy();
      // A client that left while it still spoke is no fault of the test; anything else must fail it.
      if (request.complete) throw error;
    });
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readJson(request);
    const ended = once(response, "close").then(() => (response.writableFinished ? "answered" : "disconnected"));
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    const record: RecordedRequest = {
      method: request.method ?? "",
      path,
      headers: request.headers,
      body,
      ended,
      tokensSent: 0,
    };
    requests.push(record);

    switch (`${record.method} ${path}`) {
      case "GET /":
      case "HEAD /":
        return void response.writeHead(200, { "content-type": "text/plain; charset=utf-8" }).end("Ollama is running");
      case "GET /api/version": {
        sendJson(response, 200, { version: "0.12.6" });
        return;
      }
      case "GET /api/tags": {
        sendJson(response, 200, { models: [...installed.keys()].map(describeModel) });
        return;
      }
      case "POST /api/show":
        return withModel(body, response, (model) => sendJson(response, 200, showModel(model)));
      case "POST /api/pull": {
        const name = String(isObject(body) ? (body["model"] ?? body["name"]) : "");
        response.writeHead(200, { "content-type": "application/x-ndjson" });
        const say = (step: object): void => void response.write(`${JSON.stringify(step)}\n`);
        say({ status: "pulling manifest" });
        if (name.startsWith("nothing")) {
          response.end(`${JSON.stringify({ error: "pull model manifest: file does not exist" })}\n`);
          return;
        }
        const digest = "sha256:dde5aa3fc5ffc17176b5e8bdc82f587b24b2678c6c66101bf7da77af9f7ccdff";
        for (const completed of [0, 300, 600, 1_000]) {
          say({ status: "pulling dde5aa3fc5ff", digest, total: 1_000, completed });
        }
        say({ status: "verifying sha256 digest" });
        say({ status: "writing manifest" });
        installed.set(withTag(name), {});
        response.end(`${JSON.stringify({ status: "success" })}\n`);
        return;
      }
      case "POST /api/chat":
        return withModel(body, response, (model, behaviour) => {
          const messages = readMessages(body);
          return stream(record, response, queued.shift() ?? behaviour, messages, (piece) => ({
            model,
            created_at: new Date().toISOString(),
            message: {
              role: "assistant",
              content: piece.text,
              ...(piece.thinking ? { thinking: piece.thinking } : {}),
            },
          }));
        });
      case "POST /api/generate":
        return withModel(body, response, (model, behaviour) => {
          const messages = [{ role: "user", content: String(isObject(body) ? body["prompt"] : "") }];
          return stream(record, response, queued.shift() ?? behaviour, messages, (piece) => ({
            model,
            created_at: new Date().toISOString(),
            response: piece.text,
            ...(piece.thinking ? { thinking: piece.thinking } : {}),
          }));
        });
      default:
        return void response.writeHead(404, { "content-type": "text/plain" }).end("404 page not found");
    }
  }

  async function withModel(
    body: unknown,
    response: ServerResponse,
    then: (model: string, behaviour: Behaviour) => Promise<void> | void,
  ): Promise<void> {
    if (body === undefined) {
      sendJson(response, 400, { error: "missing request body" });
      return;
    }
    const model = isObject(body) && typeof body["model"] === "string" ? body["model"] : "";
    const behaviour = installed.get(withTag(model));
    if (behaviour === undefined) {
      sendJson(response, 404, { error: `model '${model}' not found` });
      return;
    }
    await then(model, behaviour);
  }

  async function stream(
    record: RecordedRequest,
    response: ServerResponse,
    behaviour: Behaviour,
    messages: readonly OllamaMessage[],
    line: (piece: Piece) => object,
  ): Promise<void> {
    const started = process.hrtime.bigint();
    const fault = behaviour.fault;
    // An aborted request ends the waiting too.
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const signal = AbortSignal.any([gone.signal, closing.signal]);

    if (behaviour.firstTokenMs !== undefined && !(await waited(behaviour.firstTokenMs, signal))) return;
    if (fault?.kind === "status") {
      sendJson(response, fault.status, { error: fault.error });
      return;
    }
    if (fault?.kind === "redirect") return void response.writeHead(307, { location: fault.to }).end();
    if (fault?.kind === "html") {
      const page = "<!DOCTYPE html>\n<html><body>Please sign in</body></html>\n";
      return void response.writeHead(fault.status, { "content-type": "text/html" }).end(page);
    }

    const text = fault?.kind === "empty" ? "" : (behaviour.answer ?? echo)(messages);
    const loadDuration = Number(process.hrtime.bigint() - started);
    const counts = (evalCount: number): object => ({
      done_reason: behaviour.doneReason ?? "stop",
      done: true,
      total_duration: Number(process.hrtime.bigint() - started),
      load_duration: loadDuration,
      prompt_eval_count: messages.reduce((sum, { content }) => sum + tokenise(content).length, 0),
      prompt_eval_duration: 1_000_000,
      eval_count: evalCount,
      eval_duration: Number(process.hrtime.bigint() - started),
    });

    if (isObject(record.body) && record.body["stream"] === false) {
      const whole = { text, thinking: behaviour.thinking };
      sendJson(response, 200, { ...line(whole), ...counts(tokenise(text).length) });
      return;
    }

    const send = async (lineText: string): Promise<void> => {
      if (!response.headersSent) response.writeHead(200, { "content-type": "application/x-ndjson" });
      const bytes = Buffer.from(lineText);
      const size = fault?.kind === "split_bytes" ? 1 : bytes.length;
      for (let at = 0; at < bytes.length && !signal.aborted; at += size) {
        await new Promise<void>((resolve) => {
          // Settles in any case: a write to a connection that is gone fails, and `signal` tells.
          response.write(bytes.subarray(at, at + size), () => resolve());
        });
      }
    };

    const atToken = fault !== undefined && "atToken" in fault ? fault.atToken : undefined;
    for (const piece of pieces(text, behaviour)) {
      if (atToken === record.tokensSent) break;
      await send(`${JSON.stringify({ ...line(piece), done: false })}\n`);
      if (signal.aborted) return;
      record.tokensSent += 1;
      if (behaviour.tokenMs !== undefined && !(await waited(behaviour.tokenMs, signal))) return;
    }
    if (fault !== undefined && "atToken" in fault) return fail(response, fault, signal, send);
    const { calls = [] } = behaviour;
    for (const call of typeof calls === "function" ? calls(messages) : calls) {
      const message = { role: "assistant", content: "", tool_calls: [{ function: call }] };
      await send(`${JSON.stringify({ ...line({ text: "" }), message, done: false })}\n`);
    }
    await send(`${JSON.stringify({ ...line({ text: "" }), ...counts(record.tokensSent) })}\n`);
    response.end();
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = async (): Promise<void> => {
    closing.abort();
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    chats: () => requests.filter(({ path }) => path === "/api/chat"),
    install: (model, behaviour = {}) => void installed.set(withTag(model), behaviour),
    remove: (model) => void installed.delete(withTag(model)),
    next: (behaviour) => void queued.push(behaviour),
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Piece {
  readonly text: string;
  readonly thinking?: string | undefined;
}

function* pieces(text: string, behaviour: Behaviour): Generator<Piece> {
  for (const thinking of tokenise(behaviour.thinking ?? "")) yield { text: "", thinking };
  do for (const token of tokenise(text)) yield { text: token };
  while (behaviour.fault?.kind === "endless");
}

async function fail(
  response: ServerResponse,
  fault: Extract<Fault, { atToken: number }>,
  signal: AbortSignal,
  send: (text: string) => Promise<void>,
): Promise<void> {
  switch (fault.kind) {
    case "stall":
      if (!signal.aborted) await once(signal, "abort");
      return;
    case "cut":
      return void response.destroy();
    case "no_end":
      if (!response.headersSent) response.writeHead(200, { "content-type": "application/x-ndjson" });
      break;
    case "half_line":
      await send('{"model":"llama3.2","created_at":"2026-01-01T00:00:00Z","message":{"role":"assis');
      break;
    case "error":
      await send(`${JSON.stringify({ error: fault.error })}\n`);
      break;
    case "garbage":
      await send(`${fault.text}\n`);
      break;
  }
  response.end();
}

/** Cuts text as models do: a word with the space before it, long words in pieces, never half a character. */
function tokenise(text: string): string[] {
  return text.match(/\s?[^\s]{1,8}|\s/gu) ?? [];
}

/** Waits; false when `signal` ended it. */
async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  await sleep(ms, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  return !signal.aborted;
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text === "" ? undefined : JSON.parse(text);
}

function readMessages(body: unknown): OllamaMessage[] {
  const messages: unknown = isObject(body) ? body["messages"] : undefined;
  if (!Array.isArray(messages)) return [];
  return messages.map((message: unknown) => ({
    role: isObject(message) ? String(message["role"]) : "",
    content: isObject(message) ? String(message["content"]) : "",
  }));
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" }).end(JSON.stringify(value));
}
