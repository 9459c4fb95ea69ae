import type { Application } from "express";
import { fetch } from "undici";
import type { Database } from "../database/database.ts";
import type { RecentPings } from "../homeserver/recent-pings.ts";
import { createTokenCheck } from "../homeserver/token.ts";
import { readRecords, type Records } from "./records.ts";

/*
 * A running bridge gives a doctor on its machine the facts that only it can read, because the embedded database is open
 * in one process only. It answers on the appservice's listener, to callers with the hs_token, without message text or
 * secrets.
 */

const PATH = "/_matrix_agents/doctor";
const LIMIT_MS = 20_000;

/** The bridge's answer to a doctor. */
export interface BridgeAnswer {
  readonly records: Records;
  /** The ids of pings that reached it recently. */
  readonly pings: readonly string[];
}

/** The state of the bridge's address. */
export type BridgeState =
  | { readonly kind: "running"; readonly answer: BridgeAnswer }
  | { readonly kind: "stopped" }
  /** A process has taken the data folder, and does not listen yet. */
  | { readonly kind: "starting"; readonly pid: number }
  /** Something else listens there, or a bridge that can't answer; `reason` in words. */
  | { readonly kind: "strange"; readonly reason: string };

/** Adds the path to the bridge's listener. */
export function serveDoctor(
  app: Application,
  options: { readonly hsToken: string; readonly database: Database; readonly pings: RecentPings },
): void {
  const check = createTokenCheck(options.hsToken);
  app.get(PATH, async (request, response) => {
    if (check(request.headers.authorization) !== "valid") {
      response.status(403).json({ errcode: "M_FORBIDDEN", error: "The hs_token is not the one of this registration" });
      return;
    }
    const answer: BridgeAnswer = { records: await readRecords(options.database), pings: options.pings.list() };
    response.json(answer);
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
    if (response.status >= 500) {
      return { kind: "strange", reason: `the bridge at ${url} can't read its database` };
    }
    const answer = response.ok ? (JSON.parse(text) as Partial<BridgeAnswer>) : {};
    if (answer.records === undefined || answer.pings === undefined) {
      return {
        kind: "strange",
        reason: `the program at ${url} is no bridge of this version (HTTP ${response.status})`,
      };
    }
    return { kind: "running", answer: { records: answer.records, pings: answer.pings } };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code === "ECONNREFUSED") return { kind: "stopped" };
    return { kind: "strange", reason: `the program at ${url} does not answer as a bridge does` };
  }
}
