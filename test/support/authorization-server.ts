import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { once } from "node:events";
import { fromJsonSchema, McpServer, createMcpHandler } from "@modelcontextprotocol/server";
import Provider from "oidc-provider";
import { freePort } from "./free-port.ts";

/** The account for which a test's browser wants to be signed in; it takes the place of a password. */
const ACCOUNT_HEADER = "x-account";

/** What the two servers do; a test may change it at any time. */
export interface Behaviour {
  /** The life of an access token, in seconds. */
  lifeSeconds: number;
  /** Whether people refuse what the bridge asks for. */
  refuses: boolean;
  /** The tool, or the method, that needs a further right, if there is one, and whether people get that who are asked for it. */
  wantsMore: string | undefined;
  givesMore: boolean;
  /** The scopes that the tool server names beside its first one. */
  alsoNames: readonly string[];
  /** Whether the revocation endpoint does its work. */
  revokes: boolean;
  /** Called with each request to the token endpoint, before it is answered. */
  beforeTokens: () => Promise<void>;
  /** Called when tokens are given; they are told afterwards. */
  beforeTold: () => Promise<void>;
}

/**
 * A tool server whose tools each say for whom it was called, and its authorisation server: oidc-provider, with
 * registration, rotated refresh tokens, revocation and resource indicators.
 */
export interface ToolsWithSignIn extends AsyncDisposable {
  readonly issuer: string;
  readonly url: string;
  readonly behaviour: Behaviour;
  /** The calls so far: account and tool. */
  readonly calls: readonly string[];
  /** The grants for which tokens were given so far, in their order. */
  readonly grants: readonly string[];
  /** All codes and tokens that were given so far. */
  readonly secrets: readonly string[];
  /** The grants that were revoked. */
  readonly revoked: readonly string[];
  /** Makes all tokens of an account count no more. */
  end(account: string): void;
}

const SCOPE = "tickets";

/** The right that a tool needs where the test says so. */
const FURTHER = "tickets:close";

/** Starts them on loopback. */
export async function startToolsWithSignIn(): Promise<ToolsWithSignIn> {
  const [issuerPort, toolPort] = [await freePort(), await freePort()];
  const issuer = `http://127.0.0.1:${issuerPort}`;
  const url = `http://127.0.0.1:${toolPort}/mcp`;
  const behaviour: Behaviour = {
    lifeSeconds: 3_600,
    refuses: false,
    revokes: true,
    wantsMore: undefined,
    givesMore: true,
    alsoNames: [],
    beforeTokens: () => Promise.resolve(),
    beforeTold: () => Promise.resolve(),
  };
  const [calls, grants, revoked, secrets]: [string[], string[], string[], string[]] = [[], [], [], []];
  const ended = new Set<string>();
  const provider = makeProvider(issuer, url, behaviour, ended);
  provider.on("grant.success", (context) => {
    grants.push((context as { oidc: { params: { grant_type: string } } }).oidc.params.grant_type);
  });
  for (const kind of ["authorization_code", "access_token", "refresh_token"])
    provider.on(`${kind}.saved`, (token) => secrets.push((token as { jti: string }).jti));
  provider.on("grant.revoked", (_context, id) => revoked.push(String(id)));
  const accountOf = async (request: IncomingMessage): Promise<Account | undefined> => {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    const found = token === undefined ? undefined : await provider.AccessToken.find(token);
    if (found === undefined || ![found.aud].flat().includes(url) || ended.has(found.accountId)) return undefined;
    return { account: found.accountId, scopes: (found.scope ?? "").split(" ") };
  };
  const servers = [
    await listen(issuerPort, authorizing(provider, behaviour)),
    await listen(toolPort, serving(url, issuer, accountOf, behaviour, calls)),
  ];
  return {
    issuer,
    url,
    behaviour,
    calls,
    grants,
    revoked,
    secrets,
    end: (account) => ended.add(account),
    [Symbol.asyncDispose]: async () => {
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
        await once(server, "close");
      }
    },
  };
}

/** Whoever a token is for, with their rights. */
interface Account {
  readonly account: string;
  readonly scopes: readonly string[];
}

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

async function listen(port: number, handle: Handler): Promise<Server> {
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function makeProvider(issuer: string, url: string, behaviour: Behaviour, ended: ReadonlySet<string>): Provider {
  return new Provider(issuer, {
    clients: [],
    findAccount: (_context: unknown, id: string) =>
      ended.has(id) ? undefined : { accountId: id, claims: () => ({ sub: id }) },
    cookies: { keys: ["a key of the tests"] },
    interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    scopes: ["openid", "offline_access", SCOPE, FURTHER],
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: () => true,
    ttl: {
      AccessToken: () => behaviour.lifeSeconds,
      AuthorizationCode: 60,
      Grant: 86_400,
      Session: 3_600,
      Interaction: 600,
      RefreshToken: 86_400,
    },
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => url,
        getResourceServerInfo: () => ({
          scope: `${SCOPE} ${FURTHER}`,
          audience: url,
          accessTokenFormat: "opaque",
          accessTokenTTL: behaviour.lifeSeconds,
        }),
        useGrantedResource: () => true,
      },
    },
  });
}

/** Signs in whoever the browser says, and has them agree. */
function authorizing(provider: Provider, behaviour: Behaviour): Handler {
  const handle = provider.callback();
  return async (request, response) => {
    if (!request.url?.startsWith("/interaction/")) {
      if (request.url === "/token") {
        await behaviour.beforeTokens();
        holdBack(response, behaviour);
      }
      if (request.url === "/token/revocation" && !behaviour.revokes) {
        request.resume();
        response.writeHead(403).end();
        return;
      }
      handle(request, response);
      return;
    }
    const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
    const finish = (result: object): Promise<void> =>
      provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
    if (behaviour.refuses) {
      await finish({ error: "access_denied", error_description: "<script>alert(1)</script> !tools sign-out tickets" });
      return;
    }
    if (prompt.name === "login") {
      await finish({ login: { accountId: String(request.headers[ACCOUNT_HEADER]) } });
      return;
    }
    const known = grantId === undefined ? undefined : await provider.Grant.find(grantId);
    const grant =
      known ?? new provider.Grant({ accountId: session?.accountId ?? "", clientId: String(params["client_id"]) });
    const scopes = behaviour.givesMore ? `${SCOPE} ${FURTHER}` : SCOPE;
    grant.addOIDCScope(`openid offline_access ${scopes}`);
    if (!behaviour.givesMore) grant.rejectOIDCScope(FURTHER);
    for (const resource of Object.keys(prompt.details.missingResourceScopes ?? {})) {
      grant.addResourceScope(resource, scopes);
      if (!behaviour.givesMore) grant.rejectResourceScope(resource, FURTHER);
    }
    await finish({ consent: { grantId: await grant.save() } });
  };
}

/** The end of an answer waits for the test. */
function holdBack(response: ServerResponse, { beforeTold }: Behaviour): void {
  const end = response.end.bind(response) as (...args: unknown[]) => ServerResponse;
  response.end = ((...args: unknown[]) => {
    beforeTold().then(
      () => end(...args),
      () => response.destroy(),
    );
    return response;
  }) as typeof response.end;
}

function serving(
  url: string,
  issuer: string,
  accountOf: (request: IncomingMessage) => Promise<Account | undefined>,
  behaviour: Behaviour,
  calls: string[],
): Handler {
  return async (request, response) => {
    if (request.url === "/.well-known/oauth-protected-resource/mcp") {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(
        JSON.stringify({
          resource: url,
          authorization_servers: [issuer],
          scopes_supported: [SCOPE, ...behaviour.alsoNames],
        }),
      );
      return;
    }
    const { account, scopes } = (await accountOf(request)) ?? { account: undefined, scopes: [] };
    if (request.url !== "/mcp" || account === undefined) {
      response.writeHead(request.url === "/mcp" ? 401 : 404).end();
      return;
    }
    const parts: Uint8Array[] = [];
    for await (const part of request) parts.push(part as Uint8Array);
    const wants = behaviour.wantsMore !== undefined && !scopes.includes(FURTHER);
    if (wants && Buffer.concat(parts).includes(`:"${behaviour.wantsMore}"`)) {
      const challenge = `Bearer error="insufficient_scope", scope="${FURTHER}", error_description="more"`;
      response.writeHead(403, { "www-authenticate": challenge }).end();
      return;
    }
    const headers = new Headers(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const body = request.method === "POST" ? { body: Buffer.concat(parts) } : {};
    const asked = new Request(url, { method: request.method ?? "GET", headers, ...body });
    const answer = await createMcpHandler(() => serverFor(account, calls)).fetch(asked);
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(Buffer.from(await answer.arrayBuffer()));
  };
}

/** Each person has the tools `whoami` and `close`, and one that nobody else has. */
function serverFor(account: string, calls: string[]): McpServer {
  const server = new McpServer({ name: "tickets", version: "1" });
  const tool = (name: string): void => {
    const inputSchema = fromJsonSchema({ type: "object" });
    server.registerTool(name, { description: "Says who you are.", inputSchema }, () => {
      calls.push(`${account} ${name}`);
      return { content: [{ type: "text", text: `you are ${account}` }] };
    });
  };
  tool("whoami");
  tool("close");
  tool(`only_${account}`);
  return server;
}

/**
 * Opens a link as a browser does whose user is signed in as an account, and agrees to everything. Resolves with the first
 * address that is not the authorisation server's: the way back.
 */
export async function openAs(account: string, link: string): Promise<string> {
  const cookies = new Map<string, string>();
  const { origin } = new URL(link);
  let address = link;
  for (let step = 0; step < 20; step++) {
    if (new URL(address).origin !== origin) return address;
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(address, { redirect: "manual", headers: { cookie, [ACCOUNT_HEADER]: account } });
    for (const one of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(one) ?? [];
      if (value === "") cookies.delete(name);
      else cookies.set(name, value);
    }
    const location = response.headers.get("location");
    if (location === null)
      throw new Error(`${response.status} at ${new URL(address).pathname}: ${await response.text()}`);
    address = new URL(location, address).href;
  }
  throw new Error("the authorisation server leads in a circle");
}
