import { isDeepStrictEqual } from "node:util";
import type { Background } from "../../concurrency/background.ts";
import type { ToolServerConfig } from "../../config/config.ts";
import type { Database } from "../../database/database.ts";
import type { Logger } from "../../observability/log.ts";
import { answerInAddress, type ReturnedAnswer } from "./authorization-answer.ts";
import { hasSignIn, isStillFor, type AuthorizationServer, type SignInServer } from "./authorization-server.ts";
import { withAuthorization, type Authorization, type OAuthClient, type Tokens } from "./authorization.ts";
import { isCode } from "./confirmation-code.ts";
import { newState, type Attempt, type SignInAttempts } from "./sign-in-attempts.ts";
import { scopesIn } from "./scope-challenge.ts";
import { SignInFailure } from "./sign-in-failure.ts";
import { revokeDropped, type DroppedTokens } from "./dropped-tokens.ts";
import type { PersonAt } from "./person-at.ts";
import { clientOf, type ToolClients } from "./tool-clients.ts";
import type { SignedIn, ToolSignIns } from "./tool-sign-ins.ts";

/** The time for which an authorisation server's metadata count, in ms. */
const METADATA_MS = 300_000;

/** The way by which browsers come back from an authorisation server. */
export interface WayBack {
  readonly redirect: string;
  /** Whether a page of ours is there to receive them. */
  readonly isPage: boolean;
  /** The address of the document that describes the bridge to authorisation servers, where there is one. */
  readonly document?: string;
}

/** The stores and surroundings of sign-ins. */
export interface PersonSignInsOptions {
  readonly database: Database;
  readonly signIns: ToolSignIns;
  readonly attempts: SignInAttempts;
  readonly clients: ToolClients;
  /** Read anew each time. */
  readonly servers: () => ReadonlyMap<string, ToolServerConfig>;
  readonly wayBack: () => WayBack;
  readonly background: Background;
  readonly log: Logger;
}

/**
 * Signs people in to tool servers, and out. A person opens a link; what comes back counts only if the same person brings it to
 * an agent: the address that her browser shows, or, where a page of ours has taken the tokens already, the code that it shows.
 * So a link that somebody else opens signs nobody in. Methods throw SignInFailure and DatabaseError.
 */
export class PersonSignIns {
  readonly #options: PersonSignInsOptions;
  readonly #metadata = new Map<
    string,
    { readonly config: SignInServer; readonly server: AuthorizationServer; readonly at: number }
  >();

  constructor(options: PersonSignInsOptions) {
    this.#options = options;
  }

  /** The configuration of a server to which people sign in; undefined where there is no such one. */
  server(name: string): SignInServer | undefined {
    const config = this.#options.servers().get(name);
    return config !== undefined && hasSignIn(config) ? config : undefined;
  }

  /** The names of all such servers. */
  get names(): readonly string[] {
    return [...this.#options.servers()].filter(([, config]) => hasSignIn(config)).map(([name]) => name);
  }

  /** Whether browsers come back to a page of ours. */
  get comesBack(): boolean {
    return this.#options.wayBack().isPage;
  }

  /** The servers to which a person has signed in, as they are configured now. */
  async serversOf(userId: string): Promise<ReadonlySet<string>> {
    const all = await this.#options.signIns.of(userId);
    return new Set(all.filter((one) => this.#counts(one)).map(({ server }) => server));
  }

  /** Whether a person has a link that she has not used yet, from another question or command, that asks for some scopes too. */
  async hasLink(who: PersonAt, madeBy: string, more: readonly string[] = []): Promise<boolean> {
    const asked = await this.#options.attempts.asked(who);
    const isOther = asked !== undefined && asked.madeBy !== madeBy && this.#counts(asked);
    return isOther && more.every((scope) => scopesIn(asked.from.scope).includes(scope));
  }

  /**
   * A link by which a person signs in. An earlier one counts no more.
   *
   * @param madeBy the question or command for which it is made: the same again has the same link.
   * @param more the scopes that are asked for beside those of the person's present sign-in.
   */
  async link(who: PersonAt, madeBy: string, more: readonly string[] = []): Promise<string> {
    const { attempts, wayBack } = this.#options;
    const before = await attempts.asked(who);
    if (before?.madeBy === madeBy && this.#counts(before)) return before.link;
    const config = this.#configOf(who.server);
    const way = wayBack();
    const { redirect } = way;
    return withAuthorization(config, async (authorization) => {
      const found = await this.#discovered(who.server, config, authorization);
      const from = more.length === 0 ? found : await this.#withScopes(who, config, found, more);
      const { client, isOwn } = await this.#clientOf(who.server, config, {
        ...{ from, way, authorization },
        isFurther: more.length > 0,
      });
      const state = newState();
      const { link, verifier } = await authorization.ask(from, client, { state, redirect });
      const { url } = config;
      const body = { url, link, verifier, redirect, from, ...(isOwn ? { client } : {}) };
      this.#revoke(await attempts.begin(state, who, madeBy, body));
      return link;
    });
  }

  /**
   * Signs a person in by the address that her browser shows, which she brings herself.
   *
   * @param by her message. Once it has signed her in, it does so again without doing anything.
   */
  async finish(who: PersonAt, address: string, by: string): Promise<void> {
    const { attempts } = this.#options;
    const answer = answerInAddress(address);
    if (answer === undefined) throw new SignInFailure("no_address", "it is no address with a code");
    const attempt = await attempts.take(answer.state, who);
    if (attempt !== undefined) await this.#signIn(attempt, await this.#tokensFor(attempt, answer), by);
    else if (!(await this.#isDone(who, by))) throw unknownAttempt();
  }

  /**
   * Ends the sign-in of an address or a code that somebody has shown to others, whosever it is: who has opened another's link
   * must not hand over its end so.
   */
  async spoil(shown: string): Promise<void> {
    const { attempts } = this.#options;
    if (isCode(shown)) {
      this.#revoke(await attempts.spoil(shown));
      return;
    }
    const answer = answerInAddress(shown);
    const attempt = answer && (await attempts.take(answer.state));
    if (attempt !== undefined) await attempts.end(attempt);
  }

  /** The person who signs in by a link whose browser is back at our page. It uses nothing up. */
  about(state: unknown): Promise<PersonAt | undefined> {
    return this.#options.attempts.about(state);
  }

  /** Takes the tokens for an answer at our page, once. Resolves with the code by which the person confirms that it was she. */
  async arrived(answer: ReturnedAnswer): Promise<{ readonly who: PersonAt; readonly code: string }> {
    const { attempts } = this.#options;
    const attempt = await attempts.take(answer.state);
    if (attempt === undefined) throw unknownAttempt();
    const tokens = await this.#tokensFor(attempt, answer);
    const code = await attempts.keep(attempt, tokens);
    if (code === undefined) {
      this.#revoke([{ ...attempt, tokens }]);
      throw unknownAttempt();
    }
    return { who: { server: attempt.server, userId: attempt.userId }, code };
  }

  /** Signs a person in whose browser was at our page, by its code and her message. False where it is another code. */
  async confirm(who: PersonAt, code: string, by: string): Promise<boolean> {
    const { attempts } = this.#options;
    const found = await attempts.confirm(who, code);
    if (found === undefined) {
      if (await this.#isDone(who, by)) return true;
      throw unknownAttempt();
    }
    const { attempt, kind } = found;
    if (kind === "right") {
      await this.#signIn(attempt, attempt.tokens, by);
      return true;
    }
    if (kind === "wrong") return false;
    await attempts.end(attempt);
    this.#revoke([attempt]);
    throw new SignInFailure("unknown", "too many wrong codes");
  }

  /** Signs a person out, and has the authorisation server end her tokens. False where she was not signed in. */
  async signOut(who: PersonAt): Promise<boolean> {
    const { database, signIns } = this.#options;
    const signedIn = await signIns.find(who);
    if (signedIn === undefined) return false;
    const removed = await database.transaction((tx) => signIns.remove(tx, signedIn, "person"));
    if (removed !== undefined) this.#revoke([removed]);
    return removed !== undefined;
  }

  /** Whether a message has signed a person in before. */
  async #isDone(who: PersonAt, by: string): Promise<boolean> {
    return (await this.#options.signIns.find(who))?.by === by;
  }

  async #signIn(attempt: Attempt, tokens: Tokens, by: string): Promise<void> {
    const { database, attempts, signIns, log } = this.#options;
    const { server, userId, url, from, client } = attempt;
    // The admin has changed the configuration since: the tokens are for what it named before.
    if (!this.#counts(attempt)) await attempts.end(attempt);
    const replaced = await database.transaction(async (tx) => {
      if (!(await attempts.complete(tx, attempt))) return undefined;
      const { issuer, tokenEndpoint, revocationEndpoint, authMethods, resource, scope = "" } = from;
      const kept = {
        issuer,
        tokenEndpoint,
        ...(revocationEndpoint === undefined ? {} : { revocationEndpoint }),
        ...(authMethods === undefined ? {} : { authMethods }),
        ...(resource === undefined ? {} : { resource }),
      };
      return signIns.store(
        tx,
        { server, userId },
        {
          ...{ url, from: kept, tokens, by, scope },
          ...(client === undefined ? {} : { client }),
        },
      );
    });
    if (replaced === undefined) {
      this.#revoke([{ ...attempt, tokens }]);
      throw unknownAttempt();
    }
    // Many authorisation servers have one grant for a person and a client: to revoke the former tokens would end the new ones.
    const former = await signIns.opened(replaced);
    this.#revoke(former.filter((one) => one.client !== undefined && one.client.id !== client?.id));
    log.info({ server, user: userId }, "somebody has signed in to a tool server");
  }

  /** The tokens for an answer. Whatever comes of it, the code can't be used again. */
  async #tokensFor(attempt: Attempt, answer: ReturnedAnswer): Promise<Tokens> {
    const { attempts, clients, log } = this.#options;
    try {
      if (answer.kind === "error") throw new SignInFailure("denied", "the authorisation server has said no");
      const config = this.#configOf(attempt.server);
      const client = clientOf(config, attempt.client);
      // A secret for the present authorisation server is not for a former one.
      if (!isStillFor(attempt, config)) throw new SignInFailure("unknown", "its url or issuer is another one since");
      if (client === undefined) throw new SignInFailure("needs_client", "the bridge's name there is gone");
      return await withAuthorization(config, (authorization) =>
        authorization.exchange(attempt.from, client, answer, attempt),
      );
    } catch (error) {
      await attempts.end(attempt);
      if (!(error instanceof SignInFailure)) throw error;
      log.warn({ server: attempt.server, user: attempt.userId, error }, "somebody could not sign in to a tool server");
      if (error.code === "needs_client") await clients.forget(attempt.server);
      throw error;
    }
  }

  async #discovered(name: string, config: SignInServer, authorization: Authorization): Promise<AuthorizationServer> {
    const known = this.#metadata.get(name);
    const now = performance.now();
    if (known !== undefined && now - known.at < METADATA_MS && isDeepStrictEqual(known.config, config))
      return known.server;
    try {
      const server = await authorization.discover();
      this.#metadata.set(name, { config, server, at: now });
      return server;
    } catch (error) {
      this.#options.log.warn({ server: name, error }, "nobody can sign in to a tool server now");
      throw error;
    }
  }

  /** The bridge's name: the configured one; else one by registration, or its document's address. */
  async #clientOf(
    name: string,
    config: SignInServer,
    {
      from,
      way: { redirect, document },
      authorization,
      isFurther,
    }: {
      readonly from: AuthorizationServer;
      readonly way: WayBack;
      readonly authorization: Authorization;
      readonly isFurther: boolean;
    },
  ): Promise<{ readonly client: OAuthClient; readonly isOwn: boolean }> {
    const configured = clientOf(config, undefined);
    if (configured !== undefined) return { client: configured, isOwn: false };
    const { clients } = this.#options;
    const place = { issuer: from.issuer, redirect, ...(from.scope === undefined ? {} : { scope: from.scope }) };
    const known = await clients.find(name, place, isFurther);
    if (known !== undefined) return { client: known, isOwn: true };
    if (from.registrationEndpoint !== undefined) {
      const client = await authorization.register(from, redirect);
      await clients.store(name, { ...place, client });
      return { client, isOwn: true };
    }
    if (from.takesDocuments && document !== undefined) return { client: { id: document }, isOwn: true };
    throw new SignInFailure("needs_client", "the bridge is not registered there, and can't register itself");
  }

  /**
   * An authorisation server that is asked for further scopes beside those of the person's sign-in. Those that the tool server
   * has named since are left out: she is told of the further ones alone.
   */
  async #withScopes(
    who: PersonAt,
    { signIn: { scopes } }: SignInServer,
    found: AuthorizationServer,
    more: readonly string[],
  ): Promise<AuthorizationServer> {
    const had = (await this.#options.signIns.find(who))?.scope;
    const own = scopes.length > 0 || had === undefined ? scopesIn(found.scope) : [];
    return { ...found, scope: [...new Set([...own, ...scopesIn(had), ...more])].join(" ") };
  }

  #configOf(name: string): SignInServer {
    const config = this.server(name);
    if (config === undefined) throw new SignInFailure("unfit", "nobody signs in to it any more");
    return config;
  }

  /** Whether something that was begun or given counts for a server as it is configured now. */
  #counts(one: Pick<SignedIn, "server" | "url" | "from">): boolean {
    const config = this.server(one.server);
    return config !== undefined && isStillFor(one, config);
  }

  #revoke(dropped: readonly DroppedTokens[]): void {
    if (dropped.length === 0) return;
    const { background, log } = this.#options;
    background.run("revoking tokens", () => revokeDropped(dropped, { server: (name) => this.server(name), log }));
  }
}

function unknownAttempt(): SignInFailure {
  return new SignInFailure("unknown", "no such sign-in is under way");
}
