import { Agent, request } from "undici";
import { trusting } from "../egress/trusted.ts";
import {
  explainNoAnswer,
  explainOtherAnswer,
  NoHomeserver,
  otherProtocol,
  otherProtocolOf,
  VERSIONS_PATH,
} from "./no-answer.ts";
import { softwareIn, type Software } from "./software.ts";

/**
 * Asks a homeserver for public facts. It sends no token: Synapse refuses even /versions to an unknown token, and before
 * the registration is installed ours is unknown.
 */

/** The oldest supported Synapse: it lets application services have devices without flags (MSC4190, MSC4326). */
export const OLDEST_SYNAPSE = "1.141.0";

/** The facts about a homeserver. */
export interface Survey {
  /** Versions of the specification. */
  readonly versions: readonly string[];
  /** The implementation and its version, if known. */
  readonly software: Software | undefined;
  /** The server name, if known: only a listener for federation or keys tells it. */
  readonly domain: string | undefined;
  readonly signIn: SignIn;
  /** The homeserver's clock minus ours, in ms, accurate to a second; undefined where the answer has no Date header. */
  readonly clockOffsetMs: number | undefined;
  /** The time of its answer, in ms. */
  readonly latencyMs: number;
}

/**
 * The place where people sign in: the homeserver itself, or an authentication service (MSC3861), which has no `/login`.
 */
export type SignIn =
  | { readonly by: "homeserver"; readonly flows: readonly string[] }
  /** The issuer is undefined where the service is away. */
  | { readonly by: "service"; readonly issuer: string | undefined };

const ANSWER_TIMEOUT_MS = 10_000;
/** Shorter, so that a connection that does not come is told apart from an answer that does not. */
const CONNECT_TIMEOUT_MS = 6_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

/**
 * The reason why no homeserver answers at an address, in words with the remedy; undefined where one does.
 *
 * @see surveyHomeserver for the parameters.
 */
export async function reasonOfAbsence(url: string, ca?: string): Promise<string | undefined> {
  try {
    await surveyHomeserver(url, ca);
    return undefined;
  } catch (error) {
    if (error instanceof NoHomeserver) return error.message;
    throw error;
  }
}

/**
 * Asks the server at an address. Follows no redirect and asks no other server. Throws {@link NoHomeserver}.
 *
 * @param url Base URL of the client-server API.
 * @param ca Certificates (PEM) that are trusted beside the usual ones.
 */
export async function surveyHomeserver(url: string, ca?: string): Promise<Survey> {
  const agent = new Agent({ connect: { timeout: CONNECT_TIMEOUT_MS, ...trusting(ca) } });
  const base = url.replace(/\/+$/, "");
  try {
    const started = Date.now();
    const first = await ask(agent, base, VERSIONS_PATH).catch(async (error: unknown) => {
      throw new NoHomeserver(explainNoAnswer(error, base, await otherProtocol(error, base, agent)), { cause: error });
    });
    const ended = Date.now();
    const versions = versionsIn(first.body);
    if (versions.length === 0) throw await otherServer(agent, base, first);
    const tried = (path: string): Promise<Answer | undefined> => ask(agent, base, path).catch(() => undefined);
    const optionally = async (path: string): Promise<Body> => {
      const answer = await tried(path);
      return answer?.status === 200 ? answer.body : {};
    };
    const [admin, federation, keys, metadata, login] = await Promise.all([
      optionally("/_synapse/admin/v1/server_version"),
      optionally("/_matrix/federation/v1/version"),
      optionally("/_matrix/key/v2/server"),
      optionally("/_matrix/client/v1/auth_metadata"),
      tried("/_matrix/client/v3/login"),
    ]);
    const date = Date.parse(first.headers.get("date") ?? "");
    return {
      versions,
      software: softwareOf(admin, softwareIn(federation) ?? softwareIn(first.body), first.headers.get("server")),
      domain: text(keys["server_name"]),
      signIn: signInOf(metadata, login),
      // The header is cut off to whole seconds; half a second more is the best guess.
      clockOffsetMs: Number.isNaN(date) ? undefined : date + 500 - (started + ended) / 2,
      latencyMs: ended - started,
    };
  } finally {
    await agent.destroy();
  }
}

/** Whether a version, such as `1.163.2` or `1.141.0rc1`, is at least another. */
export function isAtLeast(version: string, oldest: string): boolean {
  const numbers = (text: string): number[] => (/^\d+(?:\.\d+)*/.exec(text)?.[0] ?? "").split(".").map(Number);
  const [a, b] = [numbers(version), numbers(oldest)];
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** The versions of the specification that an answer names: a homeserver names at least one. */
function versionsIn({ versions }: Body): readonly string[] {
  return Array.isArray(versions) ? (versions as unknown[]).filter((version) => typeof version === "string") : [];
}

/** Another program has answered in the homeserver's place. */
async function otherServer(agent: Agent, base: string, answer: Answer): Promise<NoHomeserver> {
  const other = await otherProtocolOf(answer, base, agent);
  if (other !== undefined) return new NoHomeserver(explainNoAnswer(undefined, base, other));
  const look = async (path: string, at = base): Promise<Body> => {
    const there = await ask(agent, at, path).catch(() => undefined);
    return there?.status === 200 ? there.body : {};
  };
  const { origin } = new URL(base);
  const [known, federation, identity, above] = await Promise.all([
    look("/.well-known/matrix/client"),
    look("/_matrix/federation/v1/version"),
    look("/_matrix/identity/versions"),
    base === origin ? {} : look(VERSIONS_PATH, origin),
  ]);
  const server = {
    wellKnown: text(bodyIn(known["m.homeserver"])["base_url"]),
    isForServers: softwareIn(federation) !== undefined,
    isForIdentities: versionsIn(identity).length > 0,
    elsewhere: versionsIn(above).length > 0 ? origin : undefined,
  };
  const errcode = text(answer.body["errcode"]);
  return new NoHomeserver(explainOtherAnswer({ ...answer, errcode }, base, server));
}

function bodyIn(value: unknown): Body {
  return typeof value === "object" && value !== null ? (value as Body) : {};
}

type Body = Readonly<Record<string, unknown>>;

interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string | undefined>;
  /** Empty when the answer was no JSON object. */
  readonly body: Body;
}

async function ask(agent: Agent, base: string, path: string): Promise<Answer> {
  // Unlike `fetch`, it refuses no port.
  const response = await request(`${base}${path}`, {
    headers: { accept: "application/json" },
    dispatcher: agent,
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  });
  const chunks: Uint8Array[] = [];
  let size = 0;
  const stream: AsyncIterable<Uint8Array> = response.body;
  for await (const chunk of stream) {
    size += chunk.byteLength;
    if (size > MAX_ANSWER_BYTES) break;
    chunks.push(chunk);
  }
  const headers = new Map(Object.entries(response.headers).map(([name, value]) => [name, [value].flat()[0]]));
  return { status: response.statusCode, headers, body: parse(Buffer.concat(chunks).toString()) };
}

function parse(answer: string): Body {
  try {
    return bodyIn(JSON.parse(answer));
  } catch {
    return {};
  }
}

function softwareOf(admin: Body, named: Software | undefined, header: string | undefined): Software | undefined {
  const synapse = text(admin["server_version"]);
  // A Synapse that runs from a checkout appends details.
  if (synapse !== undefined) return { name: "Synapse", version: synapse.split(" ")[0] ?? synapse };
  if (named !== undefined) return named;
  const [, ofHeader] = /^Synapse\/(\d\S*)/.exec(header ?? "") ?? [];
  return ofHeader === undefined ? undefined : { name: "Synapse", version: ofHeader };
}

function signInOf(metadata: Body, login: Answer | undefined): SignIn {
  const issuer = text(metadata["issuer"]);
  if (issuer !== undefined || login?.status === 404) return { by: "service", issuer };
  const flows = Array.isArray(login?.body["flows"]) ? (login.body["flows"] as unknown[]) : [];
  return {
    by: "homeserver",
    flows: flows
      .map((flow) => (typeof flow === "object" && flow !== null ? text((flow as Body)["type"]) : undefined))
      .filter((type) => type !== undefined),
  };
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
