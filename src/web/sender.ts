import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import type { Address } from "./address.ts";

const LOOPBACK = /^(?:::ffff:)?127\.|^::1$/;

/**
 * The network address of whoever sends a request. Behind a proxy on this machine it is the last one that `X-Forwarded-For` names, which
 * the proxy itself has added; from anybody else that header counts for nothing.
 */
export function senderOf(request: Pick<IncomingMessage, "headers" | "socket">, { isProxied }: Address): string {
  const peer = request.socket.remoteAddress ?? "";
  if (!isProxied || !LOOPBACK.test(peer)) return peer;
  const named = [request.headers["x-forwarded-for"] ?? ""].flat().join(",");
  const last = named.slice(named.lastIndexOf(",") + 1).trim();
  return isIP(last) === 0 ? peer : last;
}
