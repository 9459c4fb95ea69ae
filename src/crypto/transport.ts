import type { DeviceSync } from "../homeserver/device-calls.ts";

/**
 * How a device's requests reach the homeserver, always as that device. Bodies come from the engine and answers go back
 * to it as they are, as JSON text. Every call has a time limit and rejects when it fails.
 */
export interface DeviceTransport {
  keysUpload(body: string): Promise<string>;
  keysQuery(body: string): Promise<string>;
  keysClaim(body: string): Promise<string>;
  signaturesUpload(body: string): Promise<string>;
  /** `POST /keys/device_signing/upload`; an appservice needs no user-interactive authentication for it. */
  deviceSigningUpload(body: string): Promise<string>;
  /** A repeat carries the same transaction id, so that the server delivers it once. */
  sendToDevice(eventType: string, txnId: string, body: string): Promise<string>;
  sendRoomMessage(roomId: string, eventType: string, txnId: string, body: string): Promise<string>;
  /** Media of the server; undefined when it does not have it, or it is too large. */
  download(uri: string): Promise<Uint8Array | undefined>;
  /** One `/sync` of the device: to-device messages, device lists and key counts, nothing of rooms. */
  sync(since: string | undefined): Promise<DeviceSync>;
}
