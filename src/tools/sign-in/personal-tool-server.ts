import type { Logger } from "../../observability/log.ts";
import type { KnownPrompt } from "../server-prompt.ts";
import { readTools, type KnownTool } from "../tool-definition.ts";
import { ToolFailure, type ToolFailureCode } from "../tool-failure.ts";
import type { ToolResult } from "../tool-result.ts";
import { hostOfServer, ToolServer } from "../tool-server.ts";
import type { Behalf, CallContext, ServedTool, ToolSource } from "../tool-source.ts";
import type { SignInServer } from "./authorization-server.ts";
import type { BearerTokens } from "./bearer-tokens.ts";
import { NeedsRights } from "./scope-challenge.ts";

/** The most people of a server whose connections and lists of tools are kept. */
const MOST_PEOPLE = 200;

/** The tools that stand for those of a server that can't be used yet: models find out by them what has to be done. */
const STAND_INS = {
  sign_in: (server: string) =>
    `The person has not signed in to ${server}, so its tools are not there yet. Call this if you need them: ` +
    "the person is then sent a link, and can ask again afterwards.",
  needs_rights: (server: string) =>
    `The tools of ${server} need further rights of the person. Call this if you need them: ` +
    "the person is then sent a link, and can ask again afterwards.",
  unknown_bridge: (server: string) =>
    `The tools of ${server} can't be used now. Call this if you need them: it says whom the person has to ask.`,
} as const satisfies Partial<Record<ToolFailureCode, unknown>>;

type StandIn = keyof typeof STAND_INS;

/** A person's own connection. It ends with her sign-in. */
interface Personal {
  readonly signIn: string;
  readonly server: ToolServer;
  /** The reason why it does not even tell its tools, where it wants further rights for that. */
  lacks?: NeedsRights;
}

/**
 * A server to which people sign in. Each has a connection, a session and a list of tools of her own, by her own token; nobody
 * else is ever given them. Whoever has not signed in has one tool, by which a model finds out that she has to.
 */
export class PersonalToolServer implements ToolSource {
  readonly name: string;
  readonly config: SignInServer;
  readonly #tokens: Pick<BearerTokens, "signInOf" | "token" | "lacks">;
  readonly #log: Logger;
  /** By the people's ids, the one that was used longest ago first. */
  readonly #people = new Map<string, Personal>();

  constructor(
    name: string,
    config: SignInServer,
    tokens: Pick<BearerTokens, "signInOf" | "token" | "lacks">,
    log: Logger,
  ) {
    this.name = name;
    this.config = config;
    this.#tokens = tokens;
    this.#log = log;
  }

  async served(signal: AbortSignal, person: Behalf): Promise<readonly ServedTool[]> {
    if (person === undefined) return [];
    const personal = await this.#of(person);
    if (personal === undefined) return [this.#standIn("sign_in")];
    try {
      const served = await personal.server.served(signal);
      delete personal.lacks;
      return served;
    } catch (error) {
      if (error instanceof NeedsRights) personal.lacks = error;
      if (error instanceof ToolFailure && isStandIn(error.code)) return [this.#standIn(error.code)];
      throw error;
    }
  }

  async reach(signal: AbortSignal, person: Behalf): Promise<void> {
    const { server, lacks } = await this.#signedIn(person);
    if (lacks !== undefined) throw lacks;
    await server.reach(signal);
  }

  async call(
    tool: string,
    given: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
    context: CallContext,
  ): Promise<ToolResult> {
    const { server } = await this.#signedIn(context.person);
    return server.call(tool, given, signal, context);
  }

  async prompts(signal: AbortSignal, person: Behalf): Promise<readonly KnownPrompt[]> {
    const personal = person === undefined ? undefined : await this.#of(person);
    return personal === undefined ? [] : personal.server.prompts(signal);
  }

  async prompt(
    name: string,
    given: Readonly<Record<string, string>>,
    signal: AbortSignal,
    person: Behalf,
  ): Promise<string> {
    return (await this.#signedIn(person)).server.prompt(name, given, signal);
  }

  async stop(): Promise<void> {
    const all = [...this.#people.values()];
    this.#people.clear();
    await Promise.all(all.map(({ server }) => server.stop()));
  }

  async #signedIn(person: Behalf): Promise<Personal> {
    const personal = person === undefined ? undefined : await this.#of(person);
    if (personal === undefined) throw new ToolFailure("sign_in", "the person is not signed in to it");
    return personal;
  }

  /** A person's connection, which is another one whenever she has signed in again; undefined where she has not signed in. */
  async #of(person: string): Promise<Personal | undefined> {
    const who = { server: this.name, userId: person };
    const signIn = await this.#tokens.signInOf(who, this.config);
    const known = this.#people.get(person);
    this.#people.delete(person);
    if (known !== undefined && known.signIn !== signIn) this.#end(known);
    if (signIn === undefined) return undefined;
    if (known?.signIn === signIn) {
      this.#people.set(person, known);
      return known;
    }
    const bearer = {
      token: (refused?: string) => this.#tokens.token(who, signIn, refused),
      lacks: (scopes: readonly string[]) => this.#tokens.lacks(who, signIn, scopes),
    };
    const personal = { signIn, server: new ToolServer(this.name, this.config, this.#log, bearer) };
    this.#people.set(person, personal);
    const [oldest] = this.#people;
    if (oldest !== undefined && this.#people.size > MOST_PEOPLE) {
      this.#people.delete(oldest[0]);
      this.#end(oldest[1]);
    }
    return personal;
  }

  #end({ server }: Personal): void {
    server.stop().catch((error: unknown) => this.#log.warn({ error }, "a tool server could not be ended"));
  }

  /** It tells the server nothing, and needs nobody's word; who may not use the server at all does not have it. */
  #standIn(name: StandIn): ServedTool {
    const { name: server, config } = this;
    const rules = { ...config, locality: "local", cloudModels: true, approval: "never", tools: new Map() } as const;
    return { server, host: hostOfServer(server, config), rules, known: standInFor(server, name), isSignIn: true };
  }
}

function isStandIn(code: ToolFailureCode): code is StandIn {
  return Object.hasOwn(STAND_INS, code);
}

function standInFor(server: string, name: StandIn): KnownTool {
  const definition = {
    name,
    description: STAND_INS[name](server),
    inputSchema: { type: "object", properties: {} },
    annotations: { readOnlyHint: true, openWorldHint: false },
  };
  const [known] = readTools([definition]).tools;
  if (known === undefined) throw new Error("a tool that stands for others is no tool");
  return known;
}
