import { isEventId } from "../matrix/event-id.ts";
import type { ExchangeMark } from "../matrix/exchange-mark.ts";
import type { ReceivedContent } from "../matrix/received-content.ts";
import type { RespondMode } from "../rooms/settings.ts";
import { readCall, type Call, type Callee } from "./call.ts";

/** A message for addressing: decrypted, of type `m.room.message`. */
export interface IncomingMessage {
  readonly eventId: string;
  readonly roomId: string;
  readonly sender: string;
  readonly sentAt: number;
  /**
   * For an encrypted message everything is from the ciphertext, except the relation and the fact that it is an edit.
   */
  readonly content: ReceivedContent;
  readonly encrypted: boolean;
}

/** The agent that a message may be for. */
export interface Candidate extends Callee {
  /** Other agents that may be called. */
  readonly others?: readonly Callee[];
  /** Whether it is a direct chat with the sender: see ghost/direct-chat.ts. */
  readonly direct: boolean;
  /** In a group: when it answers messages that do not address it. */
  readonly respond: RespondMode;
  /** Whether it takes part in the message's thread. */
  readonly inThread: boolean;
  /** Whether its messages leave the network. */
  readonly cloud: boolean;
}

/** The class of a message for an agent. */
export type MessageClass =
  /** It addresses the agent, which answers `text`. */
  | { readonly kind: "addressed"; readonly text: string; readonly threadRoot: string | undefined }
  /**
   * An edit of an earlier message: it changes the memory, and becomes a question if the original was none and `calls`
   * is set.
   */
  | { readonly kind: "edit"; readonly target: string; readonly text: string; readonly calls: boolean }
  /** It addresses nobody, or others. */
  | { readonly kind: "overheard"; readonly text: string; readonly threadRoot: string | undefined }
  /** The final form of another agent's message, as clients without formatting show it: code is indented. */
  | {
      readonly kind: "agent";
      /** The event that people see and reply to: of an edit, the original. */
      readonly eventId: string;
      readonly text: string;
      readonly threadRoot: string | undefined;
      readonly isMentioned: boolean;
      readonly mark: ExchangeMark | undefined;
    }
  /** An edit that calls nobody and whose original only the homeserver names: its words are ignored. */
  | { readonly kind: "doubtful_edit"; readonly target: string }
  | { readonly kind: "ignored"; readonly reason: IgnoreReason };

/** The reason why a message does not concern the agent; for the log. */
export type IgnoreReason = "an agent elsewhere" | "a notice" | "a draft" | "not text" | "a command to another agent";

/**
 * Decides whether a message is for the agent (docs/using.md has the rules for people). In a DM every message is. In a
 * group it is one that names the agent in `m.mentions`, begins with its pill or name, or replies to one of its
 * messages. `@room` is never for an agent. An encrypted message names its addressees in the ciphertext; the homeserver
 * can't change them by a relation outside.
 *
 * @param isAgent whether a user id is one of the bridge's own.
 * @param repliesToCandidate whether the message replies to one of the candidate's messages.
 */
export function classifyMessage(
  message: IncomingMessage,
  addressee: Candidate,
  isAgent: (userId: string) => boolean,
  repliesToCandidate: (eventId: string) => boolean,
): MessageClass {
  const { content } = message;
  // The spec forbids answering it.
  if (content.kind === "notice") return ignored("a notice");
  const { kind } = content;
  if (kind !== "file" && kind !== "text" && kind !== "emote") return ignored("not text");
  // Of an unfinished message only the final form counts.
  if (content.isDraft) return ignored("a draft");

  if (isAgent(message.sender)) return saidByAgent(message, addressee.userId);
  if (content.exchange !== undefined) return ignored("an agent elsewhere");
  if (content.edit !== undefined) return edited(message, content.edit, addressee, isAgent);
  // A file's name is nobody's words.
  const body = kind === "file" ? (content.caption ?? "") : content.body;
  if (body === undefined) return ignored("not text");
  const said = withoutReplyFallback(body, content);
  const call = callOf(content, said, addressee);
  const text = wordsFor(addressee, call, said);
  const { threadRoot, repliesTo } = content.relation;
  const isMeant =
    addressee.direct ||
    isCalled(content, addressee, call, isAgent) ||
    (!saysToWhom(message) && repliesTo !== undefined && repliesToCandidate(repliesTo)) ||
    (listens(addressee, message) && !isForOthers(content));
  return isMeant ? { kind: "addressed", text, threadRoot } : { kind: "overheard", text: body, threadRoot };
}

function edited(
  message: IncomingMessage,
  { target, said }: NonNullable<ReceivedContent["edit"]>,
  addressee: Candidate,
  isAgent: (userId: string) => boolean,
): MessageClass {
  // The homeserver could have forged the edited event's id: it may be a message to the agent.
  const isDoubtful =
    addressee.cloud && !addressee.direct && (saysToWhom(message) || saysToWhom({ ...message, content: said }));
  const { body } = said;
  const call = callOf(said, body ?? "", addressee);
  const calls = isCalled(said, addressee, call, isAgent);
  if (target === undefined) return ignored("not text");
  if (isDoubtful && !calls) return { kind: "doubtful_edit", target };
  return body === undefined
    ? ignored("not text")
    : { kind: "edit", target, text: wordsFor(addressee, call, body), calls };
}

function saidByAgent({ eventId, content }: IncomingMessage, addressee: string): MessageClass {
  const { said, target } = content.edit ?? { said: content, target: eventId };
  if (said.body === undefined || !isEventId(target)) return ignored("not text");
  const mark = said.exchange?.mark;
  return {
    kind: "agent",
    eventId: target,
    text: said.body,
    threadRoot: content.relation.threadRoot ?? mark?.thread,
    isMentioned: said.mentions.userIds.includes(addressee),
    mark,
  };
}

/**
 * Whether a message names its addressees in its encrypted part, if any: clients also name there the person replied to
 * (spec "User and room mentions"). The homeserver could have forged the reply or the thread.
 */
export function saysToWhom({ encrypted, content }: Pick<IncomingMessage, "encrypted" | "content">): boolean {
  return encrypted && content.mentions.isGiven;
}

/**
 * Whether the agent answers unaddressed messages here. In a thread clients name nobody; that suffices where nothing
 * leaves the network.
 */
function listens({ respond, inThread, cloud }: Candidate, message: IncomingMessage): boolean {
  return respond === "all" || (respond === "thread" && inThread && !(cloud && saysToWhom(message)));
}

/** A message that names a user, or notifies everybody, is not for an agent that merely listens. */
function isForOthers({ mentions }: ReceivedContent): boolean {
  return mentions.room || mentions.userIds.length > 0;
}

function ignored(reason: IgnoreReason): MessageClass {
  return { kind: "ignored", reason };
}

/**
 * `m.mentions` is the authority (spec v1.7). Names at the beginning also count, because people type them; but a plain
 * word does not count where another agent is mentioned: "Max is your friend, isn't he?" to Ada is not for Max.
 */
function isCalled(
  { mentions: { userIds: mentioned } }: ReceivedContent,
  { userId }: Candidate,
  { called, certain }: Call,
  isAgent: (userId: string) => boolean,
): boolean {
  if (mentioned.includes(userId)) return true;
  if (!called.includes(userId)) return false;
  return certain.includes(userId) || !mentioned.some(isAgent);
}

function callOf({ html, mentions }: ReceivedContent, body: string, addressee: Candidate): Call {
  return readCall({ body, html, mentions: mentions.userIds }, [addressee, ...(addressee.others ?? [])]);
}

/** The words for the addressee: without the names of all called agents, if it is one of them. */
function wordsFor({ userId }: Candidate, { called, certain, text }: Call, body: string): string {
  return called.includes(userId) || certain.includes(userId) ? text : body.trim();
}

/** The body without the quotation of a reply's original at its top, which clients before spec v1.13 add. */
export function withoutReplyFallback(body: string, { relation }: Pick<ReceivedContent, "relation">): string {
  if (!relation.isReply || !body.startsWith("> <")) return body;
  return body.replace(/^(> .*\n)+\n?/, "");
}
