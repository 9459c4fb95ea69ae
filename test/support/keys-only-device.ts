import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";

/**
 * The body of a `/keys/upload` for a device that consists only of its keys: other devices can write to it, and it is
 * made quickly. Independent code signs the keys as the specification says.
 */
export function keysOnlyDevice(userId: string, deviceId: string): string {
  const identity = generateKeyPairSync("ed25519");
  const signed = (object: object): object => ({
    ...object,
    signatures: {
      [userId]: { [`ed25519:${deviceId}`]: unpadded(sign(null, Buffer.from(canonical(object)), identity.privateKey)) },
    },
  });
  const curve = (): string => raw(generateKeyPairSync("x25519").publicKey);
  return JSON.stringify({
    device_keys: signed({
      algorithms: ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
      device_id: deviceId,
      keys: { [`curve25519:${deviceId}`]: curve(), [`ed25519:${deviceId}`]: raw(identity.publicKey) },
      user_id: userId,
    }),
    one_time_keys: { "signed_curve25519:AAAAAA": signed({ key: curve() }) },
  });
}

/** Keys in order, as they are written above. */
function canonical(value: object): string {
  return JSON.stringify(value);
}

function raw(key: KeyObject): string {
  return unpadded(Buffer.from(key.export({ format: "jwk" }).x ?? "", "base64url"));
}

function unpadded(bytes: Buffer): string {
  return bytes.toString("base64").replace(/=+$/, "");
}
