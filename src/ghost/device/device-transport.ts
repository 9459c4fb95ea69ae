import type { DeviceTransport } from "../../crypto/transport.ts";
import { isHomeserverError } from "../../homeserver/errors.ts";
import type { HomeserverClient } from "../../homeserver/client.ts";
import { isRetryable } from "../../observability/retryable.ts";
import { downloadMedia } from "../../homeserver/calls.ts";
import * as calls from "../../homeserver/device-calls.ts";

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
  device: calls.Device,
  lost: () => void = () => undefined,
): DeviceTransport {
  const options = { timeoutMs: TIMEOUT_MS };
  return {
    keysUpload: (body) => calls.keysUpload(client, device, body, options),
    keysQuery: (body) => calls.keysQuery(client, device, body, options),
    keysClaim: (body) => calls.keysClaim(client, device, body, options),
    signaturesUpload: (body) => calls.signaturesUpload(client, device, body, options),
    deviceSigningUpload: (body) => calls.deviceSigningUpload(client, device, body, options),
    sendToDevice: (eventType, txnId, body) => calls.sendToDevice(client, device, { eventType, txnId, body }, options),
    sendRoomMessage: (roomId, eventType, txnId, body) =>
      calls.sendRoomMessage(client, device, { roomId, eventType, txnId, body }, options),
    download: (uri) =>
      downloadMedia(client, device, uri, { maxBytes: LARGEST_DOWNLOAD, timeoutMs: DOWNLOAD_TIMEOUT_MS }).catch(
        (error: unknown) => {
          if (isRetryable(error) || !isHomeserverError(error)) throw error;
          return undefined;
        },
      ),
    sync: (since) => calls.sync(client, device, since, { ...options, lost }),
    awaitNews: (since, signal) => calls.awaitNews(client, device, since, signal),
  };
}
