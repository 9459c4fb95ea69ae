import type { Application } from "express";
import { fetch } from "undici";
import type { RecentPings } from "../homeserver/recent-pings.ts";
import { createTokenCheck } from "../homeserver/token.ts";

/*
 * A running bridge shows a doctor on its machine that it is the one of this registration, and which pings have reached it. It
 * answers on the appservice's listener, to callers with the hs_token.
 */

const PATH = "/_matrix_agents/doctor";
const LIMIT_MS = 20_000;

/** The bridge's answer to a doctor. */
export interface BridgeAnswer {
  /** The ids of pings that reached it recently. */
  readonly pings: readonly string[];
}

/** The state of the bridge's address. */
export type BridgeState =
  | { readonly kind: "running"; readonly answer: BridgeAnswer }
  | { readonly kind: "stopped" }
  /** A process has taken the data folder, and does not listen yet. */
  | { readonly kind: "starting"; readonly pid: number }
  /** Something else listens there; `reason` in words. */
  | { readonly kind: "strange"; readonly reason: string };

/** Adds the path to the bridge's listener. */
export function serveDoctor(
  app: Application,
  options: { readonly hsToken: string; readonly pings: RecentPings },
): void {
  const check = createTokenCheck(options.hsToken);
  app.get(PATH, (request, response) => {
    if (check(request.headers.authorization) !== "valid") {
      response.status(403).json({ errcode: "M_FORBIDDEN", error: "The hs_token is not the one of this registration" });
      return;
    }
    response.json({ pings: options.pings.list() } satisfies BridgeAnswer);
  });
}

/**
 * Asks the bridge's address. Never rejects.
 *
 * @param url the address on which the bridge listens.
 */
export async function askBridge(url: string, hsToken: string): Promise<BridgeState> {
  try {
    const response = await fetch(`${url}${PATH}`, {
      headers: { authorization: `Bearer ${hsToken}` },
      redirect: "manual",
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    const text = await response.text();
    if (response.status === 403) {
      return { kind: "strange", reason: `a bridge with another hs_token listens at ${url}` };
    }
    const answer = response.ok ? (JSON.parse(text) as Partial<BridgeAnswer>) : {};
    if (answer.pings === undefined) {
      return {
        kind: "strange",
        reason: `the program at ${url} is no bridge of this version (HTTP ${response.status})`,
      };
    }
    return { kind: "running", answer: { pings: answer.pings } };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code === "ECONNREFUSED") return { kind: "stopped" };
    return { kind: "strange", reason: `the program at ${url} does not answer as a bridge does` };
  }
}
