import { StreamKey, type StreamMessage } from "../crypto/stream-key.ts";
import {
  parseSubscription,
  STREAM_CANCEL,
  STREAM_SUBSCRIBE,
  STREAM_UPDATE,
  streamChange,
  type Subscription,
} from "../matrix/event-stream.ts";

/** The most devices that are told of one answer. */
const MOST_SUBSCRIBERS = 100;

/** The longest time for which a device is told without asking again, in ms. */
const LONGEST_SUBSCRIPTION_MS = 300_000;

/** The time within which a device gets the whole text once, in ms. */
const RESYNC_PAUSE_MS = 1_000;

/** The time for which the message says that there is a stream, in ms. An answer takes less. */
const EXPIRY_MS = 1_800_000;

/** To-device messages by user and device. */
export type DeviceMessages = ReadonlyMap<string, ReadonlyMap<string, object>>;

/** The surroundings of a stream. */
export interface LiveStreamPort {
  readonly roomId: string;
  /** The device that sends it. */
  readonly deviceId: string;
  /** Whether a user is in the room. */
  readonly isJoined: (userId: string) => Promise<boolean>;
  readonly send: (messages: DeviceMessages) => Promise<void>;
  /** Runs what nobody waits for. */
  readonly background: (work: () => Promise<void>) => void;
  /** Called when the stream begins, and when it ends. */
  readonly began: (streamId: string) => void;
  readonly ended: (streamId: string) => void;
}

interface Subscriber {
  readonly userId: string;
  readonly deviceId: string;
  until: number;
  seq: number;
  /** The text that it shows; undefined before it has one. */
  shown: string | undefined;
  resyncedAt: number;
}

type State =
  | { readonly kind: "unsent" }
  | { readonly kind: "open"; readonly eventId: string; readonly streamId: string }
  | { readonly kind: "ended" };

/**
 * A message that devices see growing (MSC4471): those that asked get each change, encrypted with the stream's key. It is best effort:
 * whoever misses a change gets the whole text with the next one, and everybody gets the message's last edit.
 */
export class LiveStream {
  readonly #port: LiveStreamPort;
  readonly #key = new StreamKey();
  readonly #subscribers = new Map<string, Subscriber>();
  #state: State = { kind: "unsent" };
  #text = "";
  #sending = false;

  constructor(port: LiveStreamPort) {
    this.#port = port;
  }

  /** What the message says of its stream. */
  get descriptor(): object {
    return { device_id: this.#port.deviceId, expiry_ms: EXPIRY_MS, encryption: this.#key.descriptor };
  }

  get isOpen(): boolean {
    return this.#state.kind === "open";
  }

  /** The message is in the room. */
  begin(eventId: string, text: string): void {
    const streamId = this.#key.streamId(this.#port.roomId, eventId);
    this.#state = { kind: "open", eventId, streamId };
    this.#text = text;
    this.#port.began(streamId);
  }

  /** Tells those who watch. Returns at once. */
  update(text: string): void {
    this.#text = text;
    this.#flush();
  }

  /** Ends it: nobody is told any more. */
  end(): void {
    if (this.#state.kind === "open") this.#port.ended(this.#state.streamId);
    this.#state = { kind: "ended" };
  }

  /** Takes a to-device message of this stream. Throws DatabaseError, HomeserverError. */
  async heard(sender: string, sealed: Readonly<Record<string, unknown>>): Promise<void> {
    const message = this.#key.open(sealed);
    if (message?.type !== STREAM_SUBSCRIBE || this.#state.kind !== "open") return;
    const subscription = parseSubscription(message.content);
    if (subscription === undefined) return;
    const refusal = await this.#refusal(sender, subscription);
    if (refusal === undefined) this.#subscribe(sender, subscription);
    else await this.#cancel(sender, subscription.deviceId, refusal);
  }

  async #refusal(userId: string, { roomId, eventId, deviceId }: Subscription): Promise<string | undefined> {
    if (this.#state.kind !== "open" || roomId !== this.#port.roomId || eventId !== this.#state.eventId) {
      return "m.unknown_stream";
    }
    if (!(await this.#port.isJoined(userId))) return "m.forbidden";
    this.#forgetExpired();
    const isNew = !this.#subscribers.has(nameOf(userId, deviceId));
    return isNew && this.#subscribers.size >= MOST_SUBSCRIBERS ? "m.limit_exceeded" : undefined;
  }

  #subscribe(userId: string, { deviceId, expiryMs, resync }: Subscription): void {
    const now = performance.now();
    const until = now + Math.min(expiryMs, LONGEST_SUBSCRIPTION_MS);
    const name = nameOf(userId, deviceId);
    const known = this.#subscribers.get(name);
    if (known === undefined) {
      this.#subscribers.set(name, { userId, deviceId, until, seq: 0, shown: undefined, resyncedAt: now });
    } else {
      known.until = until;
      if (resync && now - known.resyncedAt > RESYNC_PAUSE_MS) {
        known.resyncedAt = now;
        known.shown = undefined;
      }
    }
    this.#flush();
  }

  #forgetExpired(): void {
    const now = performance.now();
    for (const [name, { until }] of this.#subscribers) if (until <= now) this.#subscribers.delete(name);
  }

  /** One request at a time: what grows meanwhile goes with the next one. */
  #flush(): void {
    if (this.#sending) return;
    const told = this.#behind();
    if (told.length === 0) return;
    this.#sending = true;
    const messages = byUser(told.map((subscriber) => [subscriber, this.#change(subscriber)] as const));
    this.#port.background(async () => {
      try {
        await this.#port.send(messages);
      } catch (error) {
        for (const subscriber of told) subscriber.shown = undefined;
        this.#sending = false;
        throw error;
      }
      this.#sending = false;
      this.#flush();
    });
  }

  /** Those who do not show the present text. */
  #behind(): readonly Subscriber[] {
    if (this.#state.kind !== "open") return [];
    this.#forgetExpired();
    return [...this.#subscribers.values()].filter(({ shown }) => shown !== this.#text);
  }

  #change(subscriber: Subscriber): object {
    const change = streamChange(subscriber.shown, this.#text) ?? { op: "replace", body: this.#text };
    subscriber.shown = this.#text;
    return this.#sealed({
      type: STREAM_UPDATE,
      content: { ...this.#ids(), seq: ++subscriber.seq, op: change.op, content: { body: change.body } },
    });
  }

  async #cancel(userId: string, deviceId: string, code: string): Promise<void> {
    const content = { ...this.#ids(), device_id: this.#port.deviceId, code };
    await this.#port.send(byUser([[{ userId, deviceId }, this.#sealed({ type: STREAM_CANCEL, content })]]));
  }

  #ids(): { readonly room_id: string; readonly event_id: string } {
    if (this.#state.kind !== "open") throw new Error("the stream is not open");
    return { room_id: this.#port.roomId, event_id: this.#state.eventId };
  }

  #sealed(message: StreamMessage): object {
    if (this.#state.kind !== "open") throw new Error("the stream is not open");
    return this.#key.seal(this.#state.streamId, message);
  }
}

function nameOf(userId: string, deviceId: string): string {
  return JSON.stringify([userId, deviceId]);
}

function byUser(
  messages: readonly (readonly [{ readonly userId: string; readonly deviceId: string }, object])[],
): DeviceMessages {
  const users = new Map<string, Map<string, object>>();
  for (const [{ userId, deviceId }, content] of messages) {
    const devices = users.get(userId) ?? new Map<string, object>();
    users.set(userId, devices.set(deviceId, content));
  }
  return users;
}
