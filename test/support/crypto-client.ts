import {
  CollectStrategy,
  DecryptionSettings,
  DeviceId,
  DeviceLists,
  EncryptionSettings,
  OlmMachine,
  RoomId,
  StoreHandle,
  ToDeviceRequest,
  TrustRequirement,
  UserId,
  type RequestType,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import type { DeviceSync, KeyRequest } from "./simulated-key-server.ts";

/** The destination of a client's requests. */
export interface Homeserver {
  /** Resolves with the response's body. */
  request(request: KeyRequest): Promise<string>;
  sync(since: number): Promise<DeviceSync>;
}

/** A device to open: under a store's name, or in memory only. */
export interface DeviceOptions {
  readonly user: string;
  readonly device: string;
  readonly store?: string;
  /** 32 bytes. */
  readonly key?: Uint8Array;
}

/** The content of an encrypted room event, as it is on the wire. */
export type Ciphertext = string;

const ROTATE_AFTER_MESSAGES = 5n;

/** A device that does only what the engine needs from its host: for tests of the engine's store. */
export class CryptoClient {
  readonly machine: OlmMachine;
  readonly #homeserver: Homeserver;
  #since = 0;
  #read = 0;

  private constructor(machine: OlmMachine, homeserver: Homeserver) {
    this.machine = machine;
    this.#homeserver = homeserver;
  }

  static async open({ user, device, store, key }: DeviceOptions, homeserver: Homeserver): Promise<CryptoClient> {
    const handle =
      store !== undefined && key !== undefined
        ? await StoreHandle.openWithKey(store, key)
        : await StoreHandle.open(store, undefined);
    const machine = await OlmMachine.initFromStore(new UserId(user), new DeviceId(device), handle);
    handle.free();
    return new CryptoClient(machine, homeserver);
  }

  /** Receives the homeserver's messages for the device, then sends the engine's requests. */
  async sync(): Promise<void> {
    const { toDevice, nextBatch, oneTimeKeys } = await this.#homeserver.sync(this.#since);
    await this.machine.receiveSyncChanges(
      JSON.stringify(toDevice),
      new DeviceLists(),
      new Map([["signed_curve25519", oneTimeKeys]]),
      new Set(["signed_curve25519"]),
      settings(),
    );
    this.#since = nextBatch;
    await this.#sendOutgoing();
  }

  /** Shares the room's key with members who lack it, and encrypts for them. */
  async encrypt(room: string, members: readonly string[], body: string): Promise<Ciphertext> {
    const users = (): UserId[] => members.map((member) => new UserId(member));
    await this.machine.updateTrackedUsers(users());
    await this.#sendOutgoing();
    const claim = await this.machine.getMissingSessions(users());
    if (claim !== null) await this.#send(claim);
    const rotation = new EncryptionSettings();
    rotation.sharingStrategy = CollectStrategy.allDevices();
    rotation.rotationPeriodMessages = ROTATE_AFTER_MESSAGES;
    for (const request of await this.machine.shareRoomKey(new RoomId(room), users(), rotation)) {
      await this.#send(request);
    }
    return await this.machine.encryptRoomEvent(new RoomId(room), "m.room.message", JSON.stringify({ body }));
  }

  /** The body of a message. Rejects when it cannot be decrypted. */
  async decrypt(room: string, sender: string, content: Ciphertext): Promise<string> {
    const event = {
      type: "m.room.encrypted",
      event_id: `$${++this.#read}`,
      room_id: room,
      sender,
      origin_server_ts: 0,
      content: JSON.parse(content) as unknown,
    };
    const decrypted = await this.machine.decryptRoomEvent(JSON.stringify(event), new RoomId(room), settings());
    return (JSON.parse(decrypted.event) as { content: { body: string } }).content.body;
  }

  async #sendOutgoing(): Promise<void> {
    for (const request of await this.machine.outgoingRequests()) await this.#send(request);
  }

  async #send(request: EngineRequest): Promise<void> {
    const response = await this.#homeserver.request({
      type: request.type,
      body: request.body,
      ...(request instanceof ToDeviceRequest ? { eventType: request.event_type, txnId: request.txn_id } : {}),
    });
    await this.machine.markRequestAsSent(request.id ?? "", request.type, response);
  }
}

interface EngineRequest {
  readonly id?: string | undefined;
  readonly type: RequestType;
  readonly body: string;
}

function settings(): DecryptionSettings {
  return new DecryptionSettings(TrustRequirement.Untrusted);
}
