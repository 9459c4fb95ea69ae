import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { jsonAnswer, type PassingAnswer, type PassingRequest } from "./http-proxy.ts";

/** A person with an identity and signed devices that consist only of keys; made quickly. */
export class PersonOfKeys {
  readonly userId: string;
  readonly deviceIds: readonly string[];
  readonly #master = generateKeyPairSync("ed25519");
  readonly #selfSigning = generateKeyPairSync("ed25519");
  readonly #devices = new Map<string, { readonly keys: object; readonly privateKey: KeyObject }>();

  constructor(userId: string, devices: number) {
    this.userId = userId;
    this.deviceIds = Array.from({ length: devices }, (_, index) => `DEVICE${index}`);
  }

  /** The answer of `/keys/query` about this person. */
  query(): { readonly device_keys: object; readonly master_keys: object; readonly self_signing_keys: object } {
    const master = raw(this.#master.publicKey);
    const selfSigning = raw(this.#selfSigning.publicKey);
    const devices = this.deviceIds.map((id) => [id, this.#deviceOf(id).keys]);
    return {
      device_keys: Object.fromEntries(devices) as object,
      master_keys: { keys: { [`ed25519:${master}`]: master }, usage: ["master"], user_id: this.userId },
      self_signing_keys: this.#signed(
        { keys: { [`ed25519:${selfSigning}`]: selfSigning }, usage: ["self_signing"], user_id: this.userId },
        [[master, this.#master.privateKey]],
      ),
    };
  }

  /** A one-time key of a device, as `/keys/claim` hands it out. */
  claim(deviceId: string): object {
    const key = raw(generateKeyPairSync("x25519").publicKey);
    return { "signed_curve25519:AAAAAA": this.#signed({ key }, [[deviceId, this.#deviceOf(deviceId).privateKey]]) };
  }

  #deviceOf(id: string): { readonly keys: object; readonly privateKey: KeyObject } {
    const known = this.#devices.get(id);
    if (known !== undefined) return known;
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const keys = this.#signed(
      {
        algorithms: ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
        device_id: id,
        keys: { [`curve25519:${id}`]: raw(generateKeyPairSync("x25519").publicKey), [`ed25519:${id}`]: raw(publicKey) },
        user_id: this.userId,
      },
      [
        [id, privateKey],
        [raw(this.#selfSigning.publicKey), this.#selfSigning.privateKey],
      ],
    );
    const device = { keys, privateKey };
    this.#devices.set(id, device);
    return device;
  }

  /** The object's keys stand in order. */
  #signed(object: object, by: readonly (readonly [string, KeyObject])[]): object {
    const text = Buffer.from(JSON.stringify(object));
    const signatures = by.map(([id, key]) => [`ed25519:${id}`, unpadded(sign(null, text, key))]);
    return { ...object, signatures: { [this.userId]: Object.fromEntries(signatures) as object } };
  }
}

type ByUser = Record<string, object>;

/** The answer to a `/keys/query` or `/keys/claim`, with these people's keys in it; other answers unchanged. */
export function withKeysOf(
  people: ReadonlyMap<string, PersonOfKeys>,
  { url, body }: PassingRequest,
  answer: PassingAnswer,
): PassingAnswer {
  const isQuery = url.includes("/keys/query");
  if (answer.status !== 200 || (!isQuery && !url.includes("/keys/claim"))) return answer;
  const asked = JSON.parse(body.toString()) as { device_keys?: ByUser; one_time_keys?: ByUser };
  const answered = JSON.parse(answer.body.toString()) as Record<string, ByUser>;
  for (const [userId, devices] of Object.entries(asked.device_keys ?? asked.one_time_keys ?? {})) {
    const person = people.get(userId);
    if (person === undefined) continue;
    if (isQuery) {
      for (const [field, value] of Object.entries(person.query())) (answered[field] ??= {})[userId] = value;
    } else {
      const keys = Object.keys(devices).map((id) => [id, person.claim(id)]);
      (answered["one_time_keys"] ??= {})[userId] = Object.fromEntries(keys) as object;
    }
  }
  return jsonAnswer(200, answered);
}

function raw(key: KeyObject): string {
  return unpadded(Buffer.from(key.export({ format: "jwk" }).x ?? "", "base64url"));
}

function unpadded(bytes: Buffer): string {
  return bytes.toString("base64").replace(/=+$/, "");
}
