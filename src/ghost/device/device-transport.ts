import type { DeviceTransport } from "../../crypto/transport.ts";
import { isHomeserverError } from "../../homeserver/errors.ts";
import type { HomeserverClient } from "../../homeserver/client.ts";
import { isRetryable } from "../../observability/retryable.ts";
import { downloadMedia } from "../../homeserver/calls.ts";
import * as calls from "../../homeserver/device-calls.ts";
import type { DeviceAccess } from "./device-access.ts";

/** The time limit of a key request, in ms; other requests go on meanwhile. */
const TIMEOUT_MS = 20_000;

/** The keys of about twenty thousand sessions. */
const LARGEST_DOWNLOAD = 16 * 1024 * 1024;
const DOWNLOAD_TIMEOUT_MS = 60_000;

/**
 * Sends the requests of a device's engine, as that device.
 *
 * @param lost called for a /sync that was too large to be read.
 */
export function deviceTransport(
  client: HomeserverClient,
  access: Pick<DeviceAccess, "call" | "callIfThere">,
  lost: () => void = () => undefined,
): DeviceTransport {
  const options = { timeoutMs: TIMEOUT_MS };
  return {
    keysUpload: (body) => access.call((as) => calls.keysUpload(client, as, body, options)),
    keysQuery: (body) => access.call((as) => calls.keysQuery(client, as, body, options)),
    keysClaim: (body) => access.call((as) => calls.keysClaim(client, as, body, options)),
    signaturesUpload: (body) => access.call((as) => calls.signaturesUpload(client, as, body, options)),
    deviceSigningUpload: (body) => access.call((as) => calls.deviceSigningUpload(client, as, body, options)),
    sendToDevice: (eventType, txnId, body) =>
      access.call((as) => calls.sendToDevice(client, as, { eventType, txnId, body }, options)),
    sendRoomMessage: (roomId, eventType, txnId, body) =>
      access.call((as) => calls.sendRoomMessage(client, as, { roomId, eventType, txnId, body }, options)),
    download: (uri) => {
      const limits = { maxBytes: LARGEST_DOWNLOAD, timeoutMs: DOWNLOAD_TIMEOUT_MS };
      return access
        .call((as) => downloadMedia(client, as, uri, limits))
        .catch((error: unknown) => {
          if (isRetryable(error) || !isHomeserverError(error)) throw error;
          return undefined;
        });
    },
    sync: (since) => access.callIfThere((as) => calls.sync(client, as, since, { ...options, lost })),
    awaitNews: (since, signal) => access.call((as) => calls.awaitNews(client, as, since, signal)),
  };
}
