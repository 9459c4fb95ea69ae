import type { Logger } from "../observability/log.ts";
import type { Destination, PrivacyGate } from "../privacy/gate.ts";
import type { KnownModels } from "../providers/model-facts.ts";
import { ProviderError } from "../providers/provider.ts";
import type { ToolCall, ToolDefinition } from "../providers/tool-call.ts";
import { hasMore, READ_MORE } from "../tools/read-more.ts";
import { namesFor } from "../tools/tool-names.ts";
import { decideCall, type ToolDecision } from "../tools/tool-policy.ts";
import { faultOfArguments } from "../tools/tool-schema.ts";
import type { ToolServers } from "../tools/tool-servers.ts";
import type { ServedTool } from "../tools/tool-source.ts";
import { usersOf, type Allowances } from "../turns/allowances.ts";
import type { CallsWanted, ReadyCall } from "../turns/step-loop.ts";
import type { CallResult, ProposedCall, TurnStep } from "../turns/turn-step.ts";
import type { Turn } from "../turns/turn.ts";
import type { AnswerSoFar } from "./answer-so-far.ts";
import { FAULTS, failedCall, NO_MORE_TODAY, NOT_OFFERED } from "./tool-words.ts";
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
}

/** Decides which tools a model is offered, and makes its calls. */
export class ToolOffers {
  readonly #servers: ToolServers;
  readonly #privacy: PrivacyGate;
  readonly #models: KnownModels;
  readonly #allowances: Pick<Allowances, "takeToolCall">;
  readonly #log: Logger;

  constructor(options: {
    readonly servers: ToolServers;
    readonly privacy: PrivacyGate;
    readonly models: KnownModels;
    readonly allowances: Pick<Allowances, "takeToolCall">;
    readonly log: Logger;
  }) {
    this.#servers = options.servers;
    this.#privacy = options.privacy;
    this.#models = options.models;
    this.#allowances = options.allowances;
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
    const served = await this.#served(asker);
    const offered: ServedTool[] = [];
    for (const tool of served) if ((await this.#decide(asker, tool, served)).may === "call") offered.push(tool);
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

  /** Makes a call ready: it is decided about again, and must still be the tool that the model was told of. */
  async ready(asker: ToolAsker, call: ProposedCall, signal: AbortSignal): Promise<ReadyCall> {
    const refuse = (answer: CallResult): ReadyCall => ({ may: "refuse", answer });
    const wanted = call.tool;
    const served = await this.#served(asker);
    const tool = served.find(({ server, known }) => server === wanted?.server && known.name === wanted.name);
    if (wanted === undefined || tool?.known.hash !== wanted.definition) return refuse(NOT_OFFERED);
    if ((await this.#decide(asker, tool, served)).may !== "call") return refuse(NOT_OFFERED);
    const { turn } = asker;
    const ids = { ghost: turn.ghost, room: turn.roomId, event: turn.eventId, server: wanted.server, tool: wanted.name };
    try {
      await this.#servers.reach(wanted.server, signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      return refuse(this.#failed(ids, error));
    }
    if ((await this.#allowances.takeToolCall(usersOf(turn))) !== undefined) return refuse(NO_MORE_TODAY);
    return {
      may: "call",
      make: async () => {
        const bytes = Buffer.byteLength(JSON.stringify(call.arguments));
        const { ghost, roomId } = turn;
        await this.#privacy.note({ ghost, roomId, ...destinationOf(tool), model: wanted.name, kind: "tool", bytes });
        try {
          const result = await this.#servers.call(wanted.server, wanted.name, call.arguments, signal, {
            turn,
            encrypted: asker.encrypted,
            steps: asker.steps,
            callId: call.id,
          });
          this.#log.info({ ...ids, isError: result.isError }, "a tool was called");
          return result;
        } catch (error) {
          if (signal.aborted) throw signal.reason;
          return this.#failed(ids, error);
        }
      },
    };
  }

  /** The tools of all servers, and the one for the rests of results, where there are any. */
  async #served({ steps }: ToolAsker): Promise<readonly ServedTool[]> {
    const served = await this.#servers.tools();
    return hasMore(steps) ? [...served, READ_MORE] : served;
  }

  #failed(ids: object, error: unknown): CallResult {
    const result = failedCall(error);
    this.#log.warn({ ...ids, error }, "a tool could not be called");
    return result;
  }

  async #decide(
    { turn, voice, destination, encrypted, steps }: ToolAsker,
    tool: ServedTool,
    served: readonly ServedTool[],
  ): Promise<ToolDecision> {
    const { ghost, roomId, asker, hops } = turn;
    const gate = await this.#privacy.check({ ghost, roomId, encrypted }, destinationOf(tool));
    return decideCall(tool.rules, {
      tool: tool.known.name,
      hints: tool.known.hints,
      agent: voice.agent.name,
      roomId,
      userId: asker,
      isFromAgent: hops > 0,
      model: destination.locality,
      gate,
      grant: undefined,
      isTainted: isTainted(steps, served),
    });
  }
}

/** Whether a result from outside the network is among the steps. */
function isTainted(steps: readonly TurnStep[], served: readonly ServedTool[]): boolean {
  return steps.some((step) => {
    if (step.state !== "done" || step.call.tool === undefined) return false;
    const { server, name } = step.call.tool;
    const tool = served.find((one) => one.server === server && one.known.name === name);
    return tool === undefined || tool.rules.locality === "cloud" || tool.known.hints.isOpenWorld;
  });
}

/** The recipient of a call's arguments, for the gate. A tool server's name may be a provider's too. */
function destinationOf({ server, host, rules }: ServedTool): Destination {
  return { provider: `tools.${server}`, host, locality: rules.locality, isSure: true };
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
  };
}
