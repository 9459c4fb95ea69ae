import {
  ClientEvent,
  EventType,
  KnownMembership,
  type MatrixClient,
  type MatrixEvent,
  MatrixEventEvent,
  MsgType,
  Preset,
  type Room,
  RoomEvent,
  RoomMemberEvent,
  RoomStateEvent,
} from "matrix-js-sdk";
import { happening } from "./happening.ts";

/** An encrypted room with one other: each direct chat of theirs is known to all of the person's clients (`m.direct`). */
export interface DirectChat {
  readonly client: MatrixClient;
  readonly roomId: string;
  readonly partnerId: string;
  /** The partner's display name. */
  readonly partnerName: string;
  /** Says this, encrypted; resolves with the event's id. */
  say(text: string): Promise<string>;
  /** Calls back with each message of the partner's that can be read, once. Returns what ends it. */
  onMessage(listener: (message: MatrixEvent) => void): () => void;
  /** Calls back when the partner begins or ceases to type. Returns what ends it. */
  onTyping(listener: (typing: boolean) => void): () => void;
}

const MEGOLM = "m.megolm.v1.aes-sha2";
/** Somebody invited may still come. */
const PRESENT: readonly string[] = [KnownMembership.Join, KnownMembership.Invite];
const JOIN_TIMEOUT_MS = 60_000;

/**
 * The direct chat with this user: the encrypted one there is, else a new one. Resolves when they are in it. Throws
 * QuickstartError when they do not join.
 */
export async function openDirectChat(
  client: MatrixClient,
  partnerId: string,
  signal: AbortSignal,
): Promise<DirectChat> {
  const roomId = findDirectRoom(client, partnerId)?.roomId ?? (await createDirectRoom(client, partnerId));
  const room = await partnerIn(client, roomId, partnerId, signal);

  return {
    client,
    roomId,
    partnerId,
    partnerName: room.getMember(partnerId)?.rawDisplayName ?? partnerId,
    async say(text) {
      const content = { msgtype: MsgType.Text as const, body: text, "m.mentions": {} };
      return (await client.sendEvent(roomId, EventType.RoomMessage, content)).event_id;
    },
    onMessage(listener) {
      // What was said before is decrypted late, too, as keys come from the backup; it is no news.
      const live = new Map<string, "seen" | "told">();
      const tell = (event: MatrixEvent): void => {
        const id = event.getId() ?? "";
        if (live.get(id) !== "seen" || event.isEncrypted() !== (event.getClearContent() !== null)) return;
        if (event.isDecryptionFailure() || event.getType() !== (EventType.RoomMessage as string)) return;
        live.set(id, "told");
        listener(event);
      };
      const look = (
        event: MatrixEvent,
        _room: Room | undefined,
        _toStart: boolean | undefined,
        _removed: boolean,
        { liveEvent }: { liveEvent?: boolean },
      ): void => {
        const id = event.getId();
        if (id === undefined || liveEvent !== true || live.has(id)) return;
        if (event.getRoomId() !== roomId || event.getSender() !== partnerId) return;
        live.set(id, "seen");
        tell(event);
      };
      client.on(RoomEvent.Timeline, look);
      client.on(MatrixEventEvent.Decrypted, tell);
      return () => {
        client.off(RoomEvent.Timeline, look);
        client.off(MatrixEventEvent.Decrypted, tell);
      };
    },
    onTyping(listener) {
      const look = (_event: MatrixEvent, member: { roomId: string; userId: string; typing: boolean }): void => {
        if (member.roomId === roomId && member.userId === partnerId) listener(member.typing);
      };
      client.on(RoomMemberEvent.Typing, look);
      return () => client.off(RoomMemberEvent.Typing, look);
    },
  };
}

/** https://spec.matrix.org/v1.19/client-server-api/#direct-messaging */
function directRooms(client: MatrixClient): Record<string, string[]> {
  return client.getAccountData(EventType.Direct)?.getContent<Record<string, string[]>>() ?? {};
}

function findDirectRoom(client: MatrixClient, partnerId: string): Room | undefined {
  return (directRooms(client)[partnerId] ?? [])
    .map((roomId) => client.getRoom(roomId))
    .filter((room) => room !== null)
    .find((room) => {
      const membership = room.getMember(partnerId)?.membership ?? "";
      const isThere = PRESENT.includes(membership) && room.getMyMembership() === "join";
      return isThere && room.hasEncryptionStateEvent();
    });
}

async function createDirectRoom(client: MatrixClient, partnerId: string): Promise<string> {
  const { room_id: roomId } = await client.createRoom({
    preset: Preset.TrustedPrivateChat,
    is_direct: true,
    invite: [partnerId],
    initial_state: [{ type: EventType.RoomEncryption, state_key: "", content: { algorithm: MEGOLM } }],
  });
  const known = directRooms(client);
  await client.setAccountData(EventType.Direct, { ...known, [partnerId]: [...(known[partnerId] ?? []), roomId] });
  return roomId;
}

async function partnerIn(client: MatrixClient, roomId: string, partnerId: string, signal: AbortSignal): Promise<Room> {
  const late = `${partnerId} did not accept the invitation`;
  return happening<Room>({ timeoutMs: JOIN_TIMEOUT_MS, signal, late }, (done) => {
    const look = (): void => {
      const room = client.getRoom(roomId);
      if (room?.getMember(partnerId)?.membership === KnownMembership.Join) done(room);
    };
    client.on(ClientEvent.Room, look);
    client.on(RoomStateEvent.Members, look);
    look();
    return () => {
      client.off(ClientEvent.Room, look);
      client.off(RoomStateEvent.Members, look);
    };
  });
}
