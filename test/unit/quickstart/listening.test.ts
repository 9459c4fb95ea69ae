import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { describe, it } from "node:test";
import type { MatrixClient, Room } from "matrix-js-sdk";
import { listenTo } from "../../../quickstart/listening.ts";

const AGENT = "@agent_whale:localhost";

/** The fields of an event that are read; it is encrypted, and readable once `decrypt` was called. */
class Event {
  readonly event = { redacts: undefined };
  readonly id: string;
  readonly sender: string;
  readonly type: string;
  readonly wire: Readonly<Record<string, unknown>>;
  isRead = false;
  isGone = false;
  readonly tried = Promise.withResolvers<undefined>();

  constructor(id: string, { sender = AGENT, type = "m.room.message", edits = "" } = {}) {
    this.id = id;
    this.sender = sender;
    this.type = type;
    this.wire = edits === "" ? {} : { "m.relates_to": { rel_type: "m.replace", event_id: edits } };
  }

  readonly getId = (): string => this.id;
  readonly getSender = (): string => this.sender;
  readonly getType = (): string => this.type;
  readonly isRedaction = (): boolean => this.type === "m.room.redaction";
  readonly isRedacted = (): boolean => this.isGone;
  readonly isEncrypted = (): boolean => !this.isRedaction();
  readonly isDecryptionFailure = (): boolean => false;
  readonly getClearContent = (): object | null => (this.isRead ? {} : null);
  readonly getWireContent = (): object => this.wire;
  readonly getOriginalContent = (): object => {
    const form = { msgtype: "m.text", body: this.id };
    return this.isRedaction() ? { redacts: "$a" } : { ...form, "m.new_content": form };
  };
}

function listening() {
  const emitter = new EventEmitter();
  const client = Object.assign(emitter, { decryptEventIfNeeded: (event: Event) => event.tried.promise });
  const told: string[] = [];
  listenTo(client as unknown as MatrixClient, { roomId: "!r" } as unknown as Room, AGENT, (news) => {
    if (news.kind === "message") told.push(`${news.message.formId} of ${news.message.id} at ${news.message.order}`);
    else told.push(news.kind === "typing" ? `typing ${news.isTyping}` : news.kind);
  });
  return {
    told,
    arrives: (event: Event, { roomId = "!r", liveEvent = true } = {}) =>
      emitter.emit("Room.timeline", event, { roomId }, false, false, { liveEvent }),
    /** The first try to decrypt it is over. */
    tried: async (event: Event, isRead = true): Promise<void> => {
      event.isRead = isRead;
      event.tried.resolve(undefined);
      await event.tried.promise;
      await Promise.resolve();
    },
    keyComes: (event: Event) => {
      event.isRead = true;
      emitter.emit("Event.decrypted", event);
    },
    types: (typing: boolean, userId = AGENT) => emitter.emit("RoomMember.typing", {}, { roomId: "!r", userId, typing }),
  };
}

describe("listening to a room", () => {
  it("reports events in the order of the room, whatever is decrypted first, and typing in its place", async () => {
    const { told, arrives, tried, types } = listening();
    const [first, edit] = [new Event("$a"), new Event("$b", { edits: "$a" })];
    arrives(first);
    arrives(edit);
    types(false);
    await tried(edit);
    assert.deepEqual(told, []);
    await tried(first);
    assert.deepEqual(told, ["$a of $a at 0", "$b of $a at 1", "typing false"]);
  });

  it("delays nothing because of a missing key, and reports the event's place when the key comes", async () => {
    const { told, arrives, tried, keyComes } = listening();
    const [first, edit] = [new Event("$a"), new Event("$b", { edits: "$a" })];
    arrives(first);
    arrives(edit);
    await tried(first, false);
    await tried(edit);
    assert.deepEqual(told, ["$b of $a at 1"]);
    keyComes(first);
    keyComes(first);
    assert.deepEqual(told, ["$b of $a at 1", "$a of $a at 0"]);
  });

  it("reports messages that others delete, except those deleted before they are read", async () => {
    const { told, arrives, tried, keyComes } = listening();
    const message = new Event("$a");
    arrives(message);
    await tried(message, false);
    message.isGone = true;
    const redaction = new Event("$r", { sender: "@admin:localhost", type: "m.room.redaction" });
    arrives(redaction);
    await tried(redaction);
    keyComes(message);
    assert.deepEqual(told, ["taken_back"]);
  });

  it("reports nobody else, no other room, and nothing from before it began", async () => {
    const { told, arrives, tried, types } = listening();
    const events = [new Event("$a", { sender: "@other:localhost" }), new Event("$b"), new Event("$c")] as const;
    arrives(events[0]);
    arrives(events[1], { roomId: "!other" });
    arrives(events[2], { liveEvent: false });
    for (const event of events) await tried(event);
    types(true, "@other:localhost");
    assert.deepEqual(told, []);
  });
});
