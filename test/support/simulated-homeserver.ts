import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { RequestType } from "@matrix-org/matrix-sdk-crypto-wasm";
import { SimulatedKeyServer } from "./simulated-key-server.ts";

/** A call of the client-server API, as it came. */
export interface SimulatedCall {
  /** Method and path, without the version: `POST /join/!room:example.test`. */
  readonly call: string;
  readonly user: string;
  readonly device: string;
  readonly body: Record<string, unknown>;
}

/** The answer to a call. */
export interface SimulatedAnswer {
  readonly status: number;
  readonly body: object;
}

const NOT_FOUND: SimulatedAnswer = { status: 404, body: { errcode: "M_NOT_FOUND", error: "there is none" } };

/**
 * A homeserver in memory with the features that a ghost needs, for tests of a ghost alone: users, devices, their keys,
 * account data, and as much of rooms as a test sets. Its backup of room keys stores none.
 */
export class SimulatedHomeserver {
  readonly keys = new SimulatedKeyServer();
  /** All calls that came, in order. */
  readonly calls: SimulatedCall[] = [];
  /** The rooms that each user is in. */
  readonly joined = new Map<string, Set<string>>();
  /** The state of rooms. */
  readonly state = new Map<string, readonly object[]>();
  /** Answers in place of the homeserver, where it returns something. */
  answers: (call: SimulatedCall) => SimulatedAnswer | undefined = () => undefined;
  readonly #accountData = new Map<string, object>();
  readonly #backups = new Map<string, object>();
  #events = 0;

  /** Listens on a free port until `close` is called. */
  async listen(): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
    const server = createServer((request, response) => {
      this.#answer(request)
        .catch((error: unknown) => ({ status: 500, body: { errcode: "M_UNKNOWN", error: String(error) } }))
        .then(({ status, body }) => response.writeHead(status).end(JSON.stringify(body)))
        .catch((error: unknown) => response.destroy(error as Error));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const close = async (): Promise<void> => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    };
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
  }

  /** The calls with this beginning. */
  called(beginning: string): readonly SimulatedCall[] {
    return this.calls.filter(({ call }) => call.startsWith(beginning));
  }

  async #answer(request: IncomingMessage): Promise<SimulatedAnswer> {
    const url = new URL(request.url ?? "", "http://simulated");
    const path = decodeURIComponent(url.pathname).replace(/^\/_matrix\/client\/v\d/, "");
    const raw = await text(request);
    const call: SimulatedCall = {
      call: `${request.method} ${path}`,
      user: url.searchParams.get("user_id") ?? "",
      device: url.searchParams.get("device_id") ?? "",
      body: raw === "" ? {} : (JSON.parse(raw) as Record<string, unknown>),
    };
    this.calls.push(call);
    return this.answers(call) ?? this.#usual(call, Number(url.searchParams.get("since") ?? 0), raw);
  }

  #usual({ call, user, device, body }: SimulatedCall, since: number, raw: string): SimulatedAnswer {
    const ok = (answer: unknown = {}): SimulatedAnswer => ({ status: 200, body: answer as object });
    const ask = (type: RequestType, more: object = {}): SimulatedAnswer =>
      ok(this.keys.handle(user, device, { type, body: raw, ...more }));
    const [, method = "", first = "", second = "", third = "", fourth = ""] =
      /^(\w+) \/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?(?:\/([^/]+))?/.exec(call) ?? [];
    switch (`${method} ${first}`) {
      case "POST keys":
        switch (second) {
          case "upload":
            return ask(RequestType.KeysUpload);
          case "query":
            return ask(RequestType.KeysQuery);
          case "claim":
            return ask(RequestType.KeysClaim);
          case "signatures":
            return ask(RequestType.SignatureUpload);
          default:
            this.keys.setIdentity(user, body as unknown as Parameters<SimulatedKeyServer["setIdentity"]>[1]);
            return ok();
        }
      case "PUT sendToDevice":
        return ask(RequestType.ToDevice, { eventType: second, txnId: third });
      case "GET sync": {
        const { toDevice, nextBatch, oneTimeKeys } = this.keys.sync(user, device, since);
        return ok({
          next_batch: String(nextBatch),
          to_device: { events: toDevice },
          device_one_time_keys_count: { signed_curve25519: oneTimeKeys },
          device_unused_fallback_key_types: ["signed_curve25519"],
        });
      }
      case "GET user":
        return third === "account_data" ? this.#read(`${user} ${fourth}`) : NOT_FOUND;
      case "PUT user":
        this.#accountData.set(`${user} ${fourth}`, body);
        return ok();
      case "GET joined_rooms":
        return ok({ joined_rooms: [...(this.joined.get(user) ?? [])] });
      case "POST join":
        this.joined.set(user, new Set([...(this.joined.get(user) ?? []), second]));
        return ok({ room_id: second });
      case "GET rooms":
        return third === "state" && fourth === "" ? ok(this.state.get(second) ?? []) : NOT_FOUND;
      case "POST rooms":
        if (third === "leave") this.joined.get(user)?.delete(second);
        return ok();
      case "PUT rooms":
        return ok({ event_id: `$simulated${++this.#events}` });
      case "GET account":
        return ok({ user_id: user, ...(device === "" ? {} : { device_id: device }) });
      case "GET devices":
        return ok({ devices: [] });
      case "POST room_keys":
        this.#backups.set(user, { ...body, version: "1", count: 0, etag: "0" });
        return ok({ version: "1" });
      case "GET room_keys":
        if (second === "keys") return ok({ rooms: {} });
        return this.#backups.has(user) ? ok(this.#backups.get(user)) : NOT_FOUND;
      case "PUT room_keys":
        return ok({ count: 0, etag: "0" });
      default:
        return ok();
    }
  }

  #read(key: string): SimulatedAnswer {
    const content = this.#accountData.get(key);
    return content === undefined ? NOT_FOUND : { status: 200, body: content };
  }
}
