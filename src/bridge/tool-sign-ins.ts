import type { Config } from "../config/config.ts";
import { BearerTokens } from "../tools/sign-in/bearer-tokens.ts";
import { revokeDropped, type DroppedTokens } from "../tools/sign-in/dropped-tokens.ts";
import { PersonSignIns, type WayBack } from "../tools/sign-in/person-sign-ins.ts";
import { SignInAttempts } from "../tools/sign-in/sign-in-attempts.ts";
import { ToolClients } from "../tools/sign-in/tool-clients.ts";
import { ToolSignIns } from "../tools/sign-in/tool-sign-ins.ts";
import type { Seals } from "../sealing/seals.ts";
import { wayBackTo } from "../web/address.ts";
import type { Foundation } from "./foundation.ts";

/** The way back where no page of ours is there: the browser can't open it, and people copy it. */
const LOOPBACK: WayBack = { redirect: "http://127.0.0.1:41595/tool-sign-in", isPage: false };

/** Everything about people who sign in to tool servers. */
export interface ToolSignInParts {
  readonly people: PersonSignIns;
  readonly tokens: BearerTokens;
  /** Deletes what is over. Returns the number of rows. */
  readonly prune: (signal?: AbortSignal) => Promise<number>;
}

/** The part of the foundation that is needed for that. */
interface ToolSignInFoundation extends Pick<Foundation, "database" | "background" | "log"> {
  readonly settings: () => Pick<Config, "tools" | "web">;
}

/** Makes the parts by which people sign in to tool servers. */
export function makeToolSignIns(
  { database, settings, background, log }: ToolSignInFoundation,
  seals: Seals,
): ToolSignInParts {
  const signIns = new ToolSignIns(database, seals);
  const attempts = new SignInAttempts(database, seals);
  const clients = new ToolClients(database, seals);
  const people = new PersonSignIns({
    database,
    signIns,
    attempts,
    clients,
    servers: () => settings().tools,
    wayBack: () => wayBackTo(settings().web) ?? LOOPBACK,
    background,
    log,
  });
  return {
    people,
    tokens: new BearerTokens({ database, signIns, clients, people, log }),
    prune: async (signal) => {
      const { names } = people;
      const revoke = (dropped: readonly DroppedTokens[]): Promise<number> =>
        revokeDropped(dropped, { server: (name) => people.server(name), log }, signal);
      const ended = (await signIns.prune(names, revoke, signal)) + (await attempts.prune(revoke, signal));
      return ended + (await clients.prune(names));
    },
  };
}
