import { RequestType } from "@matrix-org/matrix-sdk-crypto-wasm";

/** A request of the engine, as it would go to the homeserver. */
export interface KeyRequest {
  readonly type: RequestType;
  readonly body: string;
  /** With a to-device request: the type of its messages and its transaction id. */
  readonly eventType?: string;
  readonly txnId?: string;
}

/** A to-device message as `/sync` hands it out. */
export interface ToDeviceMessage {
  readonly sender: string;
  readonly type: string;
  readonly content: unknown;
}

/** The answer of `/sync` to a device. */
export interface DeviceSync {
  readonly toDevice: readonly ToDeviceMessage[];
  /** The place where the next sync continues: earlier messages are dropped then, as in Synapse. */
  readonly nextBatch: number;
  readonly oneTimeKeys: number;
}

interface Device {
  keys: unknown;
  readonly oneTimeKeys: Map<string, unknown>;
  fallbackKey: readonly [string, unknown] | undefined;
  readonly inbox: { readonly position: number; readonly message: ToDeviceMessage }[];
}

/** A user's cross-signing keys by their use, as `/keys/device_signing/upload` names them. */
type Identity = Record<"master_key" | "self_signing_key" | "user_signing_key", SignedKey | undefined>;

interface SignedKey {
  signatures?: PerDevice;
}

type PerDevice = Record<string, Record<string, unknown>>;

/**
 * The part of a homeserver that encryption needs, in memory, for tests of the crypto store alone: device keys, one-time
 * keys given out once, to-device messages kept until the device has synced past them. Any request of a device that
 * Synapse would refuse, such as uploading another key under a used id, throws.
 */
export class SimulatedKeyServer {
  readonly #devices = new Map<string, Map<string, Device>>();
  readonly #identities = new Map<string, Identity>();
  readonly #transactions = new Set<string>();
  #position = 0;

  /** Answers a request of a device with the response's body. */
  handle(user: string, device: string, request: KeyRequest): unknown {
    const body = JSON.parse(request.body) as Record<string, unknown>;
    switch (request.type) {
      case RequestType.KeysUpload:
        return this.#upload(this.#device(user, device), body);
      case RequestType.KeysQuery:
        return this.#query(Object.keys(body["device_keys"] as object));
      case RequestType.KeysClaim:
        return this.#claim(body["one_time_keys"] as PerDevice);
      case RequestType.ToDevice:
        return this.#deliver(user, device, request, body["messages"] as PerDevice);
      case RequestType.SignatureUpload:
        return this.#sign(body as Record<string, Record<string, SignedKey>>);
      case RequestType.RoomMessage:
      case RequestType.KeysBackup:
        throw new Error(`the simulated server has no answer to a request of type ${request.type}`);
    }
  }

  /** `/keys/device_signing/upload`: a user's cross-signing keys. */
  setIdentity(user: string, identity: Identity): void {
    this.#identities.set(user, identity);
  }

  /** Logs a device out. */
  removeDevice(user: string, device: string): void {
    this.#devices.get(user)?.delete(device);
  }

  /** `/sync` of a device that has seen everything before `since`. */
  sync(user: string, device: string, since: number): DeviceSync {
    const { inbox, oneTimeKeys } = this.#device(user, device);
    while (inbox[0] !== undefined && inbox[0].position < since) inbox.shift();
    return { toDevice: inbox.map(({ message }) => message), nextBatch: this.#position, oneTimeKeys: oneTimeKeys.size };
  }

  #device(user: string, id: string): Device {
    const devices = this.#devices.get(user) ?? new Map<string, Device>();
    this.#devices.set(user, devices);
    const device = devices.get(id) ?? { keys: undefined, oneTimeKeys: new Map(), fallbackKey: undefined, inbox: [] };
    devices.set(id, device);
    return device;
  }

  #upload(device: Device, body: Record<string, unknown>): unknown {
    if (body["device_keys"] !== undefined) {
      if (device.keys !== undefined && identity(device.keys) !== identity(body["device_keys"])) {
        throw new Error("a device came with other identity keys than it had");
      }
      device.keys = body["device_keys"];
    }
    for (const [id, key] of Object.entries(body["one_time_keys"] ?? {})) {
      const known = device.oneTimeKeys.get(id);
      if (known !== undefined && JSON.stringify(known) !== JSON.stringify(key)) {
        throw new Error(`One time key ${id} already exists`);
      }
      device.oneTimeKeys.set(id, key);
    }
    device.fallbackKey = Object.entries(body["fallback_keys"] ?? {})[0] ?? device.fallbackKey;
    return { one_time_key_counts: { signed_curve25519: device.oneTimeKeys.size } };
  }

  #query(users: readonly string[]): unknown {
    const known = (user: string): [string, unknown][] =>
      [...(this.#devices.get(user) ?? [])].flatMap(([id, { keys }]) => (keys === undefined ? [] : [[id, keys]]));
    const identities = (use: keyof Identity): object =>
      Object.fromEntries(
        users.flatMap((user) => {
          const key = this.#identities.get(user)?.[use];
          return key === undefined ? [] : [[user, key]];
        }),
      );
    return {
      device_keys: Object.fromEntries(users.map((user) => [user, Object.fromEntries(known(user))])),
      master_keys: identities("master_key"),
      self_signing_keys: identities("self_signing_key"),
      user_signing_keys: identities("user_signing_key"),
      failures: {},
    };
  }

  /** Adds signatures to devices' keys, by their ids, and to master keys, by their public parts. */
  #sign(signed: Record<string, Record<string, SignedKey>>): unknown {
    for (const [user, keys] of Object.entries(signed)) {
      for (const [id, { signatures = {} }] of Object.entries(keys)) {
        const known = (this.#devices.get(user)?.get(id)?.keys ?? this.#identities.get(user)?.master_key) as SignedKey;
        known.signatures ??= {};
        for (const [signer, made] of Object.entries(signatures)) {
          known.signatures[signer] = { ...known.signatures[signer], ...made };
        }
      }
    }
    return { failures: {} };
  }

  #claim(wanted: PerDevice): unknown {
    const claimed: Record<string, Record<string, unknown>> = {};
    for (const [user, devices] of Object.entries(wanted)) {
      for (const id of Object.keys(devices)) {
        const { oneTimeKeys, fallbackKey } = this.#device(user, id);
        const [key = fallbackKey] = oneTimeKeys;
        if (key === undefined) continue;
        oneTimeKeys.delete(key[0]);
        (claimed[user] ??= {})[id] = { [key[0]]: key[1] };
      }
    }
    return { one_time_keys: claimed, failures: {} };
  }

  #deliver(sender: string, device: string, request: KeyRequest, messages: PerDevice): unknown {
    const transaction = JSON.stringify([sender, device, request.txnId]);
    if (this.#transactions.has(transaction)) return {};
    this.#transactions.add(transaction);
    for (const [user, contents] of Object.entries(messages)) {
      for (const [id, content] of Object.entries(contents)) {
        const message = { sender, type: request.eventType ?? "", content };
        this.#device(user, id).inbox.push({ position: this.#position++, message });
      }
    }
    return {};
  }
}

function identity(deviceKeys: unknown): string {
  return JSON.stringify((deviceKeys as { keys: unknown }).keys);
}
