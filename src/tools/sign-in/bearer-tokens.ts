import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "../../database/database.ts";
import type { Logger } from "../../observability/log.ts";
import { newSecret } from "../../sealing/secret.ts";
import { ToolFailure } from "../tool-failure.ts";
import { isStillFor, type SignInServer } from "./authorization-server.ts";
import { withAuthorization } from "./authorization.ts";
import { revokeDropped, type DroppedTokens } from "./dropped-tokens.ts";
import type { PersonAt } from "./person-at.ts";
import type { PersonSignIns } from "./person-sign-ins.ts";
import { NeedsRights, scopesIn } from "./scope-challenge.ts";
import { SignInFailure } from "./sign-in-failure.ts";
import { clientOf, type ToolClients } from "./tool-clients.ts";
import type { SignedIn, ToolSignIns } from "./tool-sign-ins.ts";

/** A token that ends within this time counts as ended, in ms. */
const ENDS_SOON_MS = 30_000;

/** The most scopes of a sign-in that a server may add to. */
const MOST_SCOPES = 100;

/** The pause between two looks for another process's new tokens, in ms, and their number. */
const LOOK_EVERY_MS = 250;
const MOST_LOOKS = 160;

/**
 * The tokens with which tools are called for a person. Of all processes one asks for new ones, and stores them before anybody
 * uses them: a refresh token often counts once. Whoever is killed in between loses the sign-in, and the person signs in again.
 */
export class BearerTokens {
  readonly #database: Database;
  readonly #signIns: ToolSignIns;
  readonly #clients: ToolClients;
  readonly #people: Pick<PersonSignIns, "server">;
  readonly #log: Logger;

  constructor(options: {
    readonly database: Database;
    readonly signIns: ToolSignIns;
    readonly clients: ToolClients;
    readonly people: Pick<PersonSignIns, "server">;
    readonly log: Logger;
  }) {
    this.#database = options.database;
    this.#signIns = options.signIns;
    this.#clients = options.clients;
    this.#people = options.people;
    this.#log = options.log;
  }

  /**
   * The id of a person's sign-in, which another one does not have; undefined where she is not signed in. Throws DatabaseError.
   *
   * @param config the server to which her tokens would be sent: after a change of the configuration, perhaps a former one.
   */
  async signInOf(who: PersonAt, config: SignInServer): Promise<string | undefined> {
    const signedIn = await this.#signIns.find(who);
    return signedIn !== undefined && isStillFor(signedIn, config) ? signedIn.id : undefined;
  }

  /**
   * A person's token. Throws ToolFailure: `sign_in` where she has to sign in (again); DatabaseError.
   *
   * @param id the sign-in that it must be of.
   * @param refused a token that the tool server did not take.
   */
  async token(who: PersonAt, id: string, refused?: string): Promise<string> {
    for (let look = 0; look < MOST_LOOKS; look++) {
      const config = this.#people.server(who.server);
      const signedIn = await this.#signIns.find(who);
      if (signedIn?.id !== id || config === undefined || !isStillFor(signedIn, config))
        throw new ToolFailure("sign_in", "the person is not signed in to it");
      if (isGood(signedIn, refused)) return signedIn.tokens.access;
      if (signedIn.tokens.refresh === undefined) throw new ToolFailure("sign_in", "the person's token has ended");
      const by = newSecret();
      if (await this.#signIns.beginRenewal(signedIn, by)) {
        const now = await this.#signIns.find(who);
        // Another process may have stored new ones just before.
        if (now?.tokens.access === signedIn.tokens.access) return this.#renew(config, now, by);
        await this.#signIns.endRenewal(signedIn, by);
      } else {
        await sleep(LOOK_EVERY_MS);
      }
    }
    throw new ToolFailure("unreachable", "no new token came in time");
  }

  /**
   * The failure of a call for which the tool server wants further scopes of a person. She is not asked for what she was asked
   * for already, so that a server which always wants more, or an authorisation server that gives less, leads in no circle; nor
   * for more than the admin has named. Throws DatabaseError.
   */
  async lacks(who: PersonAt, id: string, scopes: readonly string[]): Promise<ToolFailure> {
    const [config, signedIn] = [this.#people.server(who.server), await this.#signIns.find(who)];
    if (config === undefined || signedIn?.id !== id)
      return new ToolFailure("sign_in", "the person is not signed in to it");
    const { scopes: named, moreScopes } = config.signIn;
    const had = new Set(scopesIn(signedIn.scope));
    const missing = scopes.filter((scope) => !had.has(scope));
    if (missing.length === 0)
      return new ToolFailure("refused", "it wants further scopes, and names none for which the person was not asked");
    if (named.length > 0 && !missing.every((scope) => named.includes(scope) || moreScopes.includes(scope)))
      return new ToolFailure("refused", "it wants scopes that sign_in.scopes and more_scopes do not name");
    if (had.size + missing.length > MOST_SCOPES) return new ToolFailure("refused", "it wants more and more scopes");
    return new NeedsRights(missing);
  }

  async #renew(config: SignInServer, signedIn: SignedIn, by: string): Promise<string> {
    const { server, userId, from, tokens: before } = signedIn;
    const client = clientOf(config, signedIn.client);
    try {
      if (client === undefined || before.refresh === undefined)
        throw new SignInFailure("needs_client", "the bridge's name there is gone");
      const refreshToken = before.refresh;
      return await withAuthorization(config, async (authorization) => {
        const tokens = await authorization.refresh(from, client, refreshToken);
        if (await this.#signIns.renewed(signedIn, by, tokens)) return tokens.access;
        // The person has signed out meanwhile: these must not outlive that.
        await this.#revoke({ ...signedIn, tokens });
        throw new ToolFailure("sign_in", "the person has signed out");
      });
    } catch (error) {
      if (!(error instanceof SignInFailure)) throw error;
      const isOver = error.code === "refused" || (error.code === "needs_client" && signedIn.client !== undefined);
      if (!isOver) {
        await this.#signIns.endRenewal(signedIn, by);
        if (error.code !== "needs_client") throw new ToolFailure("unreachable", `no new token: ${error.message}`);
        this.#log.warn({ server, user: userId, error }, "the bridge's client_id or client_secret counts no more");
        throw client === undefined
          ? new ToolFailure("sign_in", "the bridge has no name there any more")
          : new ToolFailure("unknown_bridge", `is sign_in.client_secret right? ${error.message}`);
      }
      this.#log.warn({ server, user: userId, error }, "a person's sign-in to a tool server counts no more");
      await this.#database.transaction((tx) => this.#signIns.remove(tx, signedIn, "refused"));
      // Where only the refresh token counts no more, the other one still may.
      await this.#revoke({ ...signedIn, tokens: { access: before.access } });
      if (error.code === "needs_client") await this.#clients.forget(server);
      throw new ToolFailure("sign_in", "the person's sign-in counts no more");
    }
  }

  #revoke(dropped: DroppedTokens): Promise<number> {
    return revokeDropped([dropped], { server: (name) => this.#people.server(name), log: this.#log });
  }
}

function isGood({ tokens: { access, expiresAt } }: SignedIn, refused: string | undefined): boolean {
  return access !== refused && (expiresAt === undefined || expiresAt - Date.now() > ENDS_SOON_MS);
}
