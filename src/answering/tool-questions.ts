import type { Words } from "../language/words.ts";
import type { DecidedTool } from "../tools/tool-access.ts";
import { openForm } from "../turns/call-input.ts";
import type { AskedPerson, OpenCall } from "../turns/turn-step.ts";
import type { Turn } from "../turns/turn.ts";
import { toAsker } from "./answer-messages.ts";
import { inputQuestion } from "./input-question.ts";
import type { MessageContent } from "./reply.ts";
import type { ReplyTargets } from "./reply-targets.ts";
import { toolQuestion } from "./tool-question.ts";

/** A question to people about a call. */
export interface ToolQuestion {
  readonly asked: AskedPerson;
  readonly question: MessageContent;
}

/** Asks people about calls of tools. */
export class ToolQuestions {
  readonly #targets: ReplyTargets;
  readonly #isEncrypted: (roomId: string) => Promise<boolean>;
  readonly #waitsForMs: () => number;

  /** @param options.waitsForMs the time for an answer; read anew each time. */
  constructor(options: {
    readonly targets: ReplyTargets;
    readonly isEncrypted: (roomId: string) => Promise<boolean>;
    readonly waitsForMs: () => number;
  }) {
    this.#targets = options.targets;
    this.#isEncrypted = options.isEncrypted;
    this.#waitsForMs = options.waitsForMs;
  }

  /** The question about a call; undefined where it can't be shown whole. */
  async about(
    turn: Turn,
    words: Words,
    { call, code = "" }: OpenCall,
    { tool, encrypted }: { readonly tool: DecidedTool; readonly encrypted: boolean },
  ): Promise<ToolQuestion | undefined> {
    const { decision, known, server, host, rules } = tool;
    const goesTo = { host, to: rules.locality };
    const asked: AskedPerson =
      decision.may === "ask"
        ? { deciders: decision.deciders, canGrant: decision.canGrant && call.isLost !== true, goesTo }
        : { deciders: "asker", canGrant: false, goesTo };
    const facts = {
      tool: known.name,
      server,
      host,
      isCloud: rules.locality === "cloud",
      claims: known.hints,
      isAgain: call.isLost === true,
      deciders: asked.deciders,
      asker: turn.asker.replaceAll("`", ""),
      canGrant: asked.canGrant,
      code,
      minutes: Math.ceil(this.#waitsForMs() / 60_000),
      isEncrypted: encrypted || turn.encrypted || (await this.#isEncrypted(turn.roomId)),
    };
    const target = await this.#targets.of(turn);
    const address = toAsker(turn, target.follows);
    const question = toolQuestion(words, facts, call.arguments, target, address);
    return question && { asked, question };
  }

  /** What a call's server asks the person; undefined where it can't be shown whole. */
  async ofServer(
    turn: Turn,
    words: Words,
    { call, code = "" }: OpenCall,
    { tool, encrypted }: { readonly tool: DecidedTool; readonly encrypted: boolean },
  ): Promise<ToolQuestion | undefined> {
    const form = openForm(call.input);
    if (form === undefined) throw new Error("the call's server asks nothing");
    const { known, server, host, rules } = tool;
    const facts = {
      tool: known.name,
      server,
      host,
      isCloud: rules.locality === "cloud",
      asker: turn.asker.replaceAll("`", ""),
      code,
      minutes: Math.ceil(this.#waitsForMs() / 60_000),
      isEncrypted: encrypted || turn.encrypted || (await this.#isEncrypted(turn.roomId)),
      fields: form.fields.length,
      hasPages: (call.input?.declined.length ?? 0) > 0,
    };
    const target = await this.#targets.of(turn);
    const question = inputQuestion(words, facts, form, target, toAsker(turn, target.follows));
    const { asked = { deciders: "asker", canGrant: false } } = call;
    return question && { asked, question };
  }
}
