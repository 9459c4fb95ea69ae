import type { DeviceSync } from "../homeserver/device-calls.ts";

/**
 * Sends a device's requests to the homeserver, always as that device. Bodies and answers are the engine's JSON text,
 * unchanged. Every call has a time limit and rejects when it fails.
 */
export interface DeviceTransport {
  keysUpload(body: string): Promise<string>;
  keysQuery(body: string): Promise<string>;
  keysClaim(body: string): Promise<string>;
  signaturesUpload(body: string): Promise<string>;
  /** `POST /keys/device_signing/upload`; an application service needs no user-interactive authentication for it. */
  deviceSigningUpload(body: string): Promise<string>;
  /** A repeat carries the same transaction id, so that the server delivers the message once. */
  sendToDevice(eventType: string, txnId: string, body: string): Promise<string>;
  sendRoomMessage(roomId: string, eventType: string, txnId: string, body: string): Promise<string>;
  /** A file of the server's media repository; undefined when the server does not have it, or it is too large. */
  download(uri: string): Promise<Uint8Array | undefined>;
  /** One `/sync` of the device: to-device messages, device lists and key counts, without rooms. */
  sync(since: string | undefined): Promise<DeviceSync>;
  /** Resolves when there is something new after a position, at the latest after half a minute, and acknowledges nothing of it. */
  awaitNews(since: string, signal: AbortSignal): Promise<void>;
}
