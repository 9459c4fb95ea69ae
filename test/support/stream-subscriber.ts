import { createCipheriv, createDecipheriv, createHmac, randomBytes, randomUUID } from "node:crypto";
import type { MatrixClient, MatrixEvent } from "matrix-js-sdk";
import type { StreamUpdate } from "./user-protocol.ts";

const STREAM = "org.matrix.msc4471.stream";
const ALGORITHM = `${STREAM}.v1.aes-gcm`;

interface Followed {
  readonly roomId: string;
  readonly eventId: string;
  readonly key: Buffer;
  readonly updates: StreamUpdate[];
}

interface ToDevice {
  readonly type: string;
  readonly content: { algorithm?: string; stream_id?: string; iv?: string; ciphertext?: string };
}

/**
 * A client's side of event streams (MSC4471), written from the proposal alone: it asks for each message that tells of a stream, and
 * puts the updates together. matrix-js-sdk drops to-device messages of unknown encryption, so this reads them from `/sync` itself.
 */
export class StreamSubscriber {
  readonly #told: (roomId: string, eventId: string, update: StreamUpdate) => void;
  readonly #followed = new Map<string, Followed>();
  isOn = false;

  constructor(told: (roomId: string, eventId: string, update: StreamUpdate) => void) {
    this.#told = told;
  }

  /** The client's `fetch`. */
  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const response = await globalThis.fetch(input, init);
    const url = input instanceof Request ? input.url : String(input);
    if (this.isOn && url.includes("/sync?")) {
      const body = (await response.clone().json()) as { to_device?: { events?: ToDevice[] } };
      for (const message of body.to_device?.events ?? []) this.#hear(message);
    }
    return response;
  };

  /** Asks for the stream of a message, if it tells of one. */
  async follow(client: MatrixClient, event: MatrixEvent): Promise<void> {
    const descriptor = event.getOriginalContent()[STREAM] as
      { device_id: string; encryption?: { algorithm: string; key: string } } | undefined;
    const [roomId, eventId, sender] = [event.getRoomId(), event.getId(), event.getSender()];
    if (!this.isOn || descriptor === undefined || roomId === undefined || eventId === undefined) return;
    if (sender === undefined || descriptor.encryption?.algorithm !== ALGORITHM) return;
    const key = Buffer.from(descriptor.encryption.key, "base64url");
    const streamId = createHmac("sha256", key).update(roomId).update(eventId).digest("base64url");
    if (this.#followed.has(streamId)) return;
    this.#followed.set(streamId, { roomId, eventId, key, updates: [] });
    const subscription = { room_id: roomId, event_id: eventId, device_id: client.getDeviceId(), expiry_ms: 60_000 };
    const iv = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", key, iv);
    const message = JSON.stringify({ type: `${STREAM}.subscribe`, content: subscription });
    const ciphertext = Buffer.concat([cipher.update(message), cipher.final(), cipher.getAuthTag()]);
    const content = {
      algorithm: ALGORITHM,
      stream_id: streamId,
      iv: iv.toString("base64url"),
      ciphertext: ciphertext.toString("base64url"),
    };
    await client.sendToDevice(
      "m.room.encrypted",
      new Map([[sender, new Map([[descriptor.device_id, content]])]]),
      randomUUID(),
    );
  }

  #hear({ type, content }: ToDevice): void {
    const followed = this.#followed.get(content.stream_id ?? "");
    if (type !== "m.room.encrypted" || content.algorithm !== ALGORITHM || followed === undefined) return;
    const sealed = Buffer.from(content.ciphertext ?? "", "base64url");
    const decipher = createDecipheriv("aes-256-gcm", followed.key, Buffer.from(content.iv ?? "", "base64url"));
    decipher.setAuthTag(sealed.subarray(-16));
    const clear = decipher.update(sealed.subarray(0, -16), undefined, "utf8") + decipher.final("utf8");
    const message = JSON.parse(clear) as {
      type: string;
      content: { room_id: string; event_id: string; seq: number; op: "append" | "replace"; content: { body: string } };
    };
    const { room_id: roomId, event_id: eventId, seq, op, content: payload } = message.content;
    if (message.type !== `${STREAM}.update` || roomId !== followed.roomId || eventId !== followed.eventId) return;
    const last = followed.updates.at(-1);
    if (last !== undefined && seq <= last.seq) return;
    if (op === "append" && seq !== (last?.seq ?? 0) + 1) throw new Error(`an update is missing before ${seq}`);
    const update = { seq, op, text: op === "append" ? `${last?.text ?? ""}${payload.body}` : payload.body };
    followed.updates.push(update);
    this.#told(roomId, eventId, update);
  }
}
