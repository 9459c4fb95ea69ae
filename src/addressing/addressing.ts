import { attachmentOf, captionOf } from "../matrix/attachments.ts";
import type { RespondMode } from "../rooms/settings.ts";
import { isStorable } from "../database/text.ts";
import { readCall, type Call, type Callee } from "./call.ts";
import { isObject, objectOf } from "../matrix/json.ts";
import { EXCHANGE_FIELD, exchangeMark, type ExchangeMark } from "../matrix/exchange-mark.ts";

/** A message as addressing sees it: decrypted, of type `m.room.message`. */
export interface IncomingMessage {
  readonly eventId: string;
  readonly roomId: string;
  readonly sender: string;
  readonly sentAt: number;
  /** Of what came encrypted all is from the ciphertext but `m.relates_to`. */
  readonly content: Readonly<Record<string, unknown>>;
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

/** Message types that are a person's words. `m.notice` is not: the spec forbids answering it. */
const WORDS = new Set(["m.text", "m.emote"]);

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
  // A file's name is nobody's words.
  const content = withCaption(message.content);
  const msgtype = content["msgtype"];
  if (msgtype === "m.notice") return ignored("a notice");
  const hasFile = attachmentOf(message.content) !== undefined;
  if (!hasFile && (typeof msgtype !== "string" || !WORDS.has(msgtype))) return ignored("not text");
  // Of what is being written still (MSC4357) only the last form counts.
  if ("org.matrix.msc4357.live" in content) return ignored("a draft");

  if (isAgent(message.sender)) return saidByAgent(message, addressee.userId);
  if (EXCHANGE_FIELD in content) return ignored("an agent elsewhere");
  const relation = objectOf(content["m.relates_to"]);
  if (relation["rel_type"] === "m.replace") {
    const target = relation["event_id"];
    const said = objectOf(content["m.new_content"]);
    const body = bodyOf(said);
    // Which message it edits, the homeserver could have made up: it could be one that was said to the agent.
    const isDoubtful =
      addressee.cloud && !addressee.direct && (saysToWhom(message) || saysToWhom({ ...message, content: said }));
    const call = callOf(said, body ?? "", addressee);
    const calls = isCalled(said, addressee, call, isAgent);
    if (typeof target !== "string" || !isEventId(target)) return ignored("not text");
    if (isDoubtful && !calls) return { kind: "doubtful_edit", target };
    return body !== undefined
      ? { kind: "edit", target, text: wordsFor(addressee, call, body), calls }
      : ignored("not text");
  }
  const body = bodyOf(content) ?? (hasFile ? "" : undefined);
  if (body === undefined) return ignored("not text");
  const said = withoutReplyFallback(body, relation);
  const call = callOf(content, said, addressee);
  const text = wordsFor(addressee, call, said);
  const threadRoot = threadOf(content);
  const isMeant =
    addressee.direct ||
    isCalled(content, addressee, call, isAgent) ||
    (!saysToWhom(message) && repliesTo(relation, repliesToCandidate)) ||
    (listens(addressee, message) && !isForOthers(content));
  return isMeant ? { kind: "addressed", text, threadRoot } : { kind: "overheard", text: body, threadRoot };
}

function saidByAgent({ eventId, content }: IncomingMessage, addressee: string): MessageClass {
  const relation = objectOf(content["m.relates_to"]);
  const isEdit = relation["rel_type"] === "m.replace";
  const said = isEdit ? objectOf(content["m.new_content"]) : content;
  const text = bodyOf(said);
  const target = isEdit ? relation["event_id"] : eventId;
  if (text === undefined || typeof target !== "string" || !isEventId(target)) return ignored("not text");
  const mark = exchangeMark(said);
  const threadRoot = threadOf(content) ?? (isEventId(mark?.thread ?? "") ? mark?.thread : undefined);
  return { kind: "agent", eventId: target, text, threadRoot, isMentioned: mentionsOf(said).includes(addressee), mark };
}

/** Who is mentioned (spec "User and room mentions"). */
export function mentionsOf(content: Readonly<Record<string, unknown>>): string[] {
  const userIds: unknown = objectOf(content["m.mentions"])["user_ids"];
  return Array.isArray(userIds) ? userIds.filter((userId) => typeof userId === "string") : [];
}

/**
 * Whether a message says in its encrypted part whom it is said to, if anybody: clients name there whoever is replied to as well
 * (spec "User and room mentions"). What it replies to, or which thread it stands in, the homeserver could have made up.
 */
export function saysToWhom({ encrypted, content }: Pick<IncomingMessage, "encrypted" | "content">): boolean {
  return encrypted && isObject(content["m.mentions"]);
}

/**
 * Whether it answers in this place what is said to nobody. In a thread clients name nobody: that counts where nothing leaves the
 * network.
 */
function listens({ respond, inThread, cloud }: Candidate, message: IncomingMessage): boolean {
  return respond === "all" || (respond === "thread" && inThread && !(cloud && saysToWhom(message)));
}

/** What names somebody, or rings for everybody, is not said to who happens to listen. */
function isForOthers(content: Readonly<Record<string, unknown>>): boolean {
  return objectOf(content["m.mentions"])["room"] === true || mentionsOf(content).length > 0;
}

/** The thread that a message stands in. */
export function threadOf(content: Readonly<Record<string, unknown>>): string | undefined {
  const relation = objectOf(content["m.relates_to"]);
  const root = relation["rel_type"] === "m.thread" ? relation["event_id"] : undefined;
  return typeof root === "string" && isEventId(root) ? root : undefined;
}

function withCaption(content: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return attachmentOf(content) === undefined ? content : { ...content, body: captionOf(content) };
}

function ignored(reason: IgnoreReason): MessageClass {
  return { kind: "ignored", reason };
}

/** The event a message replies to on purpose; in a thread `is_falling_back` marks the reply as one for old clients only. */
export function repliedEvent(content: Readonly<Record<string, unknown>>): string | undefined {
  const relation = objectOf(content["m.relates_to"]);
  if (relation["rel_type"] === "m.thread" && relation["is_falling_back"] === true) return undefined;
  const target = objectOf(relation["m.in_reply_to"])["event_id"];
  return typeof target === "string" && isEventId(target) ? target : undefined;
}

/** Spec "Event IDs": they begin with `$`, and have 255 bytes at the most. */
function isEventId(id: string): boolean {
  return id.startsWith("$") && id.length <= 255 && Buffer.byteLength(id) <= 255 && isStorable(id);
}

function repliesTo(
  relation: Readonly<Record<string, unknown>> | undefined,
  repliesToCandidate: (eventId: string) => boolean,
): boolean {
  const target = repliedEvent({ "m.relates_to": relation });
  return target !== undefined && repliesToCandidate(target);
}

/**
 * `m.mentions` is the authority (spec v1.7). Names at the start count beside it, since people type them, but a mere word does
 * not where another agent is mentioned: "Max is your friend, isn't he?" said to Ada is nothing to Max.
 */
function isCalled(
  content: Readonly<Record<string, unknown>>,
  { userId }: Candidate,
  { called, certain }: Call,
  isAgent: (userId: string) => boolean,
): boolean {
  const mentioned = mentionsOf(content);
  if (mentioned.includes(userId)) return true;
  if (!called.includes(userId)) return false;
  return certain.includes(userId) || !mentioned.some(isAgent);
}

function callOf(content: Readonly<Record<string, unknown>>, body: string, addressee: Candidate): Call {
  const html = content["formatted_body"];
  const written = { body, html: typeof html === "string" ? html : undefined, mentions: mentionsOf(content) };
  return readCall(written, [addressee, ...(addressee.others ?? [])]);
}

/** What is said to the addressee: without the names of all who are called, if it is one of them. */
function wordsFor({ userId }: Candidate, { called, certain, text }: Call, body: string): string {
  return called.includes(userId) || certain.includes(userId) ? text : body.trim();
}

/** Clients before v1.13 quote what they reply to at the top of the body. */
export function withoutReplyFallback(body: string, relation: Readonly<Record<string, unknown>> | undefined): string {
  if (!isObject(relation?.["m.in_reply_to"]) || !body.startsWith("> <")) return body;
  return body.replace(/^(> .*\n)+\n?/, "");
}

function bodyOf(content: Readonly<Record<string, unknown>>): string | undefined {
  const body = content["body"];
  return typeof body === "string" && body.trim() !== "" ? body : undefined;
}
