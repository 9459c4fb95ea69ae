import type { Synapse } from "../../quickstart/synapse.ts";
import { venvPython } from "../../quickstart/venv.ts";
import { ClientProcess, type ClientSession } from "./client-process.ts";
import { eventually } from "./eventually.ts";
import { downloadAs, MatrixRequestError, requestAs, uploadAs } from "./matrix-request.ts";
import { MAUTRIX_USER } from "./mautrix.ts";
import { inCheckout, NIO_VENV } from "./paths.ts";
import { startProcess } from "./process.ts";
import type { Message } from "./timeline.ts";
import type { Asked, DeviceTrust, SeenEvent, Shield, StreamUpdate, VerificationEnd } from "./user-protocol.ts";

export type { DeviceTrust, Message, SeenEvent, Shield };

/** Client software. The one on mautrix-go has to be built before: test/run.ts does for the suite `clients`. */
export type ClientKind = "js-sdk" | "nio" | "mautrix";

export interface UserOptions {
  /** This person's client software. */
  readonly kind: ClientKind;
  readonly synapse: Pick<Synapse, "url" | "serverName" | "registerUser">;
  readonly localpart: string;
  readonly password?: string;
  /** Leaves the device without its owner's signature, as matrix-nio always does. Default false. */
  readonly unsigned?: boolean;
  /** mautrix-go only: takes this identity from secret storage instead of making one. */
  readonly recoveryKey?: string;
  /** matrix-js-sdk only: a session of an agent's own user, opened with its recovery key. */
  readonly agent?: { readonly appserviceToken: string; readonly recoveryKey: string };
}

export interface NewRoom {
  /** Default true. */
  readonly encrypted?: boolean;
  /** The encryption settings beside the algorithm: `rotation_period_msgs` … */
  readonly encryption?: object;
  /** Whether it is a direct chat: `is_direct` on the invites and an entry in `m.direct`. Default false. */
  readonly direct?: boolean;
  readonly invite?: readonly string[];
  readonly name?: string;
  readonly roomVersion?: string;
  readonly preset?: "private_chat" | "trusted_private_chat" | "public_chat";
}

export interface NewText {
  readonly roomId: string;
  readonly body: string;
  /** User ids for `m.mentions`; left out, there is no `m.mentions` at all. */
  readonly mentions?: readonly string[];
  readonly replyTo?: string;
}

export interface WaitOptions {
  readonly roomId: string;
  readonly sender?: string;
  /** Only messages after this event. */
  readonly after?: string;
  /** Default 20 s. */
  readonly timeoutMs?: number;
}

/** A person with a client of their own, in a process of its own. Logged in, encryption set up, syncing. */
export class User {
  readonly kind: ClientKind;
  readonly userId: string;
  readonly deviceId: string;
  /** Opens the secret storage. mautrix-go only; empty elsewhere, and where the device is not signed. */
  readonly recoveryKey: string;
  readonly #request: ReturnType<typeof requestAs>;
  readonly #upload: ReturnType<typeof uploadAs>;
  readonly #download: ReturnType<typeof downloadAs>;
  readonly #client: ClientProcess;

  constructor(kind: ClientKind, url: string, session: ClientSession, client: ClientProcess) {
    this.kind = kind;
    this.userId = session.userId;
    this.deviceId = session.deviceId;
    this.recoveryKey = session.recoveryKey ?? "";
    this.#request = requestAs(url, session.accessToken);
    this.#upload = uploadAs(url, session.accessToken);
    this.#download = downloadAs(url, session.accessToken);
    this.#client = client;
  }

  /** A client-server API call: `path` from after `/_matrix/client`. Throws {@link MatrixRequestError}. */
  request<T = Record<string, unknown>>(
    method: "GET" | "PUT" | "POST" | "DELETE",
    path: string,
    body?: object,
  ): Promise<T> {
    return this.#request<T>(method, path, body);
  }

  /** Uploads a file; resolves with its `mxc://` URI. */
  upload(bytes: Uint8Array, contentType: string): Promise<string> {
    return this.#upload(bytes, contentType);
  }

  /** A file as it is on the server, by its `mxc://` URI. */
  download(uri: string): Promise<Uint8Array> {
    return this.#download(uri);
  }

  /** matrix-nio only. An encrypted file as the client shows it, by its message's `file`. */
  async decryptedFile(file: { readonly url: string }): Promise<Uint8Array> {
    const bytes = Buffer.from(await this.download(file.url)).toString("base64");
    return Buffer.from(String(await this.#client.call({ cmd: "decryptFile", args: { bytes, file } })), "base64");
  }

  /** Makes a room; resolves when the client itself knows it. */
  async createRoom(room: NewRoom = {}): Promise<string> {
    const { encrypted = true, encryption = {}, direct = false, invite = [] } = room;
    const { room_id: roomId } = await this.request<{ room_id: string }>("POST", "/v3/createRoom", {
      preset: room.preset ?? (direct ? "trusted_private_chat" : "private_chat"),
      is_direct: direct,
      invite,
      ...(room.name === undefined ? {} : { name: room.name }),
      ...(room.roomVersion === undefined ? {} : { room_version: room.roomVersion }),
      initial_state: encrypted
        ? [{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2", ...encryption } }]
        : [],
    });
    if (direct) for (const userId of invite) await this.#addDirect(userId, roomId);
    await this.#client.call({ cmd: "waitRoom", args: { roomId, encrypted } });
    if (this.kind === "mautrix") await this.#waitInvited(roomId, invite);
    return roomId;
  }

  /** As Element Web waits for a room that it makes for its first message: keys go to the members that it sees. */
  async #waitInvited(roomId: string, userIds: readonly string[]): Promise<void> {
    await eventually(`${userIds.join(", ")} to be seen in ${roomId}`, async () => {
      const members = await this.members(roomId);
      return userIds.every((userId) => userId in members);
    });
  }

  async invite(roomId: string, userId: string): Promise<void> {
    await this.request("POST", `/v3/rooms/${encodeURIComponent(roomId)}/invite`, { user_id: userId });
  }

  /**
   * matrix-js-sdk only. Invites with the keys of earlier messages, where the room lets everybody see them (MSC4268).
   */
  async inviteWithHistory(roomId: string, userId: string): Promise<void> {
    await this.#client.call({ cmd: "invite", args: { roomId, userId } });
  }

  /** Joins; resolves when the client itself knows the room. */
  async join(roomId: string): Promise<void> {
    await this.request("POST", `/v3/join/${encodeURIComponent(roomId)}`, {});
    await this.#client.call({ cmd: "waitRoom", args: { roomId, encrypted: false } });
  }

  /** Resolves when the client itself knows that the room is encrypted. */
  async waitEncrypted(roomId: string): Promise<void> {
    await this.#client.call({ cmd: "waitRoom", args: { roomId, encrypted: true } });
  }

  async leave(roomId: string): Promise<void> {
    await this.request("POST", `/v3/rooms/${encodeURIComponent(roomId)}/leave`, {});
  }

  /** Memberships by user id, as the client sees them. */
  async members(roomId: string): Promise<Record<string, string>> {
    return (await this.#client.call({ cmd: "members", args: { roomId } })) as Record<string, string>;
  }

  /**
   * Waits until the client sees this membership, so that what it sends next is encrypted for it. A client that its busy
   * homeserver did not wake sees it with its next /sync, half a minute later.
   */
  async waitMember(roomId: string, userId: string, membership = "join", timeoutMs = 45_000): Promise<void> {
    let members: Record<string, string> = {};
    await eventually(
      `${userId} to be "${membership}" in ${roomId}`,
      async () => {
        members = await this.members(roomId);
        // matrix-nio forgets people who have left; matrix-js-sdk has not seen anybody who is missing yet.
        return (members[userId] ?? (this.kind === "nio" ? "leave" : undefined)) === membership;
      },
      { timeoutMs, instead: () => JSON.stringify(members) },
    );
  }

  /** Sends an event, encrypted when the room is; resolves with its id. */
  async send(roomId: string, content: object, type = "m.room.message"): Promise<string> {
    const args = { roomId, type, content: content as Record<string, unknown> };
    return (await this.#client.call({ cmd: "send", args })) as string;
  }

  sendText({ roomId, body, mentions, replyTo }: NewText): Promise<string> {
    return this.send(roomId, {
      msgtype: "m.text",
      body,
      ...(mentions === undefined ? {} : { "m.mentions": { user_ids: mentions } }),
      ...(replyTo === undefined ? {} : { "m.relates_to": { "m.in_reply_to": { event_id: replyTo } } }),
    });
  }

  edit(roomId: string, eventId: string, body: string): Promise<string> {
    const content = { msgtype: "m.text", body };
    return this.send(roomId, {
      ...content,
      body: `* ${body}`,
      "m.new_content": content,
      "m.relates_to": { rel_type: "m.replace", event_id: eventId },
    });
  }

  react(roomId: string, eventId: string, key: string): Promise<string> {
    return this.send(roomId, { "m.relates_to": { rel_type: "m.annotation", event_id: eventId, key } }, "m.reaction");
  }

  async redact(roomId: string, eventId: string): Promise<string> {
    const path = `/v3/rooms/${encodeURIComponent(roomId)}/redact/${encodeURIComponent(eventId)}/${crypto.randomUUID()}`;
    return (await this.request<{ event_id: string }>("PUT", path, {})).event_id;
  }

  /** Everything but state that the client has seen in the room, edits and redactions too, oldest first. */
  events(roomId: string): SeenEvent[] {
    return this.#client.timeline.events(roomId);
  }

  /** Calls it with every event from now on, in the moment it is seen. Returns a function that ends this. */
  onEvent(listener: (seen: SeenEvent) => void): () => void {
    return this.#client.timeline.listen(listener);
  }

  /** The messages of a room as a person sees them: edits applied. Those that can't be read have a `decryptionError`. */
  messages(roomId: string): Message[] {
    return this.#client.timeline.messages(roomId);
  }

  /**
   * Waits for a readable message that `where` accepts. It is asked again after every edit. But for matrix-nio, the
   * result carries the shield. Throws NeverHappened, naming what has been seen instead.
   */
  async waitMessage(options: WaitOptions & { where?: (message: Message) => boolean }): Promise<Message> {
    const { roomId, where = () => true } = options;
    const message = await this.#wait("a message", options, () =>
      this.#after(options, this.messages(roomId)).find(
        (seen) => seen.decryptionError === undefined && !seen.redacted && where(seen),
      ),
    );
    if (this.kind === "nio" || !message.encrypted) return message;
    const shield = await this.shield(roomId, message.eventId);
    return shield === null ? message : { ...message, shield };
  }

  /** Waits for any event of the timeline, unreadable ones too. Throws NeverHappened. */
  waitEvent(options: WaitOptions & { where?: (event: SeenEvent) => boolean }): Promise<SeenEvent> {
    const { where = () => true } = options;
    return this.#wait("an event", options, () => this.#after(options, this.events(options.roomId)).find(where));
  }

  /** Watches answers grow from now on. matrix-js-sdk only. */
  async followStreams(): Promise<void> {
    await this.#client.call({ cmd: "followStreams", args: {} });
  }

  /** The forms in which the client has shown a message whose stream it follows. */
  streamed(eventId: string): readonly StreamUpdate[] {
    return this.#client.streams.get(eventId) ?? [];
  }

  /** The users who are typing right now. */
  typing(roomId: string): readonly string[] {
    return this.#client.typing.get(roomId) ?? [];
  }

  /** The event up to which each user has read, by user id. */
  receipts(roomId: string): ReadonlyMap<string, string> {
    return this.#client.receipts.get(roomId) ?? new Map<string, string>();
  }

  /** A user's devices and whether each is signed by its owner, fresh from the server. Not on matrix-nio. */
  async deviceTrust(userId: string): Promise<DeviceTrust[]> {
    return (await this.#client.call({ cmd: "deviceTrust", args: { userId } })) as DeviceTrust[];
  }

  /** The warning beside an encrypted message; null when there is none. Not on matrix-nio. */
  async shield(roomId: string, eventId: string): Promise<Shield | null> {
    return (await this.#client.call({ cmd: "shield", args: { roomId, eventId } })) as Shield | null;
  }

  /** From now on, keys go only to cross-signed devices, and come only from those (MSC4153). matrix-js-sdk only. */
  async setOnlySignedDevices(on: boolean): Promise<void> {
    await this.#client.call({ cmd: "onlySignedDevices", args: { on } });
  }

  /** From now on, keys go only to devices that this person has verified. matrix-js-sdk only. */
  async setOnlyVerifiedDevices(on: boolean): Promise<void> {
    await this.#client.call({ cmd: "onlyVerifiedDevices", args: { on } });
  }

  /**
   * Asks somebody for a verification by emoji, in a room or, with a device, by to-device messages; resolves with the
   * emoji that are shown. matrix-nio verifies a device, without asking first; mautrix-go
   * asks all devices at once.
   */
  async verify(whom: Asked): Promise<string[]> {
    return (await this.#client.call({ cmd: "verify", args: whom })) as string[];
  }

  /**
   * From now on the events of verifications in encrypted rooms are encrypted, and unencrypted ones are ignored, as in
   * nheko and clients on the Rust SDK. matrix-js-sdk only.
   */
  async encryptVerifications(): Promise<void> {
    await this.#client.call({ cmd: "encryptVerifications", args: {} });
  }

  /** Says whether the emoji are the same; resolves when the verification has ended. */
  async finishVerification(match: boolean): Promise<VerificationEnd> {
    return (await this.#client.call({ cmd: "finishVerification", args: { match } })) as VerificationEnd;
  }

  /**
   * Asks somebody for a verification, in a room or, with a device, by to-device messages; resolves with a function that scans
   * the code they show, given in base64, and resolves when the verification has ended. Not on matrix-nio.
   */
  async verifyByCode(whom: {
    userId: string;
    roomId?: string;
    deviceId?: string;
  }): Promise<(code: string) => Promise<() => Promise<VerificationEnd>>> {
    await this.#client.call({ cmd: "scan", args: whom });
    return async (code) => {
      await this.#client.call({ cmd: "scan", args: { ...whom, code } });
      return async () => (await this.#client.call({ cmd: "finishScan", args: {} })) as VerificationEnd;
    };
  }

  /** Makes a new cross-signing identity, like somebody who has lost all sessions. matrix-js-sdk only. */
  async resetIdentity(): Promise<void> {
    await this.#client.call({ cmd: "resetIdentity", args: {} });
  }

  /** Blocks all devices of somebody. matrix-nio only. */
  async block(userId: string): Promise<void> {
    await this.#client.call({ cmd: "block", args: { userId } });
  }

  /** Whether this person has verified somebody. */
  async isVerified(userId: string): Promise<boolean> {
    return (await this.#client.call({ cmd: "isVerified", args: { userId } })) as boolean;
  }

  /** Reads the key backup; resolves with the number of keys. Not on matrix-nio. */
  async restoreBackup(): Promise<number> {
    return (await this.#client.call({ cmd: "restoreBackup", args: {} })) as number;
  }

  /** The body of an event, fetched and decrypted. Throws when it can't be read. Not on matrix-nio. */
  async readEvent(roomId: string, eventId: string): Promise<string> {
    return (await this.#client.call({ cmd: "readEvent", args: { roomId, eventId } })) as string;
  }

  /** The next message starts a new Megolm session. */
  async rotateSession(roomId: string): Promise<void> {
    await this.#client.call({ cmd: "rotateSession", args: { roomId } });
  }

  /** The client's log, for examining a failure. */
  log(): readonly string[] {
    return this.#client.log();
  }

  /** Ends the client. Idempotent. */
  stop(): Promise<void> {
    return this.#client.stop();
  }

  async #addDirect(userId: string, roomId: string): Promise<void> {
    const path = `/v3/user/${encodeURIComponent(this.userId)}/account_data/m.direct`;
    const none: Record<string, string[]> = {};
    const direct = await this.request<typeof none>("GET", path).catch((error: unknown) => {
      if (error instanceof MatrixRequestError && error.errcode === "M_NOT_FOUND") return none;
      throw error;
    });
    await this.request("PUT", path, { ...direct, [userId]: [...(direct[userId] ?? []), roomId] });
  }

  #after<E extends SeenEvent>({ roomId, sender, after }: WaitOptions, seen: readonly E[]): E[] {
    const order = this.events(roomId).map((event) => event.eventId);
    const start = after === undefined ? -1 : order.indexOf(after);
    if (after !== undefined && start === -1) return [];
    const allowed = new Set(order.slice(start + 1));
    return seen.filter((event) => allowed.has(event.eventId) && (sender === undefined || event.sender === sender));
  }

  #wait<E>(what: string, { roomId, sender, timeoutMs = 20_000 }: WaitOptions, look: () => E | undefined): Promise<E> {
    return eventually(
      `${what} from ${sender ?? "anybody"} in ${roomId} at ${this.userId}`,
      () => {
        this.#client.assertRunning();
        return look();
      },
      {
        timeoutMs,
        instead: () => {
          const lines = this.events(roomId).map(
            (event) => `  ${event.sender} ${event.type} ${event.decryptionError ?? JSON.stringify(event.content)}`,
          );
          return lines.length === 0 ? "nothing at all" : `\n${lines.slice(-12).join("\n")}`;
        },
      },
    );
  }
}

const COMMANDS: Readonly<Record<ClientKind, { command: string; args: string[] }>> = {
  "js-sdk": { command: process.execPath, args: [inCheckout("test/support/js-sdk-user.ts")] },
  nio: { command: venvPython(NIO_VENV), args: [inCheckout("test/support/nio_user.py")] },
  mautrix: { command: MAUTRIX_USER, args: [] },
};

/** Registers the user if necessary and starts their client. Throws when it can't log in or sync. */
export async function startUser(options: UserOptions): Promise<User> {
  const { kind, synapse, localpart, password = "a password", unsigned = false, recoveryKey, agent } = options;
  if (agent === undefined) await synapse.registerUser(localpart, password);
  const userId = `@${localpart}:${synapse.serverName}`;
  const client = new ClientProcess(`${userId} (${kind})`, await startProcess(COMMANDS[kind]));
  try {
    const session = await client.call({
      cmd: "start",
      args: {
        url: synapse.url,
        userId,
        password,
        unsigned,
        ...(recoveryKey === undefined ? {} : { recoveryKey }),
        ...agent,
      },
    });
    return new User(kind, synapse.url, session as ClientSession, client);
  } catch (error) {
    await client.stop();
    throw error;
  }
}
