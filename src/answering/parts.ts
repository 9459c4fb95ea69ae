import type { ListedAgent } from "../agents/agents.ts";
import type { AnswerSettings } from "../config/config.ts";
import type { ExchangeSettings } from "../config/exchange-config.ts";
import type { History } from "../memory/history.ts";
import type { ReadFiles } from "../memory/read-files.ts";
import type { Summaries } from "../memory/summaries.ts";
import type { Logger } from "../observability/log.ts";
import type { RoomDefaults } from "../rooms/settings.ts";
import type { ToolAccess } from "../tools/tool-access.ts";
import type { ToolServers } from "../tools/tool-servers.ts";
import type { Allowances } from "../turns/allowances.ts";
import type { Exchanges } from "../turns/exchanges.ts";
import type { TurnStore } from "../turns/turn-store.ts";
import { AnswerDrafts, type MakeStream } from "./answer-drafts.ts";
import { AnswerMemory } from "./answer-memory.ts";
import { Companies } from "./company.ts";
import { ConsentQuestions } from "./consent-questions.ts";
import type { FailureNotices } from "./failure-notices.ts";
import { MaterialGatherer } from "./material.ts";
import { ModelAsker } from "./model-asker.ts";
import { ModelLimits } from "./model-limits.ts";
import { ModelPrompts } from "./model-prompt.ts";
import { PictureAnswers, type Upload } from "./picture-answer.ts";
import { RepliedMessages, type RepliedMessagesOptions } from "./replied-messages.ts";
import { PromptQuestions } from "./prompt-questions.ts";
import { ReplyTargets, type IsLatest } from "./reply-targets.ts";
import type { RoomLanguage } from "./room-language.ts";
import type { AskToSignIn } from "./sign-in-links.ts";
import { SummingUp } from "./summing-up.ts";
import { ToolAgreements, type StandingOf } from "./tool-agreement.ts";
import { ToolFiles } from "./tool-files.ts";
import { ToolOffers } from "./tool-offers.ts";
import { ToolQuestions } from "./tool-questions.ts";
import { Transcriber, type TranscriptionModel } from "./transcriber.ts";
import { TurnFiles, type Download } from "./turn-files.ts";
import { VoiceAnswers } from "./voice-answers.ts";
import { Voices, type VoicesOptions } from "./voices.ts";

/** The surroundings of the parts that make answers, which are joined only here. */
export interface AnsweringOptions extends VoicesOptions, RepliedMessagesOptions {
  readonly history: History;
  /** The admin's settings; read anew each time. */
  readonly answers: () => AnswerSettings;
  /** Says why a question has no answer. */
  readonly failureNotices: FailureNotices;
  readonly download: Download;
  /** The stored contents of files. */
  readonly readFiles: ReadFiles;
  readonly upload: Upload;
  readonly makeStream: MakeStream;
  readonly tools: ToolServers;
  /** Has people sign in to servers of tools. */
  readonly askToSignIn: AskToSignIn;
  /** Decides which of them may be used. */
  readonly toolAccess: ToolAccess;
  /** The time for people to decide about calls, in ms; read anew each time. */
  readonly approvalMs: () => number;
  /** The model that transcribes voice messages; read anew each time. */
  readonly transcription: () => TranscriptionModel | undefined;
  /** The values of rooms that set nothing; read anew each time. */
  readonly defaults: () => RoomDefaults;
  readonly language: RoomLanguage;
  readonly summaries: Summaries;
  /** The agents that are in a room. */
  readonly agentsIn: (roomId: string) => Promise<readonly ListedAgent[]>;
  readonly allowances: Allowances;
  readonly exchanges: Exchanges;
  readonly turns: TurnStore;
  /** Read anew each time. */
  readonly exchangeLimits: () => ExchangeSettings;
  readonly isEncrypted: (roomId: string) => Promise<boolean>;
  readonly isLatest: IsLatest;
  readonly standingOf: StandingOf;
  readonly log: Logger;
}

/** The parts that make answers. */
export interface AnsweringParts {
  readonly voices: Voices;
  readonly gatherer: MaterialGatherer;
  readonly voiceAnswers: VoiceAnswers;
  readonly targets: ReplyTargets;
  readonly notices: FailureNotices;
  readonly drafts: AnswerDrafts;
  readonly memory: AnswerMemory;
  readonly summingUp: SummingUp;
  readonly toolFiles: ToolFiles;
}

/** Makes the parts and joins them. */
export function answeringParts(options: AnsweringOptions): AnsweringParts {
  const { history, summaries, turns, exchanges, allowances, models, privacy, permissions, log } = options;
  const {
    failureNotices: notices,
    agentOf,
    agentsIn,
    provider,
    isEncrypted,
    defaults,
    answers,
    transcription,
  } = options;
  const voices = new Voices(options);
  const limits = new ModelLimits();
  const targets = new ReplyTargets((message) => options.isLatest(message));
  const maxHops = (): number => options.exchangeLimits().maxHops;
  const companies = new Companies({ exchanges, permissions, agentsIn, maxHops, defaults });
  const repliedMessages = new RepliedMessages(options);
  const transcriber = new Transcriber({ model: transcription, provider, privacy, history });
  const files = new TurnFiles({ known: options.readFiles, models, transcriber, download: options.download });
  const prompts = new ModelPrompts({ voices, limits, files, agentOf });
  const asker = new ModelAsker({ prompts, limits, privacy, log });
  const tools = toolOffers(options, targets);
  const pictures = new PictureAnswers({ privacy, targets, answers, upload: options.upload });
  const consentQuestions = new ConsentQuestions({
    turns: turns.consent,
    privacy,
    isEncrypted,
    agentOf,
    targets,
    notices,
  });
  return {
    voices,
    gatherer: new MaterialGatherer({ history, summaries, repliedMessages, companies, models, agentOf, defaults }),
    voiceAnswers: new VoiceAnswers({
      privacy,
      asker,
      tools,
      prompts: promptQuestions(options),
      pictures,
      consentQuestions,
      targets,
      notices,
      answers,
      log,
    }),
    targets,
    notices,
    drafts: new AnswerDrafts({ targets, answers, defaults, agentOf, makeStream: options.makeStream }),
    memory: new AnswerMemory(history, turns, agentOf),
    toolFiles: new ToolFiles({ turns, upload: options.upload, language: options.language, log }),
    summingUp: new SummingUp({ voices, limits, summaries, allowances, privacy, defaults }),
  };
}

function promptQuestions(options: AnsweringOptions): PromptQuestions {
  const { tools: servers, toolAccess: access, privacy, allowances, history, log } = options;
  const agreements = new ToolAgreements(options);
  return new PromptQuestions({ servers, access, agreements, privacy, allowances, history, log });
}

function toolOffers(options: AnsweringOptions, targets: ReplyTargets): ToolOffers {
  const { tools: servers, toolAccess: access, approvalMs, askToSignIn, isEncrypted } = options;
  const { privacy, models, allowances, log } = options;
  const questions = new ToolQuestions({ targets, isEncrypted, waitsForMs: approvalMs });
  const agreements = new ToolAgreements(options);
  return new ToolOffers({ servers, access, questions, agreements, privacy, models, allowances, askToSignIn, log });
}
