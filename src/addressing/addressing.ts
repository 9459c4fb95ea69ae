import { isEventId } from "../matrix/event-id.ts";
import type { ExchangeMark } from "../matrix/exchange-mark.ts";
import type { ReceivedContent } from "../matrix/received-content.ts";
import type { RespondMode } from "../rooms/settings.ts";
import { readCall, type Call, type Callee } from "./call.ts";

/** A message as addressing sees it: decrypted, of type `m.room.message`. */
export interface IncomingMessage {
  readonly eventId: string;
  readonly roomId: string;
  readonly sender: string;
  readonly sentAt: number;
  /** Of what came encrypted all is from the ciphertext but the relation, and that it is an edit. */
  readonly content: ReceivedContent;
  readonly encrypted: boolean;
}

/** The one who may be meant. */
export interface Candidate extends Callee {
  /** Agents who may be called beside it. */
  readonly others?: readonly Callee[];
  /** Whether it is a direct chat with the sender: see ghost/direct-chat.ts. */
  readonly direct: boolean;
  /** In a group: when it answers what is not said to it. */
  readonly respond: RespondMode;
  /** Whether it takes part in the thread that the message stands in. */
  readonly inThread: boolean;
  /** Whether what it hears leaves the network. */
  readonly cloud: boolean;
}

/** What a message is to an agent. */
export type MessageClass =
  /** Said to the agent: it answers `text`. */
  | { readonly kind: "addressed"; readonly text: string; readonly threadRoot: string | undefined }
  /** An edit of an earlier message: changes what is remembered of it, and is a question where that was none and `calls` now. */
  | { readonly kind: "edit"; readonly target: string; readonly text: string; readonly calls: boolean }
  /** Said in the room, to nobody or to others. */
  | { readonly kind: "overheard"; readonly text: string; readonly threadRoot: string | undefined }
  /** The final form of what another agent said, as people's clients without formatting show it: code is indented in it. */
  | {
      readonly kind: "agent";
      /** What people see, and reply to: of an edit, what it is an edit of. */
      readonly eventId: string;
      readonly text: string;
      readonly threadRoot: string | undefined;
      readonly isMentioned: boolean;
      readonly mark: ExchangeMark | undefined;
    }
  /** An edit that calls nobody, of which only the homeserver says what it edits: its words are not heard. */
  | { readonly kind: "doubtful_edit"; readonly target: string }
  | { readonly kind: "ignored"; readonly reason: IgnoreReason };

/** Why a message is none of the agent's business; for the log. */
export type IgnoreReason = "an agent elsewhere" | "a notice" | "a draft" | "not text" | "a command to another agent";

/**
 * Decides whether a message is for the agent (people-facing rules in docs/using.md). In a DM every message is; in a
 * group one that names it in `m.mentions`, or begins with its pill or its name, or that replies to one of its messages.
 * `@room` is never for an agent. An encrypted message names in its ciphertext to whom it is said; the homeserver can't change that by a
 * relation that it adds outside.
 *
 * @param isAgent whether a user id is one of the bridge's own.
 * @param repliesToCandidate whether the event that is replied to is one of the candidate's messages.
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
  // Of what is being written still only the last form counts.
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
  // Which message it edits, the homeserver could have made up: it could be one that was said to the agent.
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
 * Whether a message says in its encrypted part whom it is said to, if anybody: clients name there whoever is replied to as well
 * (spec "User and room mentions"). What it replies to, or which thread it stands in, the homeserver could have made up.
 */
export function saysToWhom({ encrypted, content }: Pick<IncomingMessage, "encrypted" | "content">): boolean {
  return encrypted && content.mentions.isGiven;
}

/**
 * Whether it answers in this place what is said to nobody. In a thread clients name nobody: that counts where nothing leaves the
 * network.
 */
function listens({ respond, inThread, cloud }: Candidate, message: IncomingMessage): boolean {
  return respond === "all" || (respond === "thread" && inThread && !(cloud && saysToWhom(message)));
}

/** What names somebody, or rings for everybody, is not said to who happens to listen. */
function isForOthers({ mentions }: ReceivedContent): boolean {
  return mentions.room || mentions.userIds.length > 0;
}

function ignored(reason: IgnoreReason): MessageClass {
  return { kind: "ignored", reason };
}

/**
 * `m.mentions` is the authority (spec v1.7). Names at the start count beside it, since people type them, but a mere word does
 * not where another agent is mentioned: "Max is your friend, isn't he?" said to Ada is nothing to Max.
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

/** What is said to the addressee: without the names of all who are called, if it is one of them. */
function wordsFor({ userId }: Candidate, { called, certain, text }: Call, body: string): string {
  return called.includes(userId) || certain.includes(userId) ? text : body.trim();
}

/** The body without what a client of before spec v1.13 quotes at its top: the message that it replies to. */
export function withoutReplyFallback(body: string, { relation }: Pick<ReceivedContent, "relation">): string {
  if (!relation.isReply || !body.startsWith("> <")) return body;
  return body.replace(/^(> .*\n)+\n?/, "");
}
