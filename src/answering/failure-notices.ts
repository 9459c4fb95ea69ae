import { userLocalpart } from "../addressing/call.ts";
import type { Agent } from "../agents/agents.ts";
import { withoutPath } from "../agents/model-name.ts";
import type { TurnFailure } from "../language/failures.ts";
import type { Words } from "../language/words.ts";
import type { FailedReply, NewTurn } from "../turns/turn.ts";
import { markOf } from "./answer-messages.ts";
import { noticeContent, type ReplyTarget } from "./reply.ts";

/** Writes the notices about questions without an answer. */
export class FailureNotices {
  readonly #agentOf: (ghost: string) => Agent | undefined;

  constructor(agentOf: (ghost: string) => Agent | undefined) {
    this.#agentOf = agentOf;
  }

  /**
   * The notice with the reason why a question has no answer.
   *
   * @param call the words before a command that address this agent.
   */
  failed(turn: NewTurn, failure: TurnFailure, { failures }: Words, target: ReplyTarget, call = ""): FailedReply {
    const agent = this.#agentOf(turn.ghost);
    const words = failures[failure]({
      agent: agent?.displayName ?? userLocalpart(turn.ghost),
      model: withoutPath(agent?.model ?? ""),
      provider: agent?.provider ?? "",
      call,
    });
    return this.declined(turn, failure, words, target);
  }

  /** A notice in the given words about why a question is not asked. */
  declined(turn: NewTurn, failure: string, words: string, target: ReplyTarget): FailedReply {
    return { outcome: "failed", failure, messages: [{ content: noticeContent(words, target, markOf(turn)) }] };
  }
}

/** A reply of the bridge's own words alone, which hold nothing of the conversation. */
export function fixed(reply: FailedReply): FailedReply {
  return { ...reply, messages: reply.messages.map((message) => ({ ...message, isFixed: true })) };
}
