import type { Words } from "../language/words.ts";
import type { Logger } from "../observability/log.ts";
import type { Destination, PrivacyGate } from "../privacy/gate.ts";
import type { KnownModels } from "../providers/model-facts.ts";
import { ProviderError } from "../providers/provider.ts";
import type { ToolCall, ToolDefinition } from "../providers/tool-call.ts";
import { namesFor } from "../tools/tool-names.ts";
import { behalfOf, destinationOfTool, type DecidedTool, type ToolAccess, type ToolUser } from "../tools/tool-access.ts";
import { faultOfArguments } from "../tools/tool-schema.ts";
import type { ToolServers } from "../tools/tool-servers.ts";
import type { ServedTool } from "../tools/tool-source.ts";
import { usersOf, type Allowances } from "../turns/allowances.ts";
import { mayAskAgain, responsesTo, type CallInput } from "../turns/call-input.ts";
import type { CallsWanted, ReadyCall } from "../turns/step-loop.ts";
import {
  askedBack,
  type CallResult,
  type MadeCall,
  type OpenCall,
  type ProposedCall,
  type TurnStep,
} from "../turns/turn-step.ts";
import type { Turn } from "../turns/turn.ts";
import { MOST_CALL_FILES } from "../turns/call-file.ts";
import { WantsInput } from "../tools/input-request.ts";
import { NeedsRights } from "../tools/sign-in/scope-challenge.ts";
import { ToolFailure } from "../tools/tool-failure.ts";
import type { ToolResult } from "../tools/tool-result.ts";
import type { AnswerSoFar } from "./answer-so-far.ts";
import type { ToolAgreements } from "./tool-agreement.ts";
import type { ToolQuestions } from "./tool-questions.ts";
import type { AskToSignIn } from "./sign-in-links.ts";
import {
  CHANGED,
  FAULTS,
  failedCall,
  FORM_TOO_LONG,
  LAPSED,
  NO_MORE_TODAY,
  NOT_OFFERED,
  rightsFirst,
  signInFirst,
  TOO_LONG_TO_SHOW,
} from "./tool-words.ts";
import type { Voice } from "./voices.ts";

/** The tools that a model may call for a turn, by the names by which it knows them. */
export type Offer = ReadonlyMap<string, ServedTool>;

/** Nothing is offered. */
const NO_TOOLS: Offer = new Map();

/** The turn, its voice, and the messages behind a decision. */
export interface ToolAsker {
  readonly turn: Turn;
  readonly voice: Voice;
  /** Where the model's words go. */
  readonly destination: Destination;
  /** Whether any of the conversation came encrypted. */
  readonly encrypted: boolean;
  readonly steps: readonly TurnStep[];
  /** Whether the conversation holds words of a server, by its prompt. */
  readonly holdsPrompt: boolean;
  /** The phrases of the room. */
  readonly words: () => Promise<Words>;
}

/** Decides which tools a model is offered, and makes its calls. */
export class ToolOffers {
  readonly #servers: ToolServers;
  readonly #access: ToolAccess;
  readonly #questions: ToolQuestions;
  readonly #agreements: ToolAgreements;
  readonly #privacy: PrivacyGate;
  readonly #models: KnownModels;
  readonly #allowances: Pick<Allowances, "takeToolCall">;
  readonly #askToSignIn: AskToSignIn;
  readonly #log: Logger;

  constructor(options: {
    readonly servers: ToolServers;
    readonly access: ToolAccess;
    readonly questions: ToolQuestions;
    readonly agreements: ToolAgreements;
    readonly privacy: PrivacyGate;
    readonly models: KnownModels;
    readonly allowances: Pick<Allowances, "takeToolCall">;
    readonly askToSignIn: AskToSignIn;
    readonly log: Logger;
  }) {
    this.#servers = options.servers;
    this.#access = options.access;
    this.#questions = options.questions;
    this.#agreements = options.agreements;
    this.#privacy = options.privacy;
    this.#models = options.models;
    this.#allowances = options.allowances;
    this.#askToSignIn = options.askToSignIn;
    this.#log = options.log;
  }

  /** The tools for a model's next step. Costs nothing where no server is configured. */
  async of(asker: ToolAsker): Promise<Offer> {
    if (this.#servers.isEmpty) return NO_TOOLS;
    const { provider, model } = asker.voice;
    const facts = await this.#models.facts(provider, model).catch((error: unknown) => {
      // The request to the model reports the reason.
      if (error instanceof ProviderError) return undefined;
      throw error;
    });
    if (facts?.tools === false) return NO_TOOLS;
    const decided = await this.#access.of(userIn(asker));
    const offered = decided.filter(({ decision }) => decision.may !== "refuse");
    return namesFor(offered.map((tool) => ({ ...tool, tool: tool.known.name })));
  }

  /** The calls of an answer, as steps; undefined where it has none. */
  wanted(offer: Offer, { text, calls, kept, usage }: AnswerSoFar): CallsWanted | undefined {
    if (calls.length === 0) return undefined;
    const said = {
      text: text.trim(),
      ...(usage === undefined ? {} : { usage }),
      ...(kept === undefined ? {} : { kept }),
    };
    return { outcome: "calls", said, calls: calls.map((call) => proposed(call, offer.get(call.name))) };
  }

  /** Makes a call ready: it is decided about again, and must still be the tool that the model and people were told of. */
  async ready(
    asker: ToolAsker,
    step: OpenCall,
    { signal, isAhead }: { readonly signal: AbortSignal; readonly isAhead: boolean },
  ): Promise<ReadyCall> {
    const refuse = (answer: CallResult): ReadyCall => ({ may: "refuse", answer });
    const { tool: wanted, input } = step.call;
    const decided = await this.#access.of(userIn(asker));
    const tool = decided.find(({ server, known }) => server === wanted?.server && known.name === wanted.name);
    const wasAsked = step.decidedBy !== undefined || input !== undefined;
    if (tool?.known.hash !== wanted?.definition) return refuse(wasAsked ? CHANGED : NOT_OFFERED);
    if (tool === undefined || tool.decision.may === "refuse") return refuse(NOT_OFFERED);
    const about = { tool, encrypted: asker.encrypted };
    switch (await this.#agreements.about(asker.turn, step, tool)) {
      case "missing": {
        // The person's answers are no agreement to the call.
        if (input !== undefined && step.call.isLost !== true) return refuse(CHANGED);
        const question = await this.#questions.about(asker.turn, await asker.words(), step, about);
        return question === undefined ? refuse(TOO_LONG_TO_SHOW) : { may: "ask", ...question };
      }
      case "outdated":
        return refuse(CHANGED);
      case "lapsed":
        return refuse(LAPSED);
      case "unneeded":
      case "given": {
        if (askedBack(step) === undefined) return isAhead ? { may: "hold" } : this.#reached(asker, step, tool, signal);
        const question = await this.#questions.ofServer(asker.turn, await asker.words(), step, about);
        return question === undefined ? refuse(FORM_TOO_LONG) : { may: "ask", ...question };
      }
    }
  }

  /** A call that may be made, once its server can be reached. */
  async #reached(
    { turn, encrypted, steps }: ToolAsker,
    { call }: OpenCall,
    tool: DecidedTool,
    signal: AbortSignal,
  ): Promise<ReadyCall> {
    const { server, known } = tool;
    const ids = { ghost: turn.ghost, room: turn.roomId, event: turn.eventId, server, tool: known.name };
    try {
      await this.#servers.reach(server, signal, behalfOf(userOf(turn)));
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      return { may: "refuse", answer: await this.#failed(ids, error, { turn, server, steps }) };
    }
    if ((await this.#allowances.takeToolCall(usersOf(turn))) !== undefined)
      return { may: "refuse", answer: NO_MORE_TODAY };
    return {
      may: "call",
      make: async () => {
        const bytes = sizeOf(call);
        const { ghost, roomId } = turn;
        await this.#privacy.note({
          ghost,
          roomId,
          ...destinationOfTool(tool),
          model: known.name,
          kind: "tool",
          bytes,
        });
        try {
          const context = {
            turn,
            person: behalfOf(userOf(turn)),
            encrypted,
            steps,
            callId: call.id,
            input: call.input,
          };
          const result = await unlessItEnds(call, signal, () =>
            this.#servers.call(server, known.name, call.arguments, signal, context),
          );
          this.#log.info({ ...ids, isError: result.isError }, "a tool was called");
          return withFilesOf(result, steps);
        } catch (error) {
          if (signal.aborted) throw signal.reason;
          if (error instanceof WantsInput && mayAskAgain(call.input)) {
            this.#log.info({ ...ids, forms: error.request.forms.length }, "a tool asks the person something");
            return { input: inputOf(error, call, tool) };
          }
          const answer = await this.#failed(ids, error, { turn, server, steps });
          return isEndUnknown(error, call) ? { isLost: true } : { answer };
        }
      },
    };
  }

  async #failed(
    ids: object,
    error: unknown,
    { turn, server, steps }: Pick<ToolAsker, "turn" | "steps"> & { readonly server: string },
  ): Promise<CallResult> {
    const result = failedCall(error);
    if (error instanceof NeedsRights) {
      const isAgain = steps.some((step) => step.askedOf === "tool" && "answer" in step && step.answer.wantsRights);
      return rightsFirst(server, isAgain ? "before" : await this.#askToSignIn(turn, server, error.scopes));
    }
    if (error instanceof ToolFailure && error.code === "sign_in")
      return signInFirst(server, await this.#askToSignIn(turn, server));
    this.#log.warn({ ...ids, error }, "a tool could not be called");
    return result;
  }
}

/** Whether nobody knows if a call was done that must not be made twice. */
function isEndUnknown(error: unknown, { mayRepeat }: ProposedCall): boolean {
  if (!(error instanceof ToolFailure) || mayRepeat) return false;
  return error.mayBeDone && (error.code === "ended" || error.code === "timeout");
}

/**
 * Makes a call, and once more where its server has ended, if it was not asked yet, or to ask it twice is the same as to ask
 * it once.
 */
async function unlessItEnds<T>({ mayRepeat }: ProposedCall, signal: AbortSignal, make: () => Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    const hasEnded = error instanceof ToolFailure && error.code === "ended";
    if (signal.aborted || !hasEnded || (error.mayBeDone && !mayRepeat)) throw error;
    return make();
  }
}

/** What a tool asks the person, as it is stored. */
function inputOf(
  { request }: WantsInput,
  { input }: ProposedCall,
  { host, rules }: Pick<DecidedTool, "host" | "rules">,
): CallInput {
  const { forms, pages, state } = request;
  return {
    forms,
    declined: pages,
    ...(state === undefined ? {} : { state }),
    round: (input?.round ?? 0) + 1,
    goesTo: { host, to: rules.locality },
  };
}

/** The size of what a call sends, in bytes. */
function sizeOf({ arguments: given, input }: ProposedCall): number {
  const answers = input === undefined ? "" : JSON.stringify(responsesTo(input));
  return Buffer.byteLength(JSON.stringify(given)) + Buffer.byteLength(answers);
}

function userIn({ turn, voice, destination, encrypted, steps, holdsPrompt }: ToolAsker): ToolUser {
  const { ghost, roomId } = turn;
  const user = { ghost, roomId, ...userOf(turn), agent: voice.agent.name, model: destination };
  return { ...user, encrypted, steps, holdsPrompt };
}

function userOf({ asker, hops, isAuthentic }: Turn): Pick<ToolUser, "asker" | "isFromAgent" | "isAuthentic"> {
  return { asker, isFromAgent: hops > 0, isAuthentic: isAuthentic === true };
}

/** The tools as a model is told of them. */
export function definitionsOf(offer: Offer): readonly ToolDefinition[] {
  return [...offer].map(([name, { known }]) => ({
    name,
    description: known.description,
    parameters: known.schema,
  }));
}

function proposed(call: ToolCall, tool: ServedTool | undefined): ProposedCall {
  const { id, name } = call;
  const common = { id, name, ...(call.kept === undefined ? {} : { kept: call.kept }) };
  if (call.kind === "faulty") return { ...common, arguments: {}, refused: FAULTS[call.fault], mayRepeat: false };
  if (tool === undefined)
    return { ...common, arguments: call.arguments, refused: FAULTS.unknown_tool, mayRepeat: false };
  const { server, known } = tool;
  const fault = faultOfArguments(known.schema, call.arguments);
  return {
    ...common,
    arguments: call.arguments,
    tool: { server, name: known.name, definition: known.hash },
    ...(fault === undefined ? {} : { refused: `Not done: ${fault}.` }),
    mayRepeat: known.hints.isIdempotent,
    ...(known.hints.isReadOnly ? { onlyReads: true } : {}),
  };
}

/** A result with as many of its files as a turn may still have. */
function withFilesOf({ text, rest, isError, files = [] }: ToolResult, steps: readonly TurnStep[]): MadeCall {
  const answer = { text, isError, ...(rest === undefined ? {} : { rest }) };
  if (files.length === 0) return { answer };
  const before = steps.flatMap((step) => (step.state === "done" ? (step.answer.files ?? []) : []));
  const sizes = [...before, ...files].map(({ size }) => size);
  const fit = files.filter((_, at) => {
    const count = before.length + at + 1;
    return count <= MOST_CALL_FILES.count && total(sizes.slice(0, count)) <= MOST_CALL_FILES.bytes;
  });
  const unsent = files.length - fit.length;
  return {
    answer: {
      ...answer,
      ...(fit.length === 0 ? {} : { files: fit.map(({ kind, type, name, size }) => ({ kind, type, name, size })) }),
      ...(unsent === 0 ? {} : { unsent }),
    },
    contents: fit.map(({ bytes }) => bytes),
  };
}

function total(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0);
}
