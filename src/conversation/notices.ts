import { shownName } from "../addressing/candidate.ts";
import { describeDistrust, describeMissingKey, identityOf, type Person } from "../answering/notices.ts";
import { noticeContent, type MessageContent } from "../answering/reply.ts";
import { decideIn } from "../permissions/in-room.ts";
import type { Obstacle } from "../crypto/device-lists.ts";
import type { GhostHandle } from "../ghost/ghost-handle.ts";
import type { UnreadMessage, GhostMessage } from "../ghost/received.ts";
import type { NoticeWriter } from "../ghost/notice-writer.ts";
import type { Distrust } from "../permissions/trust.ts";
import type { ConversationOptions } from "./conversation-options.ts";
import type { MessageClassifier } from "./message-classifier.ts";
import type { Welcome } from "./welcome.ts";

type NoticesOptions = Pick<ConversationOptions, "agentOf" | "language" | "permissions">;

/** A ghost's notices where encryption keeps it from talking, in the language of the room. */
export class Notices implements NoticeWriter {
  readonly #options: NoticesOptions;
  readonly #classifier: MessageClassifier;
  readonly #welcome: Welcome;

  constructor(options: NoticesOptions, parts: { readonly classifier: MessageClassifier; readonly welcome: Welcome }) {
    this.#options = options;
    this.#classifier = parts.classifier;
    this.#welcome = parts.welcome;
  }

  /** Only a person who addresses the agent is told that it does not listen. */
  async distrusted(ghost: GhostHandle, message: GhostMessage, why: Distrust): Promise<MessageContent | undefined> {
    const decision = await this.#classifier.classify(ghost, message);
    if (decision.kind !== "addressed") return undefined;
    if (!(await decideIn(this.#options.permissions, ghost, "message", message)).allowed) return undefined;
    const { eventId, roomId } = message;
    const words = await this.#options.language.words(ghost.userId, roomId, decision.text);
    const person = message.direct ? undefined : await personIn(ghost, roomId, message.sender);
    const notice = describeDistrust(words, shownName(this.#options.agentOf(ghost.userId), ghost.userId), person, why);
    return noticeContent(notice, { eventId, threadRoot: decision.threadRoot });
  }

  /** The reason why there is no greeting yet, where there would be one. */
  async unheard(
    ghost: GhostHandle,
    { roomId, direct, why }: { readonly roomId: string; readonly direct: boolean; readonly why: Obstacle["why"] },
  ): Promise<MessageContent | undefined> {
    if ((await this.#welcome.textFor(ghost, roomId, direct)) === undefined) return undefined;
    const words = await this.#options.language.words(ghost.userId, roomId);
    return noticeContent(words.beforeWelcome[why](await ghost.displayNameOf(roomId, ghost.userId)));
  }

  async verifiedUnseen(ghost: GhostHandle, roomId: string): Promise<MessageContent> {
    const words = await this.#options.language.words(ghost.userId, roomId);
    return noticeContent(words.unseenVerification(shownName(this.#options.agentOf(ghost.userId), ghost.userId)));
  }

  async silenced(ghost: GhostHandle, roomId: string, userId: string): Promise<MessageContent> {
    const words = await this.#options.language.words(ghost.userId, roomId);
    const person = await personIn(ghost, roomId, userId);
    return noticeContent(
      words.silenced(shownName(this.#options.agentOf(ghost.userId), ghost.userId), identityOf(person)),
    );
  }

  async unsigned(ghost: GhostHandle, roomId: string): Promise<MessageContent> {
    const words = await this.#options.language.words(ghost.userId, roomId);
    return noticeContent(words.unsignedAgent(shownName(this.#options.agentOf(ghost.userId), ghost.userId)));
  }

  async noDevice(ghost: GhostHandle, roomId: string, why: "none given" | "none wanted"): Promise<MessageContent> {
    const words = await this.#options.language.words(ghost.userId, roomId);
    return noticeContent(why === "none given" ? words.noDevice : words.noEncryptedRooms);
  }

  /** The notice about a message that an agent can't read. */
  async missingKey(message: UnreadMessage): Promise<MessageContent> {
    const words = await this.#options.language.words(message.ghost, message.roomId);
    return noticeContent(
      describeMissingKey(words, shownName(this.#options.agentOf(message.ghost), message.ghost), message.withheld),
      message,
    );
  }
}

async function personIn(ghost: GhostHandle, roomId: string, userId: string): Promise<Person> {
  return { userId, displayName: await ghost.displayNameOf(roomId, userId) };
}
