import { readFile } from "node:fs/promises";
import { load } from "js-yaml";
import type { Synapse } from "../../quickstart/synapse.ts";
import type { AnyHomeserver, StartHomeserver } from "./bridge-on.ts";
import { startHomeserver } from "./homeserver.ts";
import { jsonAnswer, startHttpProxy, type HttpProxy, type PassingAnswer, type PassingRequest } from "./http-proxy.ts";

/**
 * The answers in which a homeserver differs from Synapse, for an application service. They come from the homeserver's
 * source; whatever is not named here is Synapse's own answer. So a stand-in shows that the bridge copes with these
 * differences, and nothing else about that homeserver.
 */
export interface Shape {
  /** The homeserver's name and version, as it gives them. */
  readonly software: { readonly name: string; readonly version: string };
  /** Whether it knows pings. */
  readonly pings: boolean;
  /** The answer to `PUT /devices` by an application service, where the device does not exist; Synapse's where undefined. */
  readonly makesDevice?: PassingAnswer;
  /** Whether it knows the parameter `device_id` of an application service. */
  readonly knowsDeviceId: boolean;
  /** The answer to a call as a device that does not exist. */
  readonly unknownDevice?: PassingAnswer;
  /** The answer to a call that needs a device, by an application service that has none. */
  readonly withoutDevice?: PassingAnswer;
  /** The answer to `DELETE /devices` by an application service. */
  readonly deletesDevice?: PassingAnswer;
  /** Whether an application service can sign its users in. */
  readonly signsIn: boolean;
  /** Whether /sync tells of fallback keys, and of a count of zero one-time keys. */
  readonly tellsAllKeys: boolean;
}

const refusal = (status: number, errcode: string, error: string): PassingAnswer =>
  jsonAnswer(status, { errcode, error });

/** A request for a password (spec "User-interactive authentication"). */
const PASSWORD = jsonAnswer(401, { flows: [{ stages: ["m.login.password"] }], params: {}, session: "s" });

/** A handler has panicked. */
const PANIC: PassingAnswer = { status: 500, headers: {}, body: Buffer.alloc(0) };

export const SHAPES = {
  /** src/api/ruma_wrapper/axum.rs, src/api/client_server/{device,keys,session,sync}.rs */
  Conduit: {
    // Of no known release: the source was read as it stood when it took first identities without a password (MSC3967).
    software: { name: "Conduit", version: "0.0.0" },
    pings: false,
    makesDevice: refusal(404, "M_NOT_FOUND", "Device not found."),
    knowsDeviceId: false,
    // It takes for granted that the caller has a device, and its handler panics.
    withoutDevice: PANIC,
    deletesDevice: PANIC,
    signsIn: true,
    tellsAllKeys: false,
  },
  /** src/api/router/auth/appservice.rs, src/api/client/{device,session,keys}; `io.element.msc4190` is not set. */
  Tuwunel: {
    software: { name: "Tuwunel", version: "1.9.0" },
    pings: true,
    makesDevice: refusal(404, "M_NOT_FOUND", "Device management not enabled for appservice."),
    knowsDeviceId: true,
    unknownDevice: refusal(400, "M_INVALID_PARAM", "Unknown device for user."),
    deletesDevice: PASSWORD,
    signsIn: true,
    tellsAllKeys: true,
  },
  /** src/api/router/auth.rs, src/api/client/{device,keys,session}.rs */
  Continuwuity: {
    software: { name: "continuwuity", version: "26.8.0-alpha.1" },
    pings: true,
    knowsDeviceId: true,
    unknownDevice: refusal(
      403,
      "M_FORBIDDEN",
      "Device does not exist for user or appservice cannot masquerade as this device.",
    ),
    signsIn: true,
    tellsAllKeys: true,
  },
  /** No homeserver that we know: one that has application services and none of the ways to a device. */
  "a homeserver without devices": {
    software: { name: "Plain", version: "1.0" },
    pings: false,
    makesDevice: refusal(404, "M_UNRECOGNIZED", "Unrecognized request"),
    knowsDeviceId: false,
    deletesDevice: PASSWORD,
    signsIn: false,
    tellsAllKeys: false,
  },
} as const satisfies Readonly<Record<string, Shape>>;

/** A Synapse behind a front that answers in another homeserver's shape. */
export interface StandIn extends AnyHomeserver {
  readonly synapse: Synapse;
  readonly front: HttpProxy;
  /** The calls of the application service, by method and path. */
  readonly asked: readonly string[];
}

/** Starts a front, whose URL is the homeserver's, and returns how the homeserver behind it is started. */
export async function standInFor(
  shape: Shape,
): Promise<{ readonly url: string; readonly start: StartHomeserver<StandIn> }> {
  let port = 0;
  const front = await startHttpProxy(() => port);
  const asked: string[] = [];
  return {
    url: front.url,
    start: async (given) => {
      ({ port } = given);
      const { as_token: token } = load(await readFile(given.registration, "utf8")) as { as_token: string };
      const synapse = await startHomeserver({ port, registrations: [given.registration] });
      front.intercept = (request) => answer(shape, token, request, front, asked);
      const stop = async (): Promise<void> => {
        await synapse.stop();
        await front.stop();
      };
      const registerUser = (localpart: string, password: string): Promise<void> =>
        synapse.registerUser(localpart, password);
      return { url: front.url, serverName: synapse.serverName, registerUser, stop, synapse, front, asked };
    },
  };
}

/** The calls that only a device makes. */
const OF_DEVICES = /^(GET \/sync|POST \/keys\/(upload|device_signing\/upload)|POST \/logout)$/;

async function answer(
  shape: Shape,
  token: string,
  request: PassingRequest,
  front: HttpProxy,
  asked: string[],
): Promise<PassingAnswer> {
  const url = new URL(request.url, front.url);
  const isOurs = request.headers.authorization === `Bearer ${token}`;
  const call = `${request.method} ${url.pathname.replace(/^\/_matrix\/client\/v\d/, "")}`;
  if (isOurs) asked.push(call);
  if (url.pathname === "/_matrix/federation/v1/version") return jsonAnswer(200, { server: shape.software });
  if (url.pathname.startsWith("/_synapse/")) return UNRECOGNIZED;
  if (!isOurs) return withoutKeys(shape, call, await front.forward(request));
  if (call.startsWith("POST /appservice/") && !shape.pings) return UNRECOGNIZED;
  if (call === "POST /login" && !shape.signsIn) return refusal(403, "M_FORBIDDEN", "Unknown login type");
  const [method, id] = /^(PUT|DELETE) \/devices\/([^/]+)$/.exec(call)?.slice(1) ?? [];
  if (method === "DELETE" && shape.deletesDevice !== undefined) return shape.deletesDevice;
  if (method === "PUT" && shape.makesDevice !== undefined && !(await exists(front, request, id ?? "")))
    return shape.makesDevice;
  if (!shape.knowsDeviceId) {
    url.searchParams.delete("device_id");
    if (shape.withoutDevice !== undefined && OF_DEVICES.test(call)) return shape.withoutDevice;
  }
  const answered = await front.forward({ ...request, url: `${url.pathname}${url.search}` });
  const isUnknown = answered.status === 400 && answered.body.includes("M_UNKNOWN_DEVICE");
  if (isUnknown && shape.unknownDevice !== undefined) return shape.unknownDevice;
  return withoutKeys(shape, call, answered);
}

const UNRECOGNIZED = refusal(404, "M_UNRECOGNIZED", "Unrecognized request");

async function exists(front: HttpProxy, { headers, url }: PassingRequest, deviceId: string): Promise<boolean> {
  const query = url.includes("?") ? url.slice(url.indexOf("?")) : "";
  const asked = { method: "GET", url: `/_matrix/client/v3/devices/${deviceId}${query}`, headers: bare(headers) };
  return (await front.forward({ ...asked, body: Buffer.alloc(0) })).status === 200;
}

/** The headers of a request without those of its body. */
function bare(headers: PassingRequest["headers"]): PassingRequest["headers"] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith("content-")));
}

/** Takes out of an answer to /sync the key counts that the homeserver does not tell. */
function withoutKeys(shape: Shape, call: string, answered: PassingAnswer): PassingAnswer {
  if (shape.tellsAllKeys || call !== "GET /sync" || answered.status !== 200) return answered;
  const encoding = answered.headers["content-encoding"];
  if (encoding !== undefined) throw new Error(`the stand-in reads no ${encoding}`);
  const body = JSON.parse(answered.body.toString()) as Record<string, unknown>;
  delete body["device_unused_fallback_key_types"];
  delete body["org.matrix.msc2732.device_unused_fallback_key_types"];
  const counts = Object.entries((body["device_one_time_keys_count"] ?? {}) as Record<string, number>);
  body["device_one_time_keys_count"] = Object.fromEntries(counts.filter(([, count]) => count > 0));
  if (counts.every(([, count]) => count === 0)) delete body["device_one_time_keys_count"];
  return { ...jsonAnswer(200, body) };
}
