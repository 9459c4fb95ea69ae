import {
  ClientEvent,
  EventType,
  KnownMembership,
  type MatrixClient,
  MsgType,
  Preset,
  type Room,
  RoomStateEvent,
} from "matrix-js-sdk";
import { Serial } from "../src/concurrency/serial.ts";
import { happening } from "./happening.ts";
import { listenTo } from "./listening.ts";
import type { News } from "./news.ts";
import { gatherEvidence, type Witness } from "./proof.ts";

/** An encrypted room with one other: each direct chat of theirs is known to all of the person's clients (`m.direct`). */
export interface DirectChat extends Witness {
  readonly partnerId: string;
  /** The partner's display name. */
  readonly partnerName: string;
  isTyping(): boolean;
  /** Says this, encrypted; resolves with the event's id. */
  say(text: string): Promise<string>;
  /**
   * Calls back with the partner's messages and acts from now on, in order (see {@link listenTo}). Returns a function
   * that ends it.
   */
  onNews(listener: (news: News) => void): () => void;
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

  const told = new Set<(news: News) => void>();
  listenTo(client, room, partnerId, (news) => {
    for (const listener of told) listener(news);
  });
  // Messages that are said at the same time are sent in this order.
  const speech = new Serial();
  return {
    partnerId,
    partnerName: room.getMember(partnerId)?.rawDisplayName ?? partnerId,
    isTyping: () => room.getMember(partnerId)?.typing === true,
    say(text) {
      const content = { msgtype: MsgType.Text as const, body: text, "m.mentions": {} };
      return speech.run(async () => (await client.sendEvent(roomId, EventType.RoomMessage, content)).event_id);
    },
    onNews(listener) {
      told.add(listener);
      return () => told.delete(listener);
    },
    evidence: (questionId, answerId) => gatherEvidence(client, { roomId, partnerId }, questionId, answerId),
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
  const late = (): string => `${partnerId} did not accept the invitation`;
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
