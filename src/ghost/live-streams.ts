import { randomUUID } from "node:crypto";
import type { Background } from "../concurrency/background.ts";
import type { Device } from "../crypto/device.ts";
import { sendToDevice } from "../homeserver/device-calls.ts";
import type { HomeserverClient } from "../homeserver/client.ts";
import { pause } from "../homeserver/retry.ts";
import { STREAM, STREAM_ALGORITHM } from "../matrix/event-stream.ts";
import { isObject, type JsonObject } from "../matrix/json.ts";
import type { Rooms } from "../rooms/rooms.ts";
import type { GhostAccess } from "./device/device-access.ts";
import { LiveStream, type DeviceMessages } from "./live-stream.ts";

/** The shortest time between two looks for subscriptions, in ms. */
const LOOK_PAUSE_MS = 250;

/** The surroundings of a ghost's streams. */
export interface LiveStreamsOptions {
  readonly client: HomeserverClient;
  readonly rooms: Pick<Rooms, "isJoined">;
  /** The loaded ghost. */
  readonly loaded: () => Promise<{
    readonly device: Pick<Device, "deviceId" | "awaitMessages" | "catchUp"> | undefined;
    readonly access: GhostAccess;
  }>;
  readonly background: Background;
}

/** A ghost's answers that are shown while they grow, to devices that ask (MSC4471). */
export class LiveStreams {
  readonly #options: LiveStreamsOptions;
  readonly #open = new Map<string, LiveStream>();
  #watch: AbortController | undefined;

  constructor(options: LiveStreamsOptions) {
    this.#options = options;
  }

  /**
   * Makes a stream for a message that is about to be sent; undefined where the ghost has no device. Throws the errors of
   * loading the ghost.
   */
  async make(roomId: string): Promise<LiveStream | undefined> {
    const { loaded, rooms, background } = this.#options;
    const { device, access } = await loaded();
    if (device === undefined) return undefined;
    const { deviceId } = device;
    const stream: LiveStream = new LiveStream({
      roomId,
      deviceId,
      isJoined: (userId) => rooms.isJoined(roomId, userId),
      send: (messages) => this.#send(access, messages),
      background: (work) => {
        background.run("the stream of an answer", work);
      },
      began: (streamId) => {
        this.#open.set(streamId, stream);
        this.#beginWatch();
      },
      ended: (streamId) => {
        this.#open.delete(streamId);
        if (this.#open.size === 0) this.#watch?.abort();
      },
    });
    return stream;
  }

  /**
   * Takes a to-device message of a stream, whether it is known or not: such messages are not the engine's. Returns whether it is one.
   */
  heard({ type, sender, content }: JsonObject): boolean {
    if (type !== "m.room.encrypted") return typeof type === "string" && type.startsWith(`${STREAM}.`);
    if (!isObject(content) || content["algorithm"] !== STREAM_ALGORITHM) return false;
    const streamId = content["stream_id"];
    const stream = typeof streamId === "string" ? this.#open.get(streamId) : undefined;
    if (stream !== undefined && typeof sender === "string") {
      this.#options.background.run("a subscription", () => stream.heard(sender, content));
    }
    return true;
  }

  /**
   * Looks for subscriptions as long as an answer grows. No server tells of to-device messages by itself, so a request stays open; it
   * acknowledges nothing, and what it announces comes by the device's own way.
   */
  #beginWatch(): void {
    if (this.#watch !== undefined) return;
    const watch = new AbortController();
    this.#watch = watch;
    this.#options.background.run("the look for subscriptions", async () => {
      try {
        while (!watch.signal.aborted) {
          const { device } = await this.#options.loaded();
          await device?.awaitMessages(watch.signal);
          await device?.catchUp();
          await pause(LOOK_PAUSE_MS, watch.signal);
        }
      } catch (error) {
        if (!watch.signal.aborted) throw error;
      } finally {
        this.#watch = undefined;
        // An answer that began while the look ended.
        if (watch.signal.aborted && this.#open.size > 0) this.#beginWatch();
      }
    });
  }

  async #send(access: GhostAccess, messages: DeviceMessages): Promise<void> {
    const body = Object.fromEntries([...messages].map(([user, devices]) => [user, Object.fromEntries(devices)]));
    const message = { eventType: "m.room.encrypted", txnId: randomUUID(), body: JSON.stringify({ messages: body }) };
    await access.call((as) => sendToDevice(this.#options.client, as, message));
  }
}
