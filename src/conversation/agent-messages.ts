import type { MessageClass } from "../addressing/addressing.ts";
import type { Queryable } from "../database/database.ts";
import type { GhostHandle } from "../ghost/ghost-handle.ts";
import type { Outcome } from "../ghost/outcome.ts";
import type { GhostMessage } from "../ghost/received.ts";
import type { Admission } from "../turns/admission.ts";
import type { Exchange } from "../turns/exchanges.ts";
import type { ConversationOptions } from "./conversation-options.ts";
import type { MessageClassifier } from "./message-classifier.ts";
import { remembered } from "./remembered.ts";

type AgentMessagesOptions = Pick<
  ConversationOptions,
  "exchangeLimits" | "exchanges" | "history" | "limits" | "permissions" | "turnQueued" | "turns"
>;

/** Decides about a message of another agent. */
export class AgentMessages {
  readonly #options: AgentMessagesOptions;
  readonly #admission: Admission;
  readonly #classifier: MessageClassifier;

  constructor(
    options: AgentMessagesOptions,
    parts: { readonly admission: Admission; readonly classifier: MessageClassifier },
  ) {
    this.#options = options;
    this.#admission = parts.admission;
    this.#classifier = parts.classifier;
  }

  /**
   * Handles another agent's complete message. The other agent asks this one only by mentioning it, in an exchange that
   * a person started, that nobody has stopped, and that has turns left.
   */
  async said(
    ghost: GhostHandle,
    message: GhostMessage,
    said: Extract<MessageClass, { kind: "agent" }>,
  ): Promise<Outcome> {
    if (ghost.isBot) return {};
    const { history, turns, exchanges, permissions } = this.#options;
    const exchangeLimits = this.#options.exchangeLimits();
    const limits = this.#options.limits();
    const { roomId, sender, settings: set } = message;
    const { eventId, text, threadRoot, mark } = said;
    const { listen = this.#classifier.defaultsOf(ghost.userId, set).listen } = set;
    const isAsked = said.isMentioned && mark !== undefined && message.lateMs <= limits.maxWaitMs;
    // An edit of an earlier question changes the memory, and is no new question.
    const isNew = isAsked && (await turns.about(ghost.userId, roomId, eventId))?.turn.eventId !== eventId;
    const speaker = message.speaker ?? (await ghost.speakerOf(roomId, sender));
    const log = ghost.log.child({ room: roomId, event: eventId, origin: mark?.origin });
    const members = isNew && permissions.maxRoomMembers !== undefined ? await ghost.memberCount(roomId) : undefined;
    const mayAsk = (userId: string): boolean =>
      permissions.decide({ act: "message", userId, ghost: ghost.userId, roomId, members }).allowed;
    const claimed: Exchange[] = [];
    const store = async (tx: Queryable): Promise<void> => {
      const hops = (mark?.hops ?? 0) + 1;
      const id = { roomId, origin: mark?.origin ?? "" };
      const exchange = isNew ? await exchanges.claim(tx, id, exchangeLimits.maxTurns) : undefined;
      const furthest = exchange?.discussion === undefined ? exchangeLimits.maxHops : exchange.discussion.length - 1;
      const mayBe = exchange !== undefined && hops <= furthest && mayAsk(exchange.asker);
      const wish = mayBe ? { asker: exchange.asker, roomId, ghost: ghost.userId } : undefined;
      const isAllowed = wish !== undefined && (await this.#admission.take(tx, wish)) === undefined;
      if (!isAllowed && listen === "off") return;
      // An agent always replies to the message that it answers, so the reply has no meaning here.
      const heard = { ...remembered({ ...message, eventId }, speaker, text), threadRoot, repliesTo: undefined };
      const position = await history.remember(tx, ghost.userId, roomId, heard);
      const { encrypted } = message;
      await history.edit(tx, { ghost: ghost.userId, roomId, eventId, sender, encrypted }, text);
      if (!isAllowed || exchange === undefined) return;
      const turn = { ghost: ghost.userId, roomId, eventId, asker: exchange.asker, position, threadRoot };
      await turns.enqueue(tx, { ...turn, origin: id.origin, hops, encrypted });
      claimed.push(exchange);
    };
    const after = (): void => {
      if (claimed.length === 0) {
        if (isNew) log.info("an agent asked for a turn and was refused");
        return;
      }
      log.info({ asker: sender }, "another agent asks this one");
      ghost.markRead(roomId, eventId, threadRoot);
      this.#options.turnQueued();
    };
    return { store, after };
  }
}
