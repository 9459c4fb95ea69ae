import type { AnswerSettings } from "../config/config.ts";
import type { Queryable } from "../database/database.ts";
import type { Agent } from "../ghost/agents.ts";
import type { Logger } from "../observability/log.ts";
import { reached } from "../observability/steps.ts";
import { DEMO_MODEL } from "../providers/demo.ts";
import { ProviderError, type ChatUsage, type Provider } from "../providers/provider.ts";
import type { RoomSettingsStore } from "../rooms/settings.ts";
import type { Drafting } from "../turns/turn-runner.ts";
import { TurnStopped, type Turn, type TurnMessage, type TurnReply } from "../turns/turn.ts";
import type { NewTurn } from "../turns/turn-store.ts";
import type { Attachment } from "./attachments.ts";
import type { History, RememberedMessage } from "./history.ts";
import { describeFailure, type TurnFailure } from "./notices.ts";
import { answerReserve, buildPrompt } from "./prompt.ts";
import { readFiles, UnreadableFile } from "./reading.ts";
import {
  answerContent,
  draftContent,
  editContent,
  noticeContent,
  withThinking,
  type MessageContent,
  type ReplyTarget,
} from "./reply.ts";
import { splitMarkdown } from "./split.ts";
import { estimateTokens } from "./tokens.ts";

/** What answers are made with. */
export interface AnsweringOptions {
  readonly history: History;
  /** The agent behind a ghost, as it is now; undefined when its model has gone. */
  readonly agentOf: (ghost: string) => Agent | undefined;
  readonly provider: (name: string) => Provider | undefined;
  readonly answers: AnswerSettings;
  /** A file that somebody sent. Rejects with {@link UnreadableFile}, or as it is when the same may work later. */
  readonly download: (ghost: string, attachment: Attachment, maxBytes: number) => Promise<Uint8Array>;
  /** What people have set in rooms. */
  readonly settings: RoomSettingsStore;
  readonly log: Logger;
}

/** How many messages back a prompt reaches at the most, however short they are. */
const MAX_PROMPT_MESSAGES = 200;

/** An event is at most 65,536 bytes; encrypted it takes a third more, and as an edit, with the body twice, double. */
const MAX_CONTENT_BYTES = 22_000;

/** What a model is told that is to say more. */
const GO_ON = "Go on exactly where you stopped. Do not repeat anything that you have said already.";

/** Makes the answer of a turn, as it is shown, sent and remembered. */
export class Answering {
  readonly #options: AnsweringOptions;

  constructor(options: AnsweringOptions) {
    this.#options = options;
  }

  /**
   * Asks the model of a turn's agent and composes the answer, or the notice that says why there is none. An answer that
   * was stopped (TurnStopped) is what there is of it.
   *
   * @param show is told the answer as far as it has come.
   */
  async respond(turn: Turn, direct: boolean, show: (text: string) => void, signal: AbortSignal): Promise<TurnReply> {
    const agent = this.#options.agentOf(turn.ghost);
    const provider = agent === undefined ? undefined : this.#options.provider(agent.provider);
    if (agent === undefined || provider === undefined) {
      return this.failed(turn, "model_missing", undefined);
    }
    const messages = await this.#messagesFor(turn);
    const set = await this.#options.settings.get(turn.ghost, turn.roomId);
    const temperature = set.temperature ?? agent.temperature;
    let text = "";
    let thinking = "";
    let usage: ChatUsage | undefined;
    try {
      const model = set.model ?? agent.model ?? DEMO_MODEL;
      const readMessages = await readFiles(messages, {
        canSee: () => provider.canSee(model),
        download: (attachment, maxBytes) => this.#options.download(turn.ghost, attachment, maxBytes),
      });
      for await (const chunk of provider.chat({
        model,
        messages: buildPrompt({
          systemPrompt: set.system ?? agent.systemPrompt,
          keepInMind: set.remember,
          agentName: agent.displayName,
          group: !direct,
          messages: readMessages,
          budgetTokens: agent.contextTokens - answerReserve(agent.contextTokens),
          estimateTokens,
        }),
        contextTokens: agent.contextTokens,
        ...(temperature === undefined ? {} : { temperature }),
        ...(agent.keepAlive === undefined ? {} : { keepAlive: agent.keepAlive }),
        signal,
      })) {
        if (chunk.kind === "text") {
          text += chunk.text;
          show(text);
        } else if (chunk.kind === "thinking") thinking += chunk.text;
        else usage = chunk.usage;
        reached("model.chunk");
      }
      if (text.trim() === "") throw new ProviderError("empty", "the answer holds no text");
      return {
        outcome: "answered",
        messages: this.#thoughtful(answerMessages(text.trim(), turn), thinking),
        ...(usage === undefined ? {} : { usage }),
      };
    } catch (error) {
      const said = text.trim();
      if (signal.aborted) {
        if (signal.reason instanceof TurnStopped) {
          if (!signal.reason.keeps) return { outcome: "stopped", messages: [], withdrawn: true };
          return { outcome: "stopped", messages: said === "" ? [] : answerMessages(said, turn) };
        }
        if (isTimeout(signal.reason)) return { ...this.failed(turn, "timeout", agent), partial: said };
        throw error;
      }
      if (error instanceof UnreadableFile) return this.failed(turn, error.why, agent);
      if (!(error instanceof ProviderError)) throw error;
      this.#options.log.warn({ ghost: turn.ghost, room: turn.roomId, event: turn.eventId, error }, "no answer");
      const failed = this.failed(turn, error.code, agent);
      // Nothing was said: the server is away, or was just going. What was begun is not begun again.
      const isAway = error.code === "unreachable" || (error.code === "cut_off" && text === "");
      return isAway ? { ...failed, retry: true } : { ...failed, partial: said };
    }
  }

  /** How the answer of a turn is shown while it is made. */
  async drafting(turn: Turn): Promise<Drafting> {
    const { maxEdits } = this.#options.answers;
    const { stream = this.#options.answers.stream } = await this.#options.settings.get(turn.ghost, turn.roomId);
    const begin = (text: string): MessageContent => {
      const [beginning = text] = splitMarkdown(text, (part) => fits(part, turn));
      return draftContent(beginning, targetOf(turn), turn.asker);
    };
    return {
      shows: stream !== "off",
      maxEdits,
      begin,
      edit: (eventId, text) => editContent(eventId, begin(text)),
      finish: (reply, [draft, ...others]) => {
        const whole = withPartial(reply, turn);
        if (whole.withdrawn === true) return { ...whole, redacts: [draft, ...others] };
        // What a former process has shown stays as it is: the words are not known here.
        if (whole.messages.length === 0) return whole;
        if (stream === "replace" && turn.kind !== "edit") return { ...whole, redacts: [draft, ...others] };
        return { ...edited(whole, draft), redacts: others };
      },
    };
  }

  /** What to say of a turn that failed for reasons of our own. */
  giveUp(turn: Turn, why: "unknown" | "waited" | "timeout"): TurnReply {
    return this.failed(turn, why, this.#options.agentOf(turn.ghost));
  }

  /** The answer that a turn is to edit: all its parts; empty when it is to be a message of its own. */
  async toBeEdited(turn: Turn): Promise<readonly string[]> {
    return turn.kind === "edit" ? this.#options.history.answersTo(turn.ghost, turn.roomId, turn.eventId) : [];
  }

  /** Keeps what an agent has said. */
  async remember(tx: Queryable, turn: Turn, eventId: string, text: string): Promise<void> {
    await this.#options.history.remember(tx, turn.ghost, turn.roomId, {
      eventId,
      author: "agent",
      sender: turn.ghost,
      speaker: this.#options.agentOf(turn.ghost)?.displayName ?? turn.ghost,
      body: text,
      sentAt: Date.now(),
      answers: turn.position,
      threadRoot: turn.threadRoot,
    });
  }

  /** The notice that says why a question has no answer. */
  failed(turn: NewTurn, failure: TurnFailure, agent: Agent | undefined): TurnReply {
    const words = describeFailure({
      code: failure,
      agentName: agent?.displayName ?? turn.ghost,
      model: agent?.model ?? "",
      providerName: agent?.provider ?? "",
    });
    return { outcome: "failed", failure, messages: [{ content: noticeContent(words, targetOf(turn)) }] };
  }

  /** The answer with what the model said to itself above its beginning, where that is wanted. */
  #thoughtful(messages: readonly TurnMessage[], thinking: string): readonly TurnMessage[] {
    const [first, ...others] = messages;
    if (!this.#options.answers.thinking || thinking.trim() === "" || first === undefined) return messages;
    const content = withThinking(first.content, thinking);
    return isSmall(content) ? [{ ...first, content }, ...others] : messages;
  }

  async #messagesFor(turn: Turn): Promise<readonly RememberedMessage[]> {
    const { ghost, roomId, position, kind, threadRoot } = turn;
    const isMore = kind === "continue";
    const messages = await this.#options.history.upTo(ghost, roomId, position, MAX_PROMPT_MESSAGES, {
      withAnswer: isMore,
      threadRoot,
    });
    const question = messages.find(({ eventId }) => eventId === turn.eventId);
    return isMore && question !== undefined ? [...messages, { ...question, body: GO_ON }] : messages;
  }
}

/** What was shown before an answer failed, and under it why there is no more; as it is when nothing was. */
function withPartial(reply: TurnReply, turn: Turn): TurnReply {
  const { partial, ...rest } = reply;
  const why = reply.messages[0]?.content["body"];
  if (partial === undefined || partial === "" || typeof why !== "string") return rest;
  const parts = answerMessages(partial, turn);
  const last = parts.pop();
  if (last?.remembered === undefined) return rest;
  const content = answerContent(`${last.remembered}\n\n*${why}*`, targetOf(turn), turn.asker);
  return { ...rest, messages: [...parts, { ...last, content }] };
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === "TimeoutError";
}

/** The reply with its first message as the last form of the draft. */
function edited(reply: TurnReply, eventId: string): TurnReply {
  const [first, ...others] = reply.messages;
  if (first === undefined) return reply;
  return {
    ...reply,
    messages: [{ ...first, content: editContent(eventId, first.content), editOf: eventId }, ...others],
  };
}

function fits(part: string, turn: Turn): boolean {
  return isSmall(answerContent(part, targetOf(turn), turn.asker));
}

function isSmall(content: MessageContent): boolean {
  return Buffer.byteLength(JSON.stringify(content)) <= MAX_CONTENT_BYTES;
}

function targetOf(turn: Pick<Turn, "eventId" | "threadRoot">): ReplyTarget {
  return { eventId: turn.eventId, threadRoot: turn.threadRoot };
}

/** One message, or several where one would be too large; only the last one mentions the asker. */
function answerMessages(markdown: string, turn: Turn): TurnMessage[] {
  const parts = splitMarkdown(markdown, (part) => fits(part, turn));
  return parts.map((part, index) => {
    const content = answerContent(part, targetOf(turn), turn.asker);
    const isLast = index === parts.length - 1;
    return { content: isLast ? content : { ...content, "m.mentions": {} }, remembered: part };
  });
}
