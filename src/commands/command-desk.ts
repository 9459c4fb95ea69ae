import { callFor, userLocalpart } from "../addressing/call.ts";
import { ownWords, type WrittenCommand } from "../addressing/written-command.ts";
import { noticeContent, reactionContent } from "../answering/reply.ts";
import { formFor } from "../ghost/form.ts";
import type { GhostHandle } from "../ghost/ghost-handle.ts";
import type { GhostMessage } from "../ghost/received.ts";
import type { Outcome } from "../ghost/outcome.ts";
import { wordsIn } from "../language/languages.ts";
import type { Words } from "../language/words.ts";
import { Patience } from "../providers/patience.ts";
import type { Admission } from "../turns/admission.ts";
import { COMMANDS } from "./all.ts";
import type { Asked, CommandOutcome, CommandServices } from "./command.ts";
import { describeMisspelt, readCommand, type ReadCommand } from "./read-command.ts";
import { refusalOf } from "./who-may.ts";

/** The services that this class makes. */
type Made = "commands" | "admission" | "patience";

/** The services for carrying out commands. */
export interface CommandDeskOptions extends Omit<CommandServices, Made> {
  /** Whether a message is still the last one in a direct chat of two, as far as known. */
  readonly isLatest: (message: {
    readonly ghost: string;
    readonly roomId: string;
    readonly eventId: string;
  }) => Promise<boolean>;
}

/** Carries out people's `!…` commands to an agent, and reports the result. */
export class CommandDesk {
  readonly #services: CommandServices;
  readonly #isLatest: CommandDeskOptions["isLatest"];

  constructor(options: CommandDeskOptions, admission: Admission) {
    this.#services = servicesOf(options, admission);
    this.#isLatest = options.isLatest;
  }

  /**
   * Carries a command out up to the report; returns the changes to store. Throws the error of sending or the database;
   * then nothing has changed, and the command is carried out again.
   */
  async carryOut(
    ghost: GhostHandle,
    message: GhostMessage,
    written: WrittenCommand,
    threadRoot: string | undefined,
  ): Promise<Outcome> {
    const { roomId, eventId } = message;
    const read = readCommand(written);
    const asked = await this.#askedBy(ghost, message, written, read, threadRoot);
    const outcome = await this.#outcome(asked, read);
    ghost.markRead(roomId, eventId, threadRoot);
    await this.#tell(asked, outcome);
    const { store, after } = outcome;
    return {
      store,
      after: async () => {
        // The log must not hold the written name, because any word can follow an exclamation mark.
        const command = read.kind === "right" ? read.command.name : read.kind;
        ghost.log.info({ room: roomId, event: eventId, command }, "command carried out");
        await after?.();
      },
    };
  }

  /**
   * A decision that addresses nobody is for the only agent that waits for one. The waiting agents are those at the time
   * of the decision, so that all agents of the room find the same.
   */
  async carryOutBare(
    ghost: GhostHandle,
    message: GhostMessage,
    written: WrittenCommand,
    threadRoot: string | undefined,
  ): Promise<Outcome> {
    const { agentsIn, turns, language } = this.#services;
    const { roomId, eventId } = message;
    const waiting = await turns.consent.waitedForConsent(roomId, eventId);
    const asking = (await agentsIn(roomId)).filter(({ userId }) => waiting.includes(userId));
    if (asking[0]?.userId !== ghost.userId) return {};
    if (asking.length === 1) return this.carryOut(ghost, message, written, threadRoot);
    const { consent } = await language.words(ghost.userId, roomId);
    const read = readCommand(written);
    const decision = read.kind === "right" && typeof read.argument === "string" ? ` ${read.argument}` : "";
    const commands = asking.map(
      ({ userId, agent }) => `${callFor(userId, agent.name, false)}!${written.name}${decision}`,
    );
    const notice = noticeContent(consent.which(commands), { eventId, threadRoot });
    await ghost.send(roomId, "m.room.message", notice, `${eventId} command`, { form: "of_room" });
    return {};
  }

  async #askedBy(
    ghost: GhostHandle,
    message: GhostMessage,
    written: WrittenCommand,
    read: ReadCommand,
    threadRoot: string | undefined,
  ): Promise<Asked> {
    const { language, agentOf } = this.#services;
    const agent = agentOf(ghost.userId);
    const spoken = read.kind === "right" ? read.command.speaks?.(read.argument) : undefined;
    return {
      ghost,
      message,
      threadRoot,
      agent,
      agentName: agent?.displayName ?? userLocalpart(ghost.userId),
      words:
        spoken === undefined ? await language.words(ghost.userId, message.roomId, ownWords(written)) : wordsIn(spoken),
      call: callFor(ghost.userId, agent?.name, message.direct),
    };
  }

  async #outcome(asked: Asked, read: ReadCommand): Promise<CommandOutcome> {
    if (read.kind !== "right") return { words: describeMisspelt(asked.words, read, asked.call) };
    const { command, argument } = read;
    const refusal = await refusalOf(command, argument, this.#services.permissions, asked);
    return refusal === undefined ? command.carryOut(this.#services, asked, argument) : { words: refusal };
  }

  /** Reports the result of a command: encrypted, or not at all, where it shows words that came encrypted. */
  async #tell({ ghost, message, threadRoot, agentName, words, call }: Asked, outcome: CommandOutcome): Promise<void> {
    const { roomId, eventId } = message;
    const step = `${eventId} command`;
    if ("reaction" in outcome) {
      const reaction = reactionContent(eventId, outcome.reaction);
      await ghost.send(roomId, "m.reaction", reaction, step, { form: "of_room" });
      return;
    }
    const follows = await this.#isLatest({ ghost: ghost.userId, roomId, eventId });
    const target = { eventId, threadRoot: outcome.threadRoot ?? threadRoot, follows };
    const encrypted = message.encrypted || outcome.encrypted === true;
    const isRefused = encrypted && !message.encrypted && !(await this.#services.isEncrypted(roomId));
    const said = isRefused ? inClear(words, agentName, call) : outcome.words;
    const notice = noticeContent(said, target, { origin: eventId, hops: 0 });
    await ghost.send(roomId, "m.room.message", notice, step, {
      form: formFor({ encrypted: encrypted && !isRefused }),
    });
  }
}

/** Replaces words that came encrypted, where they would be sent unencrypted. */
function inClear({ failures }: Words, agent: string, call: string): string {
  return failures.in_clear({ agent, call, model: "", provider: "" });
}

function servicesOf(options: CommandDeskOptions, admission: Admission): CommandServices {
  return {
    commands: COMMANDS,
    history: options.history,
    forgetting: options.forgetting,
    reminders: options.reminders,
    turns: options.turns,
    exchanges: options.exchanges,
    settings: options.settings,
    models: options.models,
    agentOf: options.agentOf,
    agents: options.agents,
    agentsIn: options.agentsIn,
    provider: options.provider,
    defaults: options.defaults,
    privacy: options.privacy,
    consents: options.consents,
    pauses: options.pauses,
    requests: options.requests,
    tools: options.tools,
    toolAccess: options.toolAccess,
    toolDecisions: options.toolDecisions,
    grants: options.grants,
    toolSignIns: options.toolSignIns,
    isEncrypted: options.isEncrypted,
    allowances: options.allowances,
    limits: options.limits,
    exchangeLimits: options.exchangeLimits,
    language: options.language,
    permissions: options.permissions,
    stopTurns: options.stopTurns,
    waitsStopped: options.waitsStopped,
    turnQueued: options.turnQueued,
    failureNotices: options.failureNotices,
    admission,
    patience: new Patience(),
  };
}
