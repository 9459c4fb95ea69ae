import { createHash, createPrivateKey, randomUUID, sign } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generate } from "selfsigned";
import type { Synapse } from "../../quickstart/synapse.ts";
import { startDeployment, type Deployment, type DeploymentOptions } from "./deployment.ts";
import { freePort } from "./free-port.ts";
import { startHomeserver } from "./homeserver.ts";
import { startHttpProxy, type HttpProxy } from "./http-proxy.ts";
import { temporaryDirectory } from "./temporary.ts";
import { startUser, type ClientKind, type User } from "./user.ts";

type Json = Readonly<Record<string, unknown>>;

/** An event between servers, before it is signed. */
export interface Draft {
  readonly room_id: string;
  readonly sender: string;
  readonly type: string;
  readonly content: Json;
  readonly state_key?: string;
  readonly depth?: number;
  readonly prev_events: readonly string[];
  readonly auth_events: readonly string[];
  readonly [more: string]: unknown;
}

/** The result of each event of a transaction: an error, or nothing. */
export type Taken = Readonly<Record<string, { readonly error?: string }>>;

/** Two Synapses that federate over TLS on loopback: the bridge's own, and another that a test controls. */
export class Federation {
  readonly home: Deployment;
  readonly other: OtherServer;
  readonly #fronts: readonly HttpProxy[];
  readonly #users: User[] = [];

  constructor(home: Deployment, other: OtherServer, fronts: readonly HttpProxy[]) {
    this.home = home;
    this.other = other;
    this.#fronts = fronts;
  }

  /** A person of the other server, with their own client. */
  async stranger(localpart: string, kind: ClientKind = "js-sdk"): Promise<User> {
    const user = await startUser({ kind, synapse: this.other.synapse, localpart });
    this.#users.push(user);
    return user;
  }

  /** Ends everything. Idempotent. */
  async stop(): Promise<void> {
    await Promise.all(this.#users.map((user) => user.stop()));
    await this.home.stop();
    await this.other.synapse.stop();
    await Promise.all(this.#fronts.map((front) => front.stop()));
  }
}

/** The other server: a Synapse behind a front that may answer in its place, with the server's signing key. */
export class OtherServer {
  readonly synapse: Synapse;
  /** Other servers' requests pass here, and may be answered differently. */
  readonly front: HttpProxy;
  readonly #home: Synapse;
  readonly #key: SigningKey;

  constructor(synapse: Synapse, front: HttpProxy, home: Synapse, key: SigningKey) {
    this.synapse = synapse;
    this.front = front;
    this.#home = home;
    this.#key = key;
  }

  get name(): string {
    return this.synapse.serverName;
  }

  /**
   * Answers other servers' requests: `answer` returns the body for a path, or nothing where Synapse should answer.
   * Resolves with a function that reverts this.
   */
  answers(answer: (path: string, body: Json) => Json | undefined | Promise<Json | undefined>): () => void {
    this.front.intercept = async (request) => {
      const asked = await answer(request.url, parsed(request.body));
      if (asked === undefined) return this.front.forward(request);
      return { status: 200, headers: { "content-type": "application/json" }, body: Buffer.from(JSON.stringify(asked)) };
    };
    return () => {
      this.front.intercept = (request) => this.front.forward(request);
    };
  }

  /** Sends a request to the bridge's homeserver as this server; resolves with the answer, whatever its status. */
  async ask(
    method: "GET" | "PUT" | "POST",
    path: string,
    content?: Json,
  ): Promise<{ readonly status: number; readonly body: Json }> {
    const origin = this.name;
    const destination = this.#home.serverName;
    const signed = { method, uri: path, origin, destination, ...(content === undefined ? {} : { content }) };
    const signature = this.#key.signature(signed);
    const answer = await fetch(`${this.#home.url}${path}`, {
      method,
      headers: {
        Authorization: `X-Matrix origin="${origin}",destination="${destination}",key="${this.#key.id}",sig="${signature}"`,
        "Content-Type": "application/json",
      },
      ...(content === undefined ? {} : { body: canonicalJson(content) }),
    });
    return { status: answer.status, body: parsed(Buffer.from(await answer.arrayBuffer())) };
  }

  /** Sends a transaction (spec "Transactions"): a hundred EDUs and fifty PDUs at the most. */
  async send(parts: { readonly edus?: readonly Json[]; readonly pdus?: readonly Json[] }): Promise<Taken> {
    const { edus = [], pdus = [] } = parts;
    const content = { origin: this.name, origin_server_ts: Date.now(), edus, pdus };
    const { body } = await this.ask("PUT", `/_matrix/federation/v1/send/${randomUUID()}`, content);
    return (body["pdus"] ?? {}) as Taken;
  }

  /** Sends the same kind of EDU for each content, a hundred in a transaction. */
  async sendEdus(edu_type: string, contents: readonly Json[]): Promise<void> {
    for (let at = 0; at < contents.length; at += 100) {
      await this.send({ edus: contents.slice(at, at + 100).map((content) => ({ edu_type, content })) });
    }
  }

  /** Sends to-device messages, each to one device or to `*`. */
  sendToDevice(messages: readonly ToDevice[]): Promise<void> {
    return this.sendEdus(
      "m.direct_to_device",
      messages.map(({ sender, type, to, device = "*", content }) => ({
        sender,
        type,
        message_id: randomUUID(),
        messages: { [to]: { [device]: content } },
      })),
    );
  }

  /** An event of a room of version 11, hashed and signed by this server; with its id. */
  event(draft: Draft): { readonly id: string; readonly pdu: Json } {
    const event = { depth: 1000, origin_server_ts: Date.now(), ...draft };
    const hashed = { ...event, hashes: { sha256: digest(event, "base64") } };
    const redacted = redact(hashed);
    const signatures = { [this.name]: { [this.#key.id]: this.#key.signature(redacted) } };
    return { id: `$${digest(redacted, "base64url")}`, pdu: { ...hashed, signatures } };
  }
}

/** A to-device message of another server. */
export interface ToDevice {
  readonly sender: string;
  readonly type: unknown;
  readonly to: string;
  readonly device?: string;
  readonly content: unknown;
}

/** Starts both, and the bridge on the one. */
export async function startFederation(options: Omit<DeploymentOptions, "synapse"> = {}): Promise<Federation> {
  const { private: key, cert } = await generate([{ name: "commonName", value: "localhost" }], {
    extensions: [
      { name: "basicConstraints", cA: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
        ],
      },
    ],
  });
  const authority = join(await temporaryDirectory("authority"), "ca.pem");
  await writeFile(authority, cert);
  const [homePort, otherPort] = [await freePort(), await freePort()];
  const fronts = await Promise.all([homePort, otherPort].map((port) => startHttpProxy(() => port, { key, cert })));
  const [homeFront, otherFront] = fronts as [HttpProxy, HttpProxy];
  const nameOf = (host: string, front: HttpProxy): string => `${host}:${new URL(front.url).port}`;
  const started: { stop(): Promise<unknown> }[] = [...fronts];
  try {
    const directory = await temporaryDirectory("other-synapse");
    const other = await startHomeserver({
      directory,
      port: otherPort,
      serverName: nameOf("localhost", otherFront),
      extraConfig: federating(otherPort, authority),
    });
    started.push(other);
    const home = await startDeployment({
      ...options,
      synapse: {
        port: homePort,
        serverName: nameOf("127.0.0.1", homeFront),
        extraConfig: federating(homePort, authority),
      },
    });
    const signingKey = new SigningKey(await readFile(join(directory, "signing.key"), "utf8"));
    return new Federation(home, new OtherServer(other, otherFront, home.synapse, signingKey), fronts);
  } catch (error) {
    await Promise.all(started.map((one) => one.stop()));
    throw error;
  }
}

/** Settings of a Synapse that federates with others on loopback. */
function federating(port: number, authority: string): Json {
  return {
    listeners: [
      {
        type: "http",
        port,
        bind_addresses: ["127.0.0.1"],
        tls: false,
        resources: [{ names: ["client", "federation"], compress: false }],
      },
    ],
    federation_domain_whitelist: null,
    federation_custom_ca_list: [authority],
    ip_range_blacklist: [],
    // A failure must not keep the two apart for long.
    federation: { destination_min_retry_interval: "1s", destination_max_retry_interval: "1s", max_short_retries: 1 },
    rc_federation: { window_size: 1000, sleep_limit: 100_000, sleep_delay: 0, reject_limit: 100_000, concurrent: 100 },
  };
}

/** The key of a Synapse's `signing.key`. */
class SigningKey {
  readonly id: string;
  readonly #key: ReturnType<typeof createPrivateKey>;

  constructor(file: string) {
    const [algorithm = "", version = "", seed = ""] = file.trim().split(" ");
    this.id = `${algorithm}:${version}`;
    // The bytes before the seed of an Ed25519 key in PKCS #8 (RFC 8410).
    const prefix = Buffer.from("302e020100300506032b657004220420", "hex");
    const der = Buffer.concat([prefix, Buffer.from(seed, "base64")]);
    this.#key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  }

  /** The signature of an object (spec "Signing JSON"). */
  signature(object: Json): string {
    return unpadded(sign(null, Buffer.from(canonicalJson(object)), this.#key).toString("base64"));
  }
}

/** Spec "Canonical JSON". */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
  const sorted = entries.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return `{${sorted.map(([key, entry]) => `${JSON.stringify(key)}:${canonicalJson(entry)}`).join(",")}}`;
}

/**
 * The rest of a redacted event in a room of version 11, where the kept part of its content is known; otherwise without
 * content.
 */
function redact(event: Json): Json {
  const kept: Readonly<Record<string, readonly string[]>> = {
    "m.room.member": ["membership", "join_authorised_via_users_server"],
    "m.room.join_rules": ["join_rule", "allow"],
    "m.room.history_visibility": ["history_visibility"],
    "m.room.redaction": ["redacts"],
    "m.room.power_levels": [
      ...["ban", "events", "events_default", "invite", "kick", "redact", "state_default", "users", "users_default"],
    ],
  };
  const of = (object: Json, names: readonly string[]): Json =>
    Object.fromEntries(names.filter((name) => name in object).map((name) => [name, object[name]]));
  const fields = ["room_id", "sender", "type", "state_key", "hashes", "depth", "prev_events", "auth_events"];
  return {
    ...of(event, [...fields, "origin_server_ts"]),
    content: of(event["content"] as Json, kept[event["type"] as string] ?? []),
  };
}

function digest(value: Json, encoding: "base64" | "base64url"): string {
  return unpadded(createHash("sha256").update(canonicalJson(value)).digest(encoding));
}

function unpadded(base64: string): string {
  return base64.replace(/=+$/, "");
}

function parsed(body: Buffer): Json {
  try {
    return JSON.parse(body.toString()) as Json;
  } catch {
    return {};
  }
}
