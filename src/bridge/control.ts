import { once } from "node:events";
import { readdir, rm } from "node:fs/promises";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { Actor } from "../audit/audit-entry.ts";
import { makeFolder } from "../config/make-folder.ts";
import type { Reloaded, ReloadPreview } from "../config/reload.ts";
import { listenPrivately, socketAddress, type SocketAddress } from "../database/served/socket.ts";
import type { Logger } from "../observability/log.ts";
import type { Reloader } from "./reloader.ts";

/*
 * A running bridge takes orders from the commands of its machine by a socket in its data folder, which only the folder's user
 * and root can open: no homeserver can, although it has the tokens of the registration. Each process has its own, named by
 * its port.
 */

/** The file of a process's socket. */
const fileOf = (port: number): string => `control-${port}.sock`;
const CONTROL = /^control-\d+\.sock$/;

/** The longest body of a request or an answer, in bytes. */
const LONGEST = 1_000_000;

/** The time that a bridge gets for an answer, in ms. */
const LIMIT_MS = 30_000;

const PREVIEW = "/reload/preview";
const APPLY = "/reload/apply";

/** A process's answer to the wish that it reads its configuration again; or to the question what that would do. */
export interface ReloadAnswer {
  /** The absolute path of the file that this process reads. */
  readonly file: string;
  readonly outcome: Reloaded | ReloadPreview;
}

/** A running process of a data folder. */
export type ControlledProcess =
  | { readonly kind: "answered"; readonly answer: ReloadAnswer }
  /** It ended meanwhile, has no answer, or this user may not ask it; `reason` in words. */
  | { readonly kind: "silent"; readonly reason: string };

/**
 * Takes orders from commands from now on. Where the data folder takes no sockets it warns, and a signal has to do. Resolves with
 * the function that ends it.
 */
export async function takeOrders(options: {
  readonly dataDir: string;
  /** The port on which this process listens, which no other process of the machine has. */
  readonly port: number;
  readonly reloader: Reloader;
  readonly log: Logger;
}): Promise<() => Promise<void>> {
  const { dataDir, port, reloader, log } = options;
  const server = createServer({ requestTimeout: LIMIT_MS }, (incoming, response) => {
    carryOut(incoming, response, reloader).catch((error: unknown) => {
      log.warn({ error }, "an order of a command could not be carried out");
      response.writeHead(500).end();
    });
  });
  server.on("error", (error) => log.warn({ error }, "a command could not reach the bridge"));
  let address: SocketAddress | undefined;
  try {
    await makeFolder(dataDir);
    address = await socketAddress(dataDir, fileOf(port));
    // One that is there is of a process that has ended.
    await rm(address.path, { force: true });
    await listenPrivately(server, address.path);
  } catch (error) {
    await address?.release();
    log.warn(
      { error },
      "the data folder takes no socket, so matrix-agents reload can't ask this process: send it SIGHUP",
    );
    return () => Promise.resolve();
  }
  const taken = address;
  return async () => {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
    await taken.release();
  };
}

async function carryOut(incoming: IncomingMessage, response: ServerResponse, reloader: Reloader): Promise<void> {
  const answered = await answer(incoming, reloader);
  response.writeHead(answered === undefined ? 404 : 200, { "content-type": "application/json" });
  response.end(JSON.stringify(answered ?? {}));
}

/** Undefined for a request that is none of these. */
async function answer(incoming: IncomingMessage, reloader: Reloader): Promise<ReloadAnswer | undefined> {
  const body = await bodyOf(incoming);
  if (incoming.method !== "POST") return undefined;
  if (incoming.url === PREVIEW) return { file: reloader.path, outcome: await reloader.preview() };
  if (incoming.url === APPLY) return { file: reloader.path, outcome: await reloader.apply(actorOf(body)) };
  return undefined;
}

/** Only users of this machine can ask here. */
function actorOf(body: string): Actor {
  return `local:${body.replace(/^local:/, "").slice(0, 200)}`;
}

/** Throws where the body is too long. */
async function bodyOf(message: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of message as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > LONGEST) throw new Error("the message is too long");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

/**
 * Asks each running process of a data folder to read its configuration again, or what that would do. Resolves with nothing where
 * none runs. Never rejects, except for a folder that can't be read.
 */
export async function askToReload(
  dataDir: string,
  wish: { readonly preview: true } | { readonly preview: false; readonly by: Actor },
): Promise<readonly ControlledProcess[]> {
  const files = (await readdir(dataDir).catch(unlessMissing)).filter((name) => CONTROL.test(name)).sort();
  const asked = await Promise.all(files.map((file) => askOne(dataDir, file, wish)));
  return asked.filter((one) => one !== undefined);
}

function unlessMissing(error: unknown): string[] {
  if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return [];
  throw error;
}

/** Undefined for the socket of a process that has ended. */
async function askOne(
  dataDir: string,
  file: string,
  wish: Parameters<typeof askToReload>[1],
): Promise<ControlledProcess | undefined> {
  const address = await socketAddress(dataDir, file);
  try {
    const text = await post(address.path, wish.preview ? PREVIEW : APPLY, wish.preview ? "" : wish.by);
    return { kind: "answered", answer: JSON.parse(text) as ReloadAnswer };
  } catch (error) {
    const code = codeOf(error);
    if (code === "ECONNREFUSED" || code === "ENOENT") return undefined;
    if (code === "EACCES" || code === "EPERM")
      return { kind: "silent", reason: "only its own user and root may ask it" };
    return { kind: "silent", reason: "it gives no answer; its log says why" };
  } finally {
    await address.release();
  }
}

/** Throws the system's error, or another where there is no answer. */
async function post(socketPath: string, path: string, body: string): Promise<string> {
  const asking = request({ socketPath, path, method: "POST", signal: AbortSignal.timeout(LIMIT_MS) });
  asking.end(body);
  const [response] = (await once(asking, "response")) as [IncomingMessage];
  const text = await bodyOf(response);
  if (response.statusCode !== 200) throw new Error(`HTTP ${response.statusCode ?? 0}`);
  return text;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
