import { AuditLog } from "../audit/audit-log.ts";
import type { Database } from "../database/database.ts";
import type { Outcome } from "../ghost/outcome.ts";
import { moderates, type GhostInRoom } from "../permissions/in-room.ts";
import type { Permissions } from "../permissions/permissions.ts";
import type { ToolGrants } from "../tools/tool-grants.ts";
import { readFormAnswer, type FormFault } from "../tools/form-answer.ts";
import { mayDecide } from "../tools/tool-policy.ts";
import type { ToolServers } from "../tools/tool-servers.ts";
import type { InputAnswer } from "../turns/call-input.ts";
import { askedBack } from "../turns/turn-step.ts";
import type { WaitingQuestion, WaitingTurns } from "../turns/waiting-turns.ts";

/** A person's word about a call that waits: this once, for all later calls too, or not at all. */
export type ToolWord = "approve" | "always" | "refuse";

/** A person, and the way in which the word came. */
export interface Decider {
  readonly sender: string;
  /** Whether the homeserver can't have invented it. */
  readonly encrypted: boolean;
}

/** The effect of a word. */
export type ToolVerdict =
  | { readonly kind: "taken"; readonly outcome: Outcome }
  /** It came unencrypted, about something encrypted. */
  | { readonly kind: "not_encrypted" }
  /** Somebody else decides. */
  | { readonly kind: "not_yours"; readonly deciders: "asker" | "moderators" }
  /** Only moderators decide for all later calls, and not about each tool. */
  | { readonly kind: "not_always" }
  /** A tool asks the person something, and wants an answer. */
  | { readonly kind: "needs_answer" }
  /** A tool asks somebody else. */
  | { readonly kind: "not_asked" };

/** The effect of an answer to a tool's question. */
export type AnswerVerdict =
  | { readonly kind: "taken"; readonly outcome: Outcome }
  | { readonly kind: "not_encrypted" }
  | { readonly kind: "not_asked" }
  /** The call waits for a decision. */
  | { readonly kind: "needs_decision" }
  | { readonly kind: "wrong"; readonly fault: FormFault };

/** Takes people's words about calls that wait for them. */
export class ToolDecisions {
  readonly #turns: WaitingTurns;
  readonly #servers: Pick<ToolServers, "rulesOf">;
  readonly #grants: Pick<ToolGrants, "decide">;
  readonly #permissions: Permissions;
  readonly #isEncrypted: (roomId: string) => Promise<boolean>;
  readonly #audit: AuditLog;

  constructor(options: {
    readonly database: Database;
    readonly turns: WaitingTurns;
    readonly servers: Pick<ToolServers, "rulesOf">;
    readonly grants: Pick<ToolGrants, "decide">;
    readonly permissions: Permissions;
    readonly isEncrypted: (roomId: string) => Promise<boolean>;
  }) {
    this.#turns = options.turns;
    this.#servers = options.servers;
    this.#grants = options.grants;
    this.#permissions = options.permissions;
    this.#isEncrypted = options.isEncrypted;
    this.#audit = new AuditLog(options.database);
  }

  /** The calls of a room that wait; with a code, only that call. */
  waiting(ghost: string, roomId: string, code?: string): Promise<readonly WaitingQuestion[]> {
    return this.#turns.in(ghost, roomId, code);
  }

  /** Whether a question was asked, or may be answered, only encrypted. */
  async isEncrypted({ turn }: WaitingQuestion): Promise<boolean> {
    return turn.encrypted || (await this.#isEncrypted(turn.roomId));
  }

  /** Decides about a call. The agent's trust in the person's device was asked before. */
  async decide(
    ghost: GhostInRoom,
    question: WaitingQuestion,
    { sender, encrypted }: Decider,
    word: ToolWord,
  ): Promise<ToolVerdict> {
    const { turn, step } = question;
    const { asked, tool } = step.call;
    if (!encrypted && (await this.isEncrypted(question))) return { kind: "not_encrypted" };
    if (askedBack(step) !== undefined) {
      if (sender !== turn.asker) return { kind: "not_asked" };
      if (word !== "refuse") return { kind: "needs_answer" };
      return { kind: "taken", outcome: this.#answered(question, sender, { action: "decline" }) };
    }
    const isModerator = await moderates(this.#permissions, ghost, { roomId: turn.roomId, sender });
    const rules = tool === undefined ? undefined : this.#servers.rulesOf(tool.server);
    const { approverUsers = [] } = rules ?? {};
    const who = { userId: sender, isAsker: sender === turn.asker, isModerator };
    if (!mayDecide({ approverUsers }, asked, who)) return { kind: "not_yours", deciders: asked.deciders };
    if (word === "always" && !(isModerator && asked.canGrant)) return { kind: "not_always" };
    return { kind: "taken", outcome: this.#taken(question, { sender, encrypted }, word) };
  }

  /**
   * Takes the person's answer to a question of a tool. Whoever asked the agent answers alone: the tool asks about that person's
   * wish, and moderators can refuse the call itself.
   */
  async answer(question: WaitingQuestion, { sender, encrypted }: Decider, words: string): Promise<AnswerVerdict> {
    const form = askedBack(question.step);
    if (!encrypted && (await this.isEncrypted(question))) return { kind: "not_encrypted" };
    if (form === undefined) return { kind: "needs_decision" };
    if (sender !== question.turn.asker) return { kind: "not_asked" };
    const read = readFormAnswer(form.fields, words);
    if (read.kind === "wrong") return read;
    const answer = { action: "accept", content: read.content } as const;
    return { kind: "taken", outcome: this.#answered(question, sender, answer) };
  }

  #answered(question: WaitingQuestion, by: string, answer: InputAnswer): Outcome {
    const { turn, step } = question;
    const { tool } = step.call;
    return {
      store: async (tx) => {
        if (!(await this.#turns.answer(tx, question, answer)) || tool === undefined) return;
        await this.#audit.record(tx, {
          kind: answer.action === "accept" ? "tool.answered" : "tool.unanswered",
          ghost: turn.ghost,
          room: turn.roomId,
          by,
          server: tool.server,
          tool: tool.name,
          definition: tool.definition,
          bytes: answer.action === "accept" ? Buffer.byteLength(JSON.stringify(answer.content)) : 0,
        });
      },
    };
  }

  #taken(question: WaitingQuestion, { sender: by, encrypted }: Decider, word: ToolWord): Outcome {
    const { turn, step } = question;
    const { ghost, roomId } = turn;
    const { tool } = step.call;
    return {
      store: async (tx) => {
        const decision = word === "refuse" ? "declined" : "approved";
        if (!(await this.#turns.decide(tx, question, decision, by)) || tool === undefined) return;
        const { server, name, definition } = tool;
        await this.#audit.record(tx, {
          kind: decision === "approved" ? "tool.approved" : "tool.declined",
          ghost,
          room: roomId,
          by,
          server,
          tool: name,
          definition,
          bytes: Buffer.byteLength(JSON.stringify(step.call.arguments)),
        });
        if (word !== "always") return;
        const granted = { ghost, roomId, server, tool: name, definition };
        await this.#grants.decide(tx, granted, { decision: "allowed", encrypted, by });
      },
    };
  }
}
