import type { JsonObject } from "../matrix/json.ts";
import { randomBytes, randomUUID } from "node:crypto";
import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";
import { EngineCalls } from "../crypto/engine-calls.ts";
import { establishIdentity } from "../crypto/identity.ts";
import { Outgoing } from "../crypto/outgoing.ts";
import { RoomEncryptor } from "../crypto/room-encryptor.ts";
import { SecretStorage } from "../crypto/secret-storage.ts";
import type { DeviceTransport } from "../crypto/transport.ts";
import { accountDataOf } from "../ghost/device/server-side-keys.ts";
import { asDevice } from "../ghost/device/device-access.ts";
import { deviceTransport } from "../ghost/device/device-transport.ts";
import { asObject, asObjects, asStrings, stringField } from "../homeserver/answer.ts";
import { path } from "../homeserver/path.ts";
import { silentLogger } from "../observability/log.ts";
import type { TemporaryUser } from "./temporary-user.ts";

/** A decrypted message of a room. */
export interface ReadMessage {
  readonly eventId: string;
  readonly sender: string;
  readonly content: JsonObject;
}

/** The news of a room from one look at the homeserver. */
export interface RoomNews {
  /** The users in the room now, as far as the news names them. */
  readonly joined: readonly string[];
  readonly left: readonly { readonly userId: string; readonly reason: string | undefined }[];
  readonly messages: readonly ReadMessage[];
}

const MEGOLM = "m.megolm.v1.aes-sha2";
/** The default rotation period of a room that states none. */
const WEEK_MS = 604_800_000;
const POLL_MS = 5_000;
const LEEWAY_MS = 10_000;

/**
 * The smallest possible client of a person: one device in memory, signed by an identity of its own, in one encrypted
 * room.
 */
export class EncryptedPerson {
  readonly #user: TemporaryUser;
  readonly #machine: engine.OlmMachine;
  readonly #calls = new EngineCalls(new AbortController().signal);
  readonly #transport: DeviceTransport;
  readonly #outgoing: Outgoing;
  readonly #encryptor: RoomEncryptor;
  /** Encrypted messages whose key has not come. */
  readonly #unread: JsonObject[] = [];
  #since: string | undefined;

  private constructor(user: TemporaryUser, machine: engine.OlmMachine) {
    this.#user = user;
    this.#machine = machine;
    this.#transport = deviceTransport(user.client, asDevice(user));
    this.#outgoing = new Outgoing(machine, this.#calls, this.#transport, silentLogger());
    this.#encryptor = new RoomEncryptor(machine, this.#calls, this.#outgoing);
  }

  /** Publishes the device and its identity. Throws HomeserverError. */
  static async open(user: TemporaryUser): Promise<EncryptedPerson> {
    await engine.initAsync();
    const machine = await engine.OlmMachine.initialize(
      new engine.UserId(user.userId),
      new engine.DeviceId(user.deviceId),
    );
    const person = new EncryptedPerson(user, machine);
    await person.#outgoing.drain();
    await establishIdentity({
      userId: user.userId,
      deviceId: user.deviceId,
      machine,
      calls: person.#calls,
      outgoing: person.#outgoing,
      transport: person.#transport,
      storage: new SecretStorage(accountDataOf(user.client, user.userId), randomBytes(32)),
      // Nobody needs the identity of a user who is removed after the check.
      keptIdentity: { keep: () => Promise.resolve(), kept: () => Promise.resolve(undefined) },
    });
    await person.#outgoing.drain();
    return person;
  }

  /** Makes an encrypted direct chat. Returns its id. Throws HomeserverError. */
  async createChat(partner: string): Promise<string> {
    const answer = await this.#user.client.request({
      method: "POST",
      path: "/_matrix/client/v3/createRoom",
      body: {
        preset: "trusted_private_chat",
        is_direct: true,
        invite: [partner],
        initial_state: [{ type: "m.room.encryption", state_key: "", content: { algorithm: MEGOLM } }],
      },
    });
    return stringField(answer, "room_id", "POST createRoom");
  }

  /** Sends an encrypted text. Returns the event's id. Throws the errors of encryption and the homeserver. */
  async say(roomId: string, partner: string, body: string): Promise<string> {
    const recipients = [this.#user.userId, partner];
    await this.#calls.run(() => this.#machine.updateTrackedUsers(recipients.map((id) => new engine.UserId(id))));
    await this.#outgoing.drain();
    const content = await this.#encryptor.encrypt(
      {
        roomId,
        encryption: { algorithm: MEGOLM, rotationPeriodMs: WEEK_MS, rotationPeriodMessages: 100 },
        historyVisibility: "shared",
        recipients,
        sendTo: "cross-signed-untrusted",
      },
      "m.room.message",
      { msgtype: "m.text", body, "m.mentions": {} },
    );
    const answer = await this.#transport.sendRoomMessage(roomId, "m.room.encrypted", randomUUID(), content);
    return stringField(JSON.parse(answer), "event_id", "PUT send");
  }

  /** Waits briefly for something new, and reads it. Throws HomeserverError. */
  async look(roomId: string, signal: AbortSignal): Promise<RoomNews> {
    const call = "GET sync";
    const answer = asObject(
      await this.#user.client.request({
        method: "GET",
        path: "/_matrix/client/v3/sync",
        query: {
          since: this.#since,
          timeout: String(POLL_MS),
          set_presence: "offline",
          filter: JSON.stringify({ presence: { types: [] }, room: { rooms: [roomId], timeline: { limit: 100 } } }),
        },
        timeoutMs: POLL_MS + LEEWAY_MS,
        signal,
      }),
      call,
    );
    await this.#receive(answer);
    this.#since = stringField(answer, "next_batch", call);
    await this.#outgoing.drain();
    const joined = asObject(asObject(answer["rooms"] ?? {}, call)["join"] ?? {}, call);
    const room = asObject(joined[roomId] ?? {}, call);
    const events = ["state", "timeline"].flatMap((part) =>
      asObjects(asObject(room[part] ?? {}, call)["events"] ?? [], call),
    );
    return this.#read(roomId, events);
  }

  /** Leaves the room for good. Throws HomeserverError. */
  async leave(roomId: string): Promise<void> {
    for (const what of ["leave", "forget"]) {
      await this.#user.client.request({
        method: "POST",
        path: `${path`/_matrix/client/v3/rooms/${roomId}`}/${what}`,
        body: {},
      });
    }
  }

  close(): void {
    this.#outgoing.close();
    this.#machine.close();
  }

  async #receive(answer: JsonObject): Promise<void> {
    const call = "GET sync";
    const lists = asObject(answer["device_lists"] ?? {}, call);
    const users = (name: string): engine.UserId[] =>
      asStrings(lists[name] ?? [], call).map((userId) => new engine.UserId(userId));
    const counts = asObject(answer["device_one_time_keys_count"] ?? {}, call);
    await this.#calls.run(async () => {
      await this.#machine.receiveSyncChanges(
        JSON.stringify(asObject(answer["to_device"] ?? {}, call)["events"] ?? []),
        new engine.DeviceLists(users("changed"), users("left")),
        new Map(Object.entries(counts).map(([name, count]) => [name, Number(count)])),
        new Set(asStrings(answer["device_unused_fallback_key_types"] ?? [], call)),
        new engine.DecryptionSettings(engine.TrustRequirement.Untrusted),
      );
    });
  }

  async #read(roomId: string, events: readonly JsonObject[]): Promise<RoomNews> {
    const members = events.filter(({ type }) => type === "m.room.member");
    const memberships = members.map((event) => {
      const content = asObject(event["content"], "GET sync");
      return { userId: String(event["state_key"]), membership: content["membership"], reason: content["reason"] };
    });
    this.#unread.push(...events.filter(({ type }) => type === "m.room.encrypted"));
    const messages: ReadMessage[] = [];
    for (const event of this.#unread.splice(0)) {
      const content = await this.#decrypt(roomId, event);
      if (content === undefined) this.#unread.push(event);
      else messages.push({ eventId: String(event["event_id"]), sender: String(event["sender"]), content });
    }
    return {
      joined: memberships.filter(({ membership }) => membership === "join").map(({ userId }) => userId),
      left: memberships
        .filter(({ membership }) => membership === "leave" || membership === "ban")
        .map(({ userId, reason }) => ({ userId, reason: typeof reason === "string" ? reason : undefined })),
      messages,
    };
  }

  async #decrypt(roomId: string, event: JsonObject): Promise<JsonObject | undefined> {
    try {
      const settings = new engine.DecryptionSettings(engine.TrustRequirement.Untrusted);
      const decrypted = await this.#calls.run(() =>
        this.#machine.decryptRoomEvent(JSON.stringify(event), new engine.RoomId(roomId), settings),
      );
      const { content } = JSON.parse(decrypted.event) as { content: JsonObject };
      // Relations stand outside the ciphertext.
      const relation = asObject(event["content"], "GET sync")["m.relates_to"];
      return relation === undefined ? content : { ...content, "m.relates_to": relation };
    } catch (error) {
      if (error instanceof engine.MegolmDecryptionError) return undefined;
      throw error;
    }
  }
}
