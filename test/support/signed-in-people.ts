import { makeToolSignIns, type ToolSignInParts } from "../../src/bridge/tool-sign-ins.ts";
import { Background } from "../../src/concurrency/background.ts";
import type { ToolServerConfig } from "../../src/config/config.ts";
import type { ToolSignInConfig } from "../../src/config/tool-sign-in-config.ts";
import type { WebConfig } from "../../src/config/web-config.ts";
import type { Database } from "../../src/database/database.ts";
import { silentLogger } from "../../src/observability/log.ts";
import type { SignInServer } from "../../src/tools/sign-in/authorization-server.ts";
import { PersonalToolServer } from "../../src/tools/sign-in/personal-tool-server.ts";
import { toolsAt } from "./http-tool-servers.ts";
import { othersSealsOf } from "./seals.ts";
import { contextOf } from "./tool-servers.ts";

/** A process of the bridge, as far as people sign in to a tool server named `tickets`. */
export interface SignInProcess extends ToolSignInParts {
  readonly server: PersonalToolServer;
  readonly background: Background;
  /** The result of a tool that is called for a person. */
  call(person: string | undefined, tool: string): Promise<string>;
  /** The names of the tools that a person has. */
  toolsOf(person: string | undefined): Promise<readonly string[]>;
}

const SIGNAL = new AbortController().signal;

/** The configuration of a server to which people sign in. */
export function signInServer(url: string, issuer: string, more: Partial<ToolSignInConfig> = {}): SignInServer {
  return { ...toolsAt(url), signIn: { issuer, origins: [], scopes: [], moreScopes: [], parameters: {}, ...more } };
}

/** Makes such a process. Several may work with the same database. */
export function signInProcess(
  database: Database,
  config: SignInServer,
  web?: WebConfig,
  seals = othersSealsOf(database),
): SignInProcess {
  const log = silentLogger();
  const background = new Background(log);
  const tools: ReadonlyMap<string, ToolServerConfig> = new Map([["tickets", config]]);
  const parts = makeToolSignIns({ database, settings: () => ({ tools, web }), background, log }, seals);
  const server = new PersonalToolServer("tickets", config, parts.tokens, log);
  return {
    ...parts,
    server,
    background,
    call: async (person, tool) => {
      const { text } = await server.call(tool, {}, SIGNAL, contextOf({ person }));
      return text;
    },
    toolsOf: async (person) => (await server.served(SIGNAL, person)).map(({ known }) => known.name),
  };
}
