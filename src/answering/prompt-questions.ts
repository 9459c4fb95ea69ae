import { nearName } from "../config/near-name.ts";
import type { Words } from "../language/words.ts";
import type { History } from "../memory/history.ts";
import type { RememberedMessage } from "../memory/remembered-message.ts";
import { reached } from "../observability/steps.ts";
import type { Logger } from "../observability/log.ts";
import type { Destination, PrivacyGate } from "../privacy/gate.ts";
import { holdsPrompt, PROMPT_TOOL, promptQuestion, type KnownPrompt } from "../tools/server-prompt.ts";
import {
  behalfOf,
  destinationOfTool,
  type DecidedPrompts,
  type ToolAccess,
  type ToolUser,
} from "../tools/tool-access.ts";
import { ToolFailure } from "../tools/tool-failure.ts";
import type { ToolServers } from "../tools/tool-servers.ts";
import { usersOf, type Allowances } from "../turns/allowances.ts";
import type { Turn } from "../turns/turn.ts";
import type { Material } from "./material.ts";
import { promptArguments, promptForm, promptWishIn, type PromptWish } from "./prompt-wish.ts";
import type { ToolAgreements } from "./tool-agreement.ts";
import type { Voice } from "./voices.ts";

/** The turn, its voice, and where the model's words go. */
interface PromptAsker {
  readonly turn: Turn;
  readonly voice: Voice;
  readonly destination: Destination;
  readonly words: () => Promise<Words>;
}

/** A prompt that may be put to the model. */
interface ChosenPrompt {
  readonly from: DecidedPrompts;
  readonly given: Readonly<Record<string, string>>;
}

/**
 * Puts prompts of servers to models: a question that chooses one is replaced by the prompt's words, once, when it is first
 * asked. The choice is stored before, so a crash only has the prompt read again.
 */
export class PromptQuestions {
  readonly #servers: Pick<ToolServers, "prompt">;
  readonly #access: Pick<ToolAccess, "prompts">;
  readonly #agreements: Pick<ToolAgreements, "about">;
  readonly #privacy: Pick<PrivacyGate, "note">;
  readonly #allowances: Pick<Allowances, "takeToolCall">;
  readonly #history: Pick<History, "reworded">;
  readonly #log: Logger;
  /** Of attempts under way: a model that has called tools is asked again with what was read before. */
  readonly #put = new WeakMap<Turn, { readonly body: string; readonly host: string }>();

  constructor(options: {
    readonly servers: Pick<ToolServers, "prompt">;
    readonly access: Pick<ToolAccess, "prompts">;
    readonly agreements: Pick<ToolAgreements, "about">;
    readonly privacy: Pick<PrivacyGate, "note">;
    readonly allowances: Pick<Allowances, "takeToolCall">;
    readonly history: Pick<History, "reworded">;
    readonly log: Logger;
  }) {
    this.#servers = options.servers;
    this.#access = options.access;
    this.#agreements = options.agreements;
    this.#privacy = options.privacy;
    this.#allowances = options.allowances;
    this.#history = options.history;
    this.#log = options.log;
  }

  /**
   * The material with the prompt's words in place of the person's choice; or, in words for that person, the reason why there is
   * no prompt. Throws the signal's reason.
   */
  async put(asker: PromptAsker, material: Material, signal: AbortSignal): Promise<Material | string> {
    const { turn } = asker;
    const question = questionOf(turn, material);
    const wish = question && promptWishIn(question.body);
    if (wish === undefined || question === undefined) return material;
    const before = this.#put.get(turn);
    // Another agent's model, which answers instead, is another place for the words.
    if (before?.host === asker.destination.host) return withBody(material, question, before.body);
    const chosen = await this.#chosen(asker, wish, material.encrypted);
    if (typeof chosen === "string") return chosen;
    const said = await this.#read(asker, wish, chosen, signal);
    if (said === undefined) return (await asker.words()).commands.prompt.failed(wish.server, wish.name);
    reached("prompt.read");
    const body = promptQuestion(wish.server, wish.name, said);
    await this.#history.reworded(turn.ghost, turn.roomId, turn.eventId, body);
    this.#put.set(turn, { body, host: asker.destination.host });
    return withBody(material, question, body);
  }

  /** The prompt of a wish with its arguments, if the person may use it; else the reason, in words. */
  async #chosen(
    { turn, voice, destination, words }: PromptAsker,
    { server, name, words: written }: PromptWish,
    encrypted: boolean,
  ): Promise<ChosenPrompt | string> {
    const { prompt: phrases, tools } = (await words()).commands;
    const { ghost, roomId } = turn;
    const user = { ghost, roomId, ...personOf(turn), agent: voice.agent.name, model: destination, encrypted };
    const all = await this.#access.prompts(user);
    const from = all.find((one) => one.server === server);
    if (from === undefined) return phrases.noServer(server, nearName(server, namesOf(all)));
    const { decision, prompts } = from;
    if (decision.may === "refuse") return phrases.refused(server, tools.may[decision.why]);
    const prompt = prompts.find((one) => one.name === name);
    if (prompt === undefined) return phrases.noPrompt(server, name, nearName(name, promptNamesOf(prompts)));
    const read = promptArguments(prompt, written);
    if (read.kind === "wrong") return phrases.form(promptForm(server, prompt));
    // A homeserver can invent an edit, and that somebody asks again.
    if (decision.may === "ask" && turn.encrypted && turn.isAuthentic !== true) return phrases.anew;
    // The choice is the person's agreement, where that counts.
    const agreed = { decision, rules: from.rules, host: from.host };
    const agreement = await this.#agreements.about(turn, agreedCall(turn, decision), agreed);
    if (agreement !== "given" && agreement !== "unneeded") return phrases.refused(server, tools.may.moderators);
    if ((await this.#allowances.takeToolCall(usersOf(turn))) !== undefined) return phrases.limited;
    return { from, given: read.content as Readonly<Record<string, string>> };
  }

  /** The words of a prompt; undefined where its server does not give it. */
  async #read(
    { turn }: PromptAsker,
    { server, name }: PromptWish,
    { from, given }: ChosenPrompt,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { ghost, roomId, eventId: event } = turn;
    const bytes = Buffer.byteLength(JSON.stringify(given));
    const model = PROMPT_TOOL.name;
    await this.#privacy.note({ ghost, roomId, ...destinationOfTool(from), model, kind: "tool", bytes });
    try {
      const person = behalfOf(personOf(turn));
      return await this.#servers.prompt(server, name, given, signal, person);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (!(error instanceof ToolFailure)) throw error;
      this.#log.warn({ ghost, room: roomId, event, server, error }, "a prompt could not be read");
      return undefined;
    }
  }
}

/**
 * Whether words of a server, by its prompt, are among what the model reads. The question of a turn may be a choice still, though the
 * model has read the prompt in its place: the material was read before.
 */
export function holdsPromptIn(turn: Turn, material: Pick<Material, "latest" | "about" | "summary">): boolean {
  const chosen = questionOf(turn, material);
  if (chosen !== undefined && promptWishIn(chosen.body) !== undefined) return true;
  if (material.summary !== undefined && holdsPrompt(material.summary)) return true;
  return [...material.latest, ...material.about.replies.values()].some(({ body }) => holdsPrompt(body));
}

/** The question of a turn, where it may choose a prompt: agents choose none. */
function questionOf(turn: Turn, { latest }: Pick<Material, "latest">): RememberedMessage | undefined {
  const question = latest.findLast(({ eventId }) => eventId === turn.eventId);
  return question?.author === "person" && question.sender === turn.asker && turn.hops === 0 ? question : undefined;
}

/** Only people ask with prompts. */
function personOf({ asker, isAuthentic }: Turn): Pick<ToolUser, "asker" | "isFromAgent" | "isAuthentic"> {
  return { asker, isFromAgent: false, isAuthentic: isAuthentic === true };
}

function withBody(material: Material, question: RememberedMessage, body: string): Material {
  return { ...material, latest: material.latest.map((one) => (one === question ? { ...question, body } : one)) };
}

/** The choice of a prompt in the form of a call about which its person has decided. */
function agreedCall(turn: Turn, decision: DecidedPrompts["decision"]): Parameters<ToolAgreements["about"]>[1] {
  const deciders = decision.may === "ask" ? decision.deciders : "asker";
  const asked = { deciders, canGrant: false } as const;
  const call = { id: "", name: PROMPT_TOOL.name, arguments: {}, mayRepeat: true, asked } as const;
  return { number: 1, askedOf: "tool", state: "approved", call, decidedBy: turn.asker };
}

function namesOf(all: readonly DecidedPrompts[]): readonly string[] {
  return all.filter(({ decision }) => decision.may !== "refuse").map(({ server }) => server);
}

function promptNamesOf(prompts: readonly KnownPrompt[]): readonly string[] {
  return prompts.map(({ name }) => name);
}
