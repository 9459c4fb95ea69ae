import {
  type MatrixClient,
  type MatrixEvent,
  MatrixEventEvent,
  type Room,
  RoomEvent,
  RoomMemberEvent,
} from "matrix-js-sdk";
import { newsOf, type News } from "./news.ts";

/** An event that came, and whether it is known by now that it can be read. */
interface Arrival {
  readonly tell: () => void;
  isReady: boolean;
}

/**
 * Tells of this user's messages and acts in the room from now on, in the order of the room. An event that can't be read
 * yet holds up nothing; it is told when it can be read, with its place in the order.
 */
export function listenTo(client: MatrixClient, room: Room, userId: string, tell: (news: News) => void): void {
  const arrivals: Arrival[] = [];
  /** The places of the events that could not be read, by event. */
  const unread = new Map<string, number>();
  let order = 0;

  const flush = (): void => {
    while (arrivals[0]?.isReady === true) arrivals.shift()?.tell();
  };
  const tellOf = (event: MatrixEvent, place: number): void => {
    const id = event.getId() ?? "";
    if (event.isRedacted()) return;
    if (!isReadable(event)) {
      unread.set(id, place);
      return;
    }
    unread.delete(id);
    // getContent() would be that of the newest edit.
    const content = event.getOriginalContent<Record<string, unknown>>();
    const relation: unknown = event.getWireContent()["m.relates_to"];
    const news = newsOf({ id, type: event.getType(), content, relation, redacts: event.event.redacts }, place);
    if (news !== undefined) tell(news);
  };

  client.on(RoomEvent.Timeline, (event, { roomId } = room, _toStart, _removed, { liveEvent }) => {
    // A message that its writer takes back is gone.
    const isTheirs = event.getSender() === userId || event.isRedaction();
    // Older messages are decrypted late, too, as keys come from the backup; they are no news.
    if (liveEvent !== true || roomId !== room.roomId || !isTheirs) return;
    const place = order++;
    const arrival: Arrival = { isReady: false, tell: () => tellOf(event, place) };
    arrivals.push(arrival);
    const ready = (): void => {
      arrival.isReady = true;
      flush();
    };
    client.decryptEventIfNeeded(event).then(ready, ready);
  });
  client.on(MatrixEventEvent.Decrypted, (event) => {
    const place = unread.get(event.getId() ?? "");
    if (place !== undefined) tellOf(event, place);
  });
  client.on(RoomMemberEvent.Typing, (_event, member) => {
    if (member.roomId !== room.roomId || member.userId !== userId) return;
    const { typing: isTyping } = member;
    arrivals.push({ isReady: true, tell: () => tell({ kind: "typing", isTyping }) });
    flush();
  });
}

function isReadable(event: MatrixEvent): boolean {
  return !event.isEncrypted() || (event.getClearContent() !== null && !event.isDecryptionFailure());
}
