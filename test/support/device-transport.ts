import { RequestType } from "@matrix-org/matrix-sdk-crypto-wasm";
import type { DeviceTransport } from "../../src/crypto/transport.ts";
import type { SimulatedKeyServer } from "./simulated-key-server.ts";

/** The requests of a device to the simulated server. */
export type Asked = keyof DeviceTransport;

/** A device's connection to the simulated server. `before` is called with each request, and may delay it or throw. */
export function simulatedTransport(
  server: SimulatedKeyServer,
  user: string,
  device: string,
  before: (asked: Asked, body: string) => Promise<void> | void = () => undefined,
): DeviceTransport {
  const answer = async (asked: Asked, type: RequestType, body: string, more: object = {}): Promise<string> => {
    await before(asked, body);
    return JSON.stringify(server.handle(user, device, { type, body, ...more }));
  };
  return {
    keysUpload: (body) => answer("keysUpload", RequestType.KeysUpload, body),
    keysQuery: (body) => answer("keysQuery", RequestType.KeysQuery, body),
    keysClaim: (body) => answer("keysClaim", RequestType.KeysClaim, body),
    signaturesUpload: (body) => answer("signaturesUpload", RequestType.SignatureUpload, body),
    sendToDevice: (eventType, txnId, body) => answer("sendToDevice", RequestType.ToDevice, body, { eventType, txnId }),
    sendRoomMessage: () => Promise.reject(new Error("the simulated server has no rooms")),
    deviceSigningUpload: () => Promise.reject(new Error("the simulated server has no cross-signing")),
    download: () => Promise.reject(new Error("the simulated server has no media")),
    awaitNews: () => Promise.reject(new Error("the simulated server has no news")),
    async sync(since) {
      await before("sync", "");
      const { toDevice, nextBatch, oneTimeKeys } = server.sync(user, device, Number(since ?? 0));
      return {
        nextBatch: String(nextBatch),
        toDevice: toDevice.map((message) => ({ ...message })),
        changedUsers: [],
        leftUsers: [],
        keyCounts: { signed_curve25519: oneTimeKeys },
        unusedFallbackKeys: ["signed_curve25519"],
      };
    },
  };
}
