import assert from "node:assert/strict";
import { glob, readFile } from "node:fs/promises";
import { relative } from "node:path";
import { describe, it } from "node:test";
import ts from "typescript";
import { FORMATS } from "../../src/config/formats.ts";
import { classifyMessage, saysToWhom, withoutReplyFallback } from "../../src/addressing/addressing.ts";
import { alternating } from "../../src/answering/alternating.ts";
import { attachmentOf, captionOf, quotedText } from "../../src/matrix/attachments.ts";
import { asksForPage } from "../../src/commands/page-links.ts";
import { answerBot } from "../../src/commands/bot.ts";
import { type ListedAgent, agentNameOf } from "../../src/agents/agents.ts";
import { calledFirst, readCall, Roll, userLocalpart } from "../../src/addressing/call.ts";
import { cleanText } from "../../src/text/clean-text.ts";
import { COMMANDS } from "../../src/commands/all.ts";
import { chosenCommand } from "../../src/commands/command-menu.ts";
import { questionIsOver, toolQuestion } from "../../src/answering/tool-question.ts";
import { stoppedInCall, withCalls, withCallUnderWay, withWait } from "../../src/answering/tool-progress.ts";
import type { ProposedCall, TurnStep } from "../../src/turns/turn-step.ts";
import { codeWord, isToolWord, plainWord } from "../../src/commands/code-word.ts";
import { questionStep, readCode } from "../../src/turns/call-code.ts";
import { visibleJson, visibleText } from "../../src/text/visible-json.ts";
import { cut } from "../../src/text/cut.ts";
import { inputQuestion } from "../../src/answering/input-question.ts";
import { isFitValue, valueIn } from "../../src/tools/field-value.ts";
import { filledIn, namedFields, readFormAnswer } from "../../src/tools/form-answer.ts";
import { readForm } from "../../src/tools/input-form.ts";
import { promptArguments, promptForm, promptWishIn, readPromptWish } from "../../src/answering/prompt-wish.ts";
import {
  holdsPrompt,
  promptQuestion,
  summaryWithPrompt,
  readPrompts,
  readPromptWords,
  type KnownPrompt,
} from "../../src/tools/server-prompt.ts";
import { readInputRequest } from "../../src/tools/input-request.ts";
import { ToolFailure } from "../../src/tools/tool-failure.ts";
import type { FieldKind, InputForm } from "../../src/turns/call-input.ts";
import { readSignIn } from "../../src/commands/tool-sign-in.ts";
import { fieldNames, foldedName } from "../../src/tools/field-names.ts";
import { answerInAddress, answerInQuery } from "../../src/tools/sign-in/authorization-answer.ts";
import {
  authorizationServerOf,
  isStillFor,
  isStillNamed,
  unnamed,
} from "../../src/tools/sign-in/authorization-server.ts";
import { scopesIn, wantedScopes } from "../../src/tools/sign-in/scope-challenge.ts";
import { codeOf, isCode } from "../../src/tools/sign-in/confirmation-code.ts";
import { signInServer } from "../support/signed-in-people.ts";
import { describeMisspelt, readCommand } from "../../src/commands/read-command.ts";
import * as commandArguments from "../../src/commands/arguments.ts";
import { valueInWords } from "../../src/commands/setting-words.ts";
import { writtenCommand } from "../../src/addressing/written-command.ts";
import { keepingEnds } from "../../src/text/ends.ts";
import { isEventId } from "../../src/matrix/event-id.ts";
import { mentionsIn } from "../../src/matrix/mentions.ts";
import { menuCommandIn } from "../../src/matrix/menu-command.ts";
import { fileOf, parseContent, type ReceivedContent } from "../../src/matrix/received-content.ts";
import { exchangeMark } from "../../src/matrix/exchange-mark.ts";
import { callsIn, namedAgents } from "../../src/answering/exchange.ts";
import { escapeMarkdown, LONGEST_RENDERED, renderMarkdown } from "../../src/text/markdown.ts";
import { isAllowedLink } from "../../src/text/matrix-html.ts";
import { NameIndex } from "../../src/addressing/name-index.ts";
import { withLongerFences } from "../../src/text/nested-fences.ts";
import { describeMissingKey, identityOf, nameOf, plainWords } from "../../src/answering/notices.ts";
import { escapedHtml, leadingPills, pillOfUser, pillsIn, userOfLink } from "../../src/matrix/pills.ts";
import { plainText } from "../../src/answering/file-words.ts";
import { buildPrompt, costOf } from "../../src/answering/prompt.ts";
import {
  mayHaveModel,
  noteRefusedModel,
  userIdOn,
  type PermittedModelsOptions,
} from "../../src/answering/permitted-models.ts";
import { decisionOf, wishOf } from "../../src/conversation/wishes.ts";
import { withReply } from "../../src/memory/replied.ts";
import {
  attachmentContent,
  noticeContent,
  pictureContent,
  withThinking,
  withUploaded,
} from "../../src/answering/reply.ts";
import { saidBy } from "../../src/addressing/said.ts";
import { inset, speakersOf, utterance } from "../../src/memory/speaker.ts";
import { closed, splitMarkdown } from "../../src/text/split.ts";
import { estimateTokens } from "../../src/text/tokens.ts";
import { unreadKindOf } from "../../src/conversation/unread-kinds.ts";
import { boundedKeys } from "../../src/crypto/bounded-keys.ts";
import { askForKeys, readableAnswer } from "../../src/crypto/key-requests.ts";
import { parseList } from "../../src/homeserver/list-answer.ts";
import { messageIndex } from "../../src/crypto/megolm.ts";
import { StreamKey } from "../../src/crypto/stream-key.ts";
import { decodeRecoveryKey } from "../../src/crypto/recovery-key.ts";
import { toJson } from "../../src/crypto/store/json-value.ts";
import { flowIn, isStep, isVerification, transactionOf } from "../../src/crypto/verification-events.ts";
import { boundedLines } from "../../src/database/served/lines.ts";
import { answerLine, parseAnswer, parseRequest, requestLine } from "../../src/database/served/messages.ts";
import { DatabaseError } from "../../src/database/database.ts";
import { damage, remedyOfDamage, unopened } from "../../src/database/embedded-damage.ts";
import { reasonOfDatabaseError } from "../../src/database/database-fault.ts";
import { isStorable, storable } from "../../src/database/text.ts";
import { closedFormat, documentFormat, isCalledPdf } from "../../src/documents/formats.ts";
import { decodedText } from "../../src/documents/text-encoding.ts";
import { deviceNameOf, isDeviceName } from "../../src/ghost/device/device-name.ts";
import { plainModelName, readableModelName, withoutPath } from "../../src/agents/model-name.ts";
import { transactionId } from "../../src/ghost/outbox.ts";
import { auditOfMembership, inviterOf } from "../../src/ghost/own-membership.ts";
import { sightingOf } from "../../src/homeserver/absence.ts";
import { asStrings } from "../../src/homeserver/answer.ts";
import { endpointOf } from "../../src/homeserver/endpoint.ts";
import { reasonOfHomeserverError } from "../../src/homeserver/error-words.ts";
import { HomeserverUnreachable, MatrixError } from "../../src/homeserver/errors.ts";
import { shellWord } from "../../src/observability/shell-word.ts";
import { path } from "../../src/homeserver/path.ts";
import { parseSubscription, streamChange } from "../../src/matrix/event-stream.ts";
import { answeredEvent, parseRelation, relationOf } from "../../src/matrix/relation.ts";
import { softwareIn } from "../../src/homeserver/software.ts";
import { explainNoAnswer, explainOtherAnswer } from "../../src/homeserver/no-answer.ts";
import { isAtLeast } from "../../src/homeserver/survey.ts";
import { createTokenCheck } from "../../src/homeserver/token.ts";
import { parseTransaction, type RoomEvent, type Transaction } from "../../src/homeserver/transaction.ts";
import { ownEchoes } from "../../src/mailbox/own-echoes.ts";
import { outsideOfSaid, saidInRoom } from "../../src/mailbox/said-in-room.ts";
import { wordsIn } from "../../src/language/languages.ts";
import type { InputQuestionWords, ToolQuestionWords } from "../../src/language/phrases.ts";
import { spokenLanguage } from "../../src/language/spoken-language.ts";
import { route } from "../../src/mailbox/routing.ts";
import {
  codesOf,
  reasonOfNetworkCode,
  reasonOfNetworkError,
  wasNeverSent,
} from "../../src/observability/network-fault.ts";
import { describeError, printError, unquoted } from "../../src/observability/described-error.ts";
import { Secrets } from "../../src/observability/secrets.ts";
import { Bans, isPolicyEvent, parseBanList } from "../../src/permissions/bans.ts";
import { isGlob, matchesGlob, particularity } from "../../src/text/glob.ts";
import { decide } from "../../src/permissions/decisions.ts";
import { encryptionOfInvite, typeOfInvite } from "../../src/matrix/invite-state.ts";
import { serverOf, withoutPort } from "../../src/matrix/server-name.ts";
import { limitReached, roundsOf } from "../../src/answering/tool-rounds.ts";
import type { ToolRules } from "../../src/config/config.ts";
import { canonicalJson } from "../../src/tools/canonical-json.ts";
import { readTools } from "../../src/tools/tool-definition.ts";
import { namesFor } from "../../src/tools/tool-names.ts";
import { decideCall, mayDecide, type ToolUse } from "../../src/tools/tool-policy.ts";
import { readMore } from "../../src/tools/read-more.ts";
import { remindTool } from "../../src/tools/own/remind.ts";
import { searchRoom } from "../../src/tools/own/search-room.ts";
import { timeTool } from "../../src/tools/own/time.ts";
import { fetchPage, nextUrl } from "../../src/tools/own/web-fetch.ts";
import type { OwnCall } from "../../src/tools/own/own-tool.ts";
import { readTime } from "../../src/time/zoned-time.ts";
import { occasionOf, shownTask } from "../../src/reminders/reminder.ts";
import { contextOf } from "../support/tool-servers.ts";
import { boundedResult, readResult } from "../../src/tools/tool-result.ts";
import { callResourceTool } from "../../src/tools/resource-tools.ts";
import { readResultFile } from "../../src/tools/result-file.ts";
import { faultOfArguments, readToolSchema } from "../../src/tools/tool-schema.ts";
import { explain as anthropicError } from "../../src/providers/anthropic-errors.ts";
import {
  messagesFor as anthropicMessages,
  toolsFor as anthropicTools,
} from "../../src/providers/anthropic-messages.ts";
import { CallAssembler } from "../../src/providers/call-assembler.ts";
import { JsonProgress } from "../../src/providers/json-progress.ts";
import { keep, keptOf } from "../../src/providers/kept.ts";
import { explain as openAiError, illBy } from "../../src/providers/openai-errors.ts";
import { messagesFor as openAiMessages, toolsFor as openAiTools } from "../../src/providers/openai-messages.ts";
import { argumentsAsTold, nameAsTold, type ToolRound } from "../../src/providers/tool-call.ts";
import { createDemoProvider, DEMO_MODEL } from "../../src/providers/demo.ts";
import { checkJson, checkPicture, checkSize, lines } from "../../src/providers/http.ts";
import { entryOf, factsInProps, isOfLlamaServer, tellsWindow } from "../../src/providers/llama-server.ts";
import { listedModels } from "../../src/providers/listed-models.ts";
import { cloudByName } from "../../src/providers/ollama-cloud.ts";
import { factsShown } from "../../src/providers/ollama-facts.ts";
import { canChat } from "../../src/providers/can-chat.ts";
import { checkChatStream, checkPull, explain } from "../../src/providers/ollama-http.ts";
import { refusedParameter } from "../../src/providers/parameters.ts";
import { Repetition } from "../../src/providers/repetition.ts";
import { promptTooLong } from "../../src/providers/prompt-too-long.ts";
import { ThinkingInText } from "../../src/providers/thinking-in-text.ts";
import { withPictureMark } from "../../src/answering/picture-mark.ts";
import { foreignPicture, pictureExtent, pictureType } from "../../src/providers/pictures.ts";
import { recordingEnding } from "../../src/providers/recordings.ts";
import { checkSse } from "../../src/providers/sse.ts";
import { isCiphertext } from "../../src/rooms/encrypted-by-message.ts";
import { isLine } from "../../src/rooms/line.ts";
import { distinctName, localpartOf, nameKey } from "../../src/rooms/names.ts";
import { isModerator, parseCreators } from "../../src/rooms/power.ts";
import {
  nameOf as nameInRoom,
  parseEncryption,
  parseHistoryVisibility,
  parseMembers,
} from "../../src/rooms/room-state.ts";
import { predecessorRoom, replacementRoom } from "../../src/rooms/upgrade.ts";
import { HOSTILE } from "../support/hostile.ts";
import { inCheckout } from "../support/paths.ts";

/** The longest possible event and answer, in characters. */
const EVENT = 65_536;
const ANSWER = 262_144;
const PIECE = 16_384;
const FEW = 8_192;

/** A tool server to which people sign in. */
const SIGN_IN_SERVER = signInServer("https://hs/mcp", "https://hs");

/** A function that never takes longer than this is safe however its time grows, in ms of the processor. */
const NOTHING_MS = 60;

/** No function may take longer in one go, in ms of the processor. */
const LONGEST_MS = 200;

/** Eight times the text may take at most so many times as long. */
const MOST_GROWTH = 10;

/** A function that is tested with a text: returns when all of its work is done. */
type Feed = (text: string) => unknown;

const AGENTS: readonly ListedAgent[] = Array.from({ length: 40 }, (_, index) => ({
  userId: `@agent_a${index}:example.org`,
  agent: {
    name: `a${index}`,
    displayName: `Agent A${index}`,
    localpart: `agent_a${index}`,
    provider: "p",
    contextTokens: 1,
    makes: "text",
    locality: "local",
  },
}));

/** A person who wants to reach something through an agent; every request is refused. */
const WHO = { userId: "@a:a", roomId: "!r:a", ghost: "@agent_a:a" };
const REACH: PermittedModelsOptions = {
  agents: () => AGENTS,
  permissions: { allows: () => false, decide: () => ({ allowed: false, reason: "not_this_agent" }) },
};

const CALLEES = AGENTS.map(({ userId, agent: { name, displayName, localpart } }) => ({
  userId,
  names: [userId, userId.slice(1), localpart, name, displayName],
}));
const ROLL = new Roll(CALLEES);
const INDEX = new NameIndex<string>();
for (const { names } of CALLEES) for (const name of names) INDEX.add(name, name);
const WORDS = wordsIn("en");
const TARGET = { eventId: "$e", threadRoot: undefined };
const SECRETS = new Secrets(["swordfish", "a".repeat(20)]);
const BANS = new Bans([
  { kind: "user", entity: "@*a*a*a*:b" },
  { kind: "server", entity: "*.a.*" },
]);

function event(text: string): RoomEvent {
  return {
    event_id: text,
    room_id: text,
    sender: text,
    type: text,
    state_key: text,
    content: { body: text, membership: text },
    origin_server_ts: 0,
    unsigned: { prev_sender: text },
  };
}

/** A transaction of a message that is made of a text. */
function transactionOfMessage(text: string): Transaction {
  const message = {
    event_id: text,
    room_id: text,
    sender: text,
    type: text,
    content: { body: text },
    origin_server_ts: 0,
  } satisfies RoomEvent;
  return { txnId: text, events: [message, message], malformed: [], wakeUps: [], changedUsers: [] };
}

function messageOf(content: Record<string, unknown>, type = "m.room.message"): ReceivedContent {
  return parseContent(type, { msgtype: "m.text", ...content });
}

function pieces(text: string): AsyncIterable<Uint8Array> {
  const bytes = Buffer.from(text);
  const ends = Array.from({ length: Math.ceil(bytes.length / 50) }, (_, index) => 50 * (index + 1));
  return each(ends.map((end) => bytes.subarray(end - 50, end)));
}

/** One after the other, as they come over a wire. */
async function* each<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item);
}

/** Reads a body to its end or its first fault, in many small pieces. */
async function readAll(
  check: (body: AsyncIterable<Uint8Array>) => AsyncIterable<unknown>,
  text: string,
): Promise<void> {
  const read = check(pieces(text))[Symbol.asyncIterator]();
  try {
    while ((await read.next()).done !== true) continue;
  } catch (error) {
    assert.ok(error instanceof Error);
  }
}

/** The error of work that may refuse a text. */
function refusal(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    assert.ok(error instanceof Error);
    return error;
  }
}

/** By the file and the name of the export. */
const FED: Readonly<Record<string, Readonly<Record<string, Feed>>>> = {
  "config/formats.ts": { FORMATS: (text) => Object.values(FORMATS).map(({ validate }) => validate(text)) },
  "addressing/addressing.ts": {
    classifyMessage: (text) =>
      classifyMessage(
        {
          eventId: "$e",
          roomId: "!r",
          sender: "@x:b",
          sentAt: 0,
          content: messageOf({
            body: text,
            formatted_body: text,
            "m.relates_to": { "m.in_reply_to": { event_id: text } },
          }),
          encrypted: true,
        },
        {
          userId: "@agent_x:b",
          names: ["x"],
          others: CALLEES,
          direct: false,
          respond: "all",
          inThread: false,
          cloud: false,
        },
        () => false,
        () => false,
      ),
    saysToWhom: (text) => saysToWhom({ encrypted: true, content: messageOf({ "m.mentions": { user_ids: [text] } }) }),
    withoutReplyFallback: (text) => {
      for (const begin of ["", "> <@a:b> "]) {
        withoutReplyFallback(begin + text, messageOf({ "m.relates_to": { "m.in_reply_to": {} } }));
      }
    },
  },
  "answering/alternating.ts": {
    alternating: (text) => alternating(text.split("a").map((content) => ({ role: "user", content }))),
  },
  "matrix/attachments.ts": {
    attachmentOf: (text) =>
      attachmentOf({ msgtype: "m.file", body: text, url: `mxc://a/${text}`, info: { mimetype: text } }),
    captionOf: (text) => captionOf({ filename: "a", body: text }),
    quotedText: (text) => quotedText(text, text),
  },
  "commands/page-links.ts": { asksForPage: (text) => asksForPage(text) },
  "commands/bot.ts": { answerBot: (text) => answerBot(WORDS, text, AGENTS, "everywhere") },
  "addressing/call.ts": {
    readCall: (text) => readCall({ body: text, html: text, mentions: text.split(" ") }, CALLEES),
    calledFirst: (text) => calledFirst(text, ROLL),
    Roll: (text) => [ROLL.nameAtStart(text), ROLL.nameAtEnd(text, true)],
    userLocalpart: (text) => userLocalpart(text),
  },
  "addressing/name-index.ts": {
    NameIndex: (text) => {
      INDEX.longestAt("beginning", text, () => false);
      INDEX.longestAt("end", text, () => false);
      new NameIndex().add(text, "");
    },
  },
  "text/clean-text.ts": { cleanText: (text) => cleanText(text) },
  "commands/command-menu.ts": {
    chosenCommand: (text) =>
      chosenCommand(
        messageOf({
          "m.mentions": { user_ids: ["@a:b"] },
          "org.matrix.msc4391.command": { command: "discuss", arguments: { topic: text, agents: text.split(" ") } },
        }),
        "@a:b",
      ),
  },
  "addressing/written-command.ts": {
    writtenCommand: (text) => [writtenCommand(text), writtenCommand(`!${text}`)],
  },
  "commands/code-word.ts": {
    codeWord: (text) => [codeWord(text), codeWord(`yes ${text}`)],
    plainWord: (text) => plainWord(text),
    isToolWord: (text) => isToolWord({ name: text, rest: text }),
  },
  "turns/call-code.ts": { readCode: (text) => readCode(text), questionStep: (text) => questionStep(text) },
  "answering/input-question.ts": {
    inputQuestion: (text) => inputQuestion(WORDS, inputFacts(), formOf(text), TARGET, { mentions: [], mark: MARK }),
  },
  "answering/tool-question.ts": {
    toolQuestion: (text) => toolQuestion(WORDS, toolFacts(), { [text]: text }, TARGET, { mentions: [], mark: MARK }),
    questionIsOver: (text) => questionIsOver(text, WORDS.tools.stopped),
  },
  "answering/tool-progress.ts": {
    withCalls: (text) => withCalls({ body: text }, callsOf(text), WORDS),
    withWait: (text) => withWait(callsOf(text), WORDS),
    stoppedInCall: (text) => stoppedInCall(callsOf(text), callOf(text), WORDS),
    withCallUnderWay: (text) => withCallUnderWay(callsOf(text), callOf(text), WORDS),
  },
  "text/visible-json.ts": { visibleJson: (text) => visibleJson({ [text]: text }), visibleText },
  "commands/read-command.ts": {
    readCommand: (text) => {
      for (const { name } of [...COMMANDS, { name: "x" }]) readCommand({ name, rest: text });
    },
    describeMisspelt: (text) => describeMisspelt(WORDS, { kind: "unknown", name: text }),
  },
  "commands/arguments.ts": {
    plainWords: (text) => commandArguments.plainWords(text),
    unquoted: (text) => commandArguments.unquoted(text),
    oneOfOrNone: (text) => commandArguments.oneOfOrNone(["allow"], text),
  },
  "commands/setting-words.ts": { valueInWords: (text) => valueInWords(WORDS, "system", text) },
  "text/ends.ts": {
    keepingEnds: (text) => keepingEnds(text, "…", { fits: (shorter) => estimateTokens(shorter) < 1_000, most: 10_000 }),
  },
  "matrix/event-id.ts": { isEventId: (text) => [isEventId(text), isEventId(`$${text}`)] },
  "matrix/mentions.ts": { mentionsIn: (text) => mentionsIn({ "m.mentions": { user_ids: text.split(" ") } }) },
  "matrix/menu-command.ts": {
    menuCommandIn: (text) =>
      menuCommandIn({
        "org.matrix.msc4391.command": {
          command: text,
          arguments: Object.fromEntries(text.split(" ").map((word, at) => [`${at}${word}`, [text]])),
        },
      }),
  },
  "matrix/received-content.ts": {
    parseContent: (text) => {
      const said = { body: text, formatted_body: text, filename: text, url: `mxc://${text}`, info: { mimetype: text } };
      for (const msgtype of ["m.text", "m.file", "m.location", "m.sticker", text]) {
        const relation = { rel_type: "m.replace", event_id: text };
        parseContent("m.room.message", { msgtype, ...said, "m.relates_to": relation, "m.new_content": said });
      }
    },
    fileOf: (text) => fileOf(messageOf({ msgtype: "m.file", body: text, url: "mxc://a/b" })),
  },
  "matrix/exchange-mark.ts": {
    exchangeMark: (text) => exchangeMark({ "io.github.matrix-appservice-agents.exchange": { origin: text, hops: 1 } }),
  },
  "answering/exchange.ts": {
    callsIn: (text) => callsIn(text, AGENTS),
    namedAgents: (text) => namedAgents(text, AGENTS),
  },
  "text/markdown.ts": {
    renderMarkdown: (text) => renderMarkdown(text),
    escapeMarkdown: (text) => escapeMarkdown(text),
  },
  "text/matrix-html.ts": { isAllowedLink: (text) => isAllowedLink(`https://example.org/${text}`) },
  "text/nested-fences.ts": { withLongerFences: (text) => withLongerFences(text) },
  "answering/notices.ts": {
    plainWords: (text) => plainWords(text),
    nameOf: (text) => nameOf({ userId: text, displayName: text }),
    identityOf: (text) => identityOf({ userId: text, displayName: text }),
    describeMissingKey: (text) => describeMissingKey(WORDS, "a", text),
  },
  "matrix/pills.ts": {
    pillsIn: (text) => pillsIn(text),
    leadingPills: (text) => leadingPills(text, /^[\s,]{0,20}/),
    pillOfUser: (text) => pillOfUser("@a:b", text),
    userOfLink: (text) => userOfLink(text),
    escapedHtml: (text) => escapedHtml(text),
  },
  "answering/file-words.ts": {
    // A control character makes bytes no text, and blanks alone make no text with meaning.
    plainText: (text) => plainText(Buffer.from(`x${text.replace(/\p{Cc}/gu, " ")}`)),
  },
  "answering/prompt.ts": {
    costOf: (text) =>
      costOf(
        {
          eventId: "$e",
          author: "person",
          sender: "@a:b",
          speaker: text.slice(0, 256),
          body: text,
          sentAt: 0,
          encrypted: false,
        },
        { group: true, estimateTokens },
      ),
    buildPrompt: (text) =>
      buildPrompt({
        systemPrompt: undefined,
        agentName: "a",
        group: true,
        summary: text.slice(0, 4_000),
        messages: [
          {
            eventId: "$e",
            author: "person",
            sender: "@a:b",
            speaker: text.slice(0, 256),
            body: text,
            sentAt: 0,
            encrypted: false,
          },
        ],
        budgetTokens: 4_000,
        estimateTokens,
      }),
  },
  "answering/permitted-models.ts": {
    mayHaveModel: (text) => mayHaveModel(REACH, WHO, { provider: "p", model: text }),
    noteRefusedModel: (text) => noteRefusedModel(REACH, WHO, { provider: "p", model: text }, "command"),
    userIdOn: (text) => userIdOn("@agent_a:a", text),
  },
  "conversation/wishes.ts": { wishOf: (text) => wishOf(text), decisionOf: (text) => decisionOf(text) },
  "memory/replied.ts": {
    withReply: (text) => {
      const message = {
        eventId: "$e",
        author: "person",
        sender: "@a:b",
        speaker: text.slice(0, 256),
        body: text,
        sentAt: 0,
        encrypted: false,
      } as const;
      for (const isWhole of [true, false])
        withReply({
          message,
          replied: { to: { ...message, sender: "@c:d" }, isWhole },
          speakerOf: ({ speaker }) => speaker,
          group: true,
          fits: (quotation) => estimateTokens(quotation) < 1_000,
        });
    },
  },
  "addressing/said.ts": {
    saidBy: (text) => {
      const answers = text.split(" ").map((body) => ({ body, "m.text": [{ body }] }));
      for (const type of ["m.room.message", "m.sticker", "m.poll.start", text]) {
        saidBy(messageOf({ body: text, "m.poll": { question: { body: text }, answers } }, type));
      }
    },
  },
  "conversation/unread-kinds.ts": { unreadKindOf: (text) => unreadKindOf(messageOf({ msgtype: text })) },
  "answering/reply.ts": {
    withThinking: (text) => withThinking({ body: "a" }, text),
    noticeContent: (text) => noticeContent({ body: text, formattedBody: text }, TARGET),
    pictureContent: (text) =>
      pictureContent({ bytes: new Uint8Array(30), file: { url: "mxc://a/b" }, caption: text }, TARGET, {
        mentions: [],
        mark: { origin: "$e", hops: 0 },
      }),
    attachmentContent: (text) =>
      attachmentContent({ kind: "file", type: text, name: text, size: 1 }, TARGET, { origin: "$e", hops: 0 }),
    withUploaded: (text) => withUploaded({ body: text }, { url: text }, undefined),
  },
  "memory/speaker.ts": {
    speakersOf: (text) => {
      const message = { author: "person", sender: text, speaker: text } as const;
      return speakersOf([message])(message);
    },
    utterance: (text) => utterance("Alice", text),
    inset: (text) => inset(text),
  },
  "text/split.ts": {
    closed: (text) => closed(text),
    splitMarkdown: (text) => Array.fromAsync(splitMarkdown(text, (part) => Promise.resolve(part.length < 8_000))),
  },
  "text/tokens.ts": { estimateTokens: (text) => estimateTokens(text) },
  "crypto/bounded-keys.ts": {
    boundedKeys: (text) =>
      boundedKeys(
        {
          device_keys: {
            "@m:b": Object.fromEntries(text.split("a").map((part, at) => [`${at}${part}`, {}])),
            [text]: {},
          },
          self_signing_keys: { "@m:b": { keys: { [text]: text } } },
        },
        "@agent_a:b",
      ),
  },
  "crypto/key-requests.ts": {
    readableAnswer: (text) =>
      readableAnswer({ device_keys: { [text]: { [text]: {} } }, one_time_keys: { [text]: text } }),
    askForKeys: (text) =>
      askForKeys(() => Promise.resolve(JSON.stringify({ device_keys: { [text]: {} } })), {
        request: JSON.stringify({ device_keys: Object.fromEntries(text.split("a").map((id) => [id, []])) }),
        wanted: "device_keys",
        ownServer: "b",
      }),
  },
  "crypto/megolm.ts": { messageIndex: (text) => messageIndex(text) },
  "crypto/recovery-key.ts": {
    decodeRecoveryKey: (text) => {
      // The operator's own input, from the terminal.
      assert.throws(() => decodeRecoveryKey(text.slice(0, 100)));
    },
  },
  "crypto/store/json-value.ts": { toJson: (text) => toJson({ text }) },
  "crypto/verification-events.ts": {
    flowIn: (text) => flowIn({ "m.relates_to": { event_id: text } }),
    isVerification: (text) => isVerification(text),
    isStep: (text) => isStep(text),
    transactionOf: (text) => transactionOf({ transaction_id: text }),
  },
  "documents/formats.ts": {
    documentFormat: (text) => {
      for (const head of ["", "<!--", "<html><!--", "From: "]) {
        documentFormat(Buffer.from(head + text), { name: text, mimetype: text });
      }
    },
    isCalledPdf: (text) => isCalledPdf({ name: text, mimetype: text }),
    closedFormat: (text) => closedFormat(Buffer.from(`\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1${text}`, "latin1")),
  },
  "documents/text-encoding.ts": {
    decodedText: (text) => {
      for (const encoding of ["utf8", "utf16le", "latin1"] as const) decodedText(Buffer.from(text, encoding));
    },
  },
  "database/embedded-damage.ts": {
    damage: (text) => damage(text, text),
    remedyOfDamage: (text) => remedyOfDamage(text),
    unopened: (text) => unopened("/data/database", [`FATAL:  ${text}`, `DETAIL:  ${text}`], new Error(text)),
  },
  "observability/shell-word.ts": { shellWord: (text) => shellWord(text) },
  "homeserver/error-words.ts": {
    reasonOfHomeserverError: (text) => [
      reasonOfHomeserverError(new HomeserverUnreachable("GET x", text, text)),
      reasonOfHomeserverError(
        new MatrixError("GET x", { status: 403, errcode: text, error: text, retryAfterMs: undefined }),
      ),
    ],
  },
  "database/database-fault.ts": {
    reasonOfDatabaseError: (text) => {
      reasonOfDatabaseError(new DatabaseError(text, { code: undefined, retryable: false, cause: text }));
      reasonOfDatabaseError(new DatabaseError(text, { code: text, retryable: false, cause: text }));
    },
  },
  "database/text.ts": { storable: (text) => storable(text), isStorable: (text) => isStorable(text) },
  "database/served/lines.ts": {
    boundedLines: (text) => readAll((body) => boundedLines(body, 2 * EVENT), text),
  },
  "database/served/messages.ts": {
    parseRequest: (text) => [
      refusal(() => parseRequest(text)),
      refusal(() => parseRequest(JSON.stringify({ kind: "query", sql: text, values: [text, { bytes: text }] }))),
      refusal(() => parseRequest(JSON.stringify({ kind: "query", sql: "", values: [{ integer: text }] }))),
    ],
    parseAnswer: (text) => [
      refusal(() => parseAnswer(text)),
      refusal(() => parseAnswer(JSON.stringify({ kind: "result", rows: [{ a: { bytes: text } }], count: 1 }))),
    ],
    requestLine: (text) => requestLine({ kind: "query", sql: text, values: [text] }),
    answerLine: (text) => answerLine({ kind: "result", rows: [{ a: text }], count: 1 }),
  },
  "agents/agents.ts": { agentNameOf: (text) => agentNameOf(text) },
  "ghost/device/device-name.ts": {
    deviceNameOf: (text) => deviceNameOf(text),
    isDeviceName: (text) => isDeviceName(text),
  },
  "agents/model-name.ts": {
    readableModelName: (text) => readableModelName(text),
    plainModelName: (text) => plainModelName(text),
    withoutPath: (text) => withoutPath(`${text}-00001-of-00002.gguf`),
  },
  "ghost/outbox.ts": { transactionId: (text) => transactionId("@a:b", "!r", text) },
  "ghost/own-membership.ts": {
    auditOfMembership: (text) => auditOfMembership("@a:b", event(text)),
    inviterOf: (text) => inviterOf(event(text)),
  },
  "homeserver/absence.ts": {
    sightingOf: (text) =>
      sightingOf(`/_matrix/client/v3/${text}`, { kind: "answered", status: 502, errcode: undefined }, 0),
  },
  "homeserver/answer.ts": { asStrings: (text) => asStrings(text.split(" "), "GET") },
  "homeserver/endpoint.ts": { endpointOf: (text) => endpointOf(`/_matrix/client/v3/${text}`) },
  "homeserver/errors.ts": {
    MatrixError: (text) => new MatrixError("GET", { status: 400, errcode: text, error: text, retryAfterMs: undefined }),
  },
  "homeserver/list-answer.ts": {
    parseList: async (text) => {
      for (const json of [JSON.stringify([text, { [text]: text }]), `[${text}`, "[".repeat(1_000) + text]) {
        await parseList(Buffer.from(json), () => true).catch((error: unknown) => assert.ok(error instanceof Error));
      }
    },
  },
  "homeserver/path.ts": { path: (text) => path`/rooms/${text.toWellFormed()}` },
  "mailbox/own-echoes.ts": { ownEchoes: (text) => ownEchoes(transactionOfMessage(text), (userId) => userId === text) },
  "mailbox/said-in-room.ts": {
    saidInRoom: (text) => saidInRoom(transactionOfMessage(text)),
    outsideOfSaid: (text) => outsideOfSaid(event(text), 0, { isLine, isCiphertext, noteTold: "" }),
  },
  "matrix/event-stream.ts": {
    parseSubscription: (text) =>
      parseSubscription({ room_id: text, event_id: text, device_id: text, expiry_ms: 1, resync: text }),
    streamChange: (text) => [streamChange(text, `${text}x`), streamChange(`x${text}`, text)],
  },
  "crypto/stream-key.ts": {
    StreamKey: (text) => new StreamKey().open({ iv: text, ciphertext: text }),
  },
  "matrix/relation.ts": {
    relationOf: (text) => relationOf({ "m.relates_to": { rel_type: text, event_id: text } }),
    parseRelation: (text) =>
      parseRelation({ rel_type: "m.thread", event_id: text, "m.in_reply_to": { event_id: text } }),
    answeredEvent: (text) => answeredEvent({ "m.relates_to": { rel_type: text, key: text } }),
  },
  "homeserver/software.ts": {
    softwareIn: (text) => softwareIn({ server: { name: text, version: text } }),
  },
  "homeserver/no-answer.ts": {
    explainNoAnswer: (text) => {
      const cert = { subjectaltname: text };
      const code = "ERR_TLS_CERT_ALTNAME_INVALID";
      explainNoAnswer(Object.assign(new Error(text), { code, cert }), "https://example.org");
      explainNoAnswer(Object.assign(new Error(text), { code: text }), "https://example.org");
    },
    explainOtherAnswer: (text) => {
      const headers = new Map([
        ["location", text],
        ["content-type", text],
      ]);
      for (const status of [200, 301]) {
        explainOtherAnswer({ status, headers, errcode: text }, "https://example.org");
        explainOtherAnswer({ status, headers }, "https://example.org", { wellKnown: text });
      }
    },
  },
  "homeserver/survey.ts": { isAtLeast: (text) => isAtLeast(text, "1.141.0") },
  "homeserver/token.ts": { createTokenCheck: (text) => createTokenCheck("secret")(`Bearer ${text}`) },
  "homeserver/transaction.ts": {
    parseTransaction: (text) => {
      const wide = text.split("a");
      parseTransaction("1", {
        events: [event(text), { content: wide }],
        to_device: wide,
        device_lists: { changed: wide },
      });
    },
  },
  "language/spoken-language.ts": { spokenLanguage: (text) => spokenLanguage([text, text, text]) },
  "mailbox/routing.ts": { route: (text) => route([event(text)], new Map(), () => false) },
  "observability/described-error.ts": {
    describeError: (text) => describeError(new Error(text, { cause: text })),
    printError: (text) => printError(new Error(text)),
    unquoted: (text) => unquoted(text),
  },
  "observability/network-fault.ts": {
    codesOf: (text) => codesOf(Object.assign(new Error(text), { code: text })),
    reasonOfNetworkCode: (text) => reasonOfNetworkCode(text),
    reasonOfNetworkError: (text) => reasonOfNetworkError(Object.assign(new Error(text), { code: text })),
    wasNeverSent: (text) => wasNeverSent(Object.assign(new Error(text), { code: text })),
  },
  "observability/secrets.ts": { Secrets: (text) => SECRETS.hide(text) },
  "permissions/bans.ts": {
    Bans: (text) => [BANS.hasUser(text.slice(0, 255)), BANS.hasRoom(text.slice(0, 255))],
    isPolicyEvent: (text) => isPolicyEvent(event(text)),
    parseBanList: (text) =>
      parseBanList([{ type: "m.policy.rule.user", state_key: "", content: { entity: text, recommendation: "m.ban" } }]),
  },
  "text/glob.ts": {
    // No id is longer.
    matchesGlob: (text) => matchesGlob(text.slice(0, 255), text.slice(0, 255)),
    isGlob: (text) => isGlob(text),
    particularity: (text) => particularity(text),
  },
  "permissions/decisions.ts": {
    decide: (text) =>
      decide(
        {
          access: { users: ["@*:a"], admins: [], ignore: ["@*a*:*"] },
          permissions: {
            users: new Map(),
            servers: new Map(),
            rooms: new Map(),
            agents: new Map(),
            commands: { model: "moderators", system: "moderators" },
            banLists: [],
            maxRoomMembers: undefined,
            invitesPerDay: { user: undefined, server: undefined },
          },
          bans: BANS,
        },
        { act: "message", userId: text.slice(0, 255), agent: "a", roomId: text.slice(0, 255) },
      ),
  },
  "matrix/invite-state.ts": {
    encryptionOfInvite: (text) => encryptionOfInvite({ unsigned: { invite_room_state: text.split(" ") } }),
    typeOfInvite: (text) =>
      typeOfInvite({
        unsigned: { invite_room_state: text.split(" ").map((type) => ({ type: "m.room.create", content: { type } })) },
      }),
  },
  "matrix/server-name.ts": { serverOf: (text) => serverOf(text), withoutPort: (text) => withoutPort(text) },
  "providers/demo.ts": {
    createDemoProvider: async (text) => {
      const { signal } = new AbortController();
      const messages = [{ role: "user", content: text }] as const;
      const request = { model: DEMO_MODEL, messages, contextTokens: 1, maxAnswerTokens: 1, signal };
      await Array.fromAsync(createDemoProvider("demo").chat(request));
    },
  },
  "providers/can-chat.ts": {
    canChat: (text) => canChat({ name: text, type: text, capabilities: text.split("a"), outputs: text }),
  },
  "providers/http.ts": {
    lines: (text) => readAll(lines, text),
    checkSize: (text) => readAll(checkSize, text),
    checkJson: (text) => readAll(checkJson, JSON.stringify(text)),
    checkPicture: (text) => readAll(checkPicture, text),
  },
  "providers/listed-models.ts": {
    listedModels: (text) =>
      listedModels(text.split("a").map((name) => ({ name, type: name, capabilities: text, outputs: [name] }))),
  },
  "providers/llama-server.ts": {
    entryOf: (text) => entryOf({ models: [{ model: text }], data: text.split("a") }, text),
    isOfLlamaServer: (text) => isOfLlamaServer({ owned_by: text }),
    tellsWindow: (text) => tellsWindow({ meta: text }),
    factsInProps: (text) => factsInProps({ default_generation_settings: text, modalities: text }),
  },
  "providers/parameters.ts": { refusedParameter: (text) => refusedParameter({ message: text, param: text }) },
  "tools/canonical-json.ts": {
    canonicalJson: (text) => canonicalJson({ [text]: text, a: Array.from(text.slice(0, 2_000)) }),
  },
  "tools/tool-definition.ts": {
    readTools: (text) =>
      readTools([{ name: "a", description: text, inputSchema: { type: "object", title: text } }, { name: text }]),
  },
  "tools/field-names.ts": {
    fieldNames: (text) => fieldNames([text, `${text}x`, text.slice(1)]),
    foldedName: (text) => foldedName(text),
  },
  "tools/sign-in/authorization-answer.ts": {
    answerInAddress: (text) => answerInAddress(`http://hs/?${text}&state=${text}&code=${text}`),
    answerInQuery: (text) => answerInQuery(new URLSearchParams(text)),
  },
  "tools/sign-in/authorization-server.ts": {
    authorizationServerOf: (text) => {
      const list = text.split(" ");
      const described = {
        issuer: "https://hs",
        authorization_endpoint: "https://hs/a",
        token_endpoint: "https://hs/t",
        response_types_supported: ["code"],
        code_challenge_methods_supported: ["S256"],
        scopes_supported: list,
        token_endpoint_auth_methods_supported: list,
      };
      return authorizationServerOf(SIGN_IN_SERVER, described, { resource: text, scopes_supported: list });
    },
    unnamed: (text) => unnamed([new URL(`https://hs/${text}`), new URL(`x:${text}`)]),
    isStillNamed: (text) => isStillNamed({ issuer: text, tokenEndpoint: text }, SIGN_IN_SERVER),
    isStillFor: (text) => isStillFor({ url: text, from: { issuer: text, tokenEndpoint: text } }, SIGN_IN_SERVER),
  },
  "tools/sign-in/scope-challenge.ts": {
    wantedScopes: (text) => [wantedScopes(text), wantedScopes(`Bearer error="insufficient_scope", scope="${text}`)],
    scopesIn: (text) => scopesIn(text),
  },
  "tools/sign-in/confirmation-code.ts": { isCode: (text) => isCode(text), codeOf: (text) => codeOf(text) },
  "commands/tool-sign-in.ts": { readSignIn: (text) => readSignIn(`sign-in ${text}`) },
  "tools/tool-names.ts": { namesFor: (text) => [...namesFor([{ server: text, tool: text }])] },
  "tools/tool-policy.ts": {
    decideCall: (text) => decideCall(TOOL_RULES, toolUse(text)),
    mayDecide: (text) =>
      mayDecide(TOOL_RULES, { deciders: "asker" }, { userId: text, isAsker: false, isModerator: false }),
  },
  "tools/read-more.ts": {
    readMore: (text) =>
      readMore({ of: 1, from: 7 }, [
        {
          number: 1,
          askedOf: "tool",
          state: "done",
          call: { id: text, name: text, arguments: {}, mayRepeat: true },
          answer: { text, rest: text, isError: false },
        },
      ]),
  },
  "tools/own/search-room.ts": {
    searchRoom: (text) => {
      const message = {
        eventId: "$a",
        author: "person",
        sender: "@a:b",
        speaker: text,
        body: text,
        sentAt: 0,
        encrypted: false,
      } as const;
      const found = { hits: [{ message, file: text }], isPartial: false };
      return searchRoom({ find: () => Promise.resolve(found) }).run(callWith({ words: text }));
    },
  },
  "tools/own/time.ts": {
    timeTool: (text) => [
      timeTool("UTC").run(callWith({ zone: text })),
      timeTool("UTC").run(callWith({ at: text, add: { [text]: 1 }, until: text })),
    ],
  },
  "tools/own/remind.ts": {
    remindTool: (text) =>
      [{ at: text }, { time: text }, { time: "09:00", days: [text] }, { time: "09:00", zone: text }].map((given) =>
        remindTool({ add: () => Promise.resolve(undefined) }, "UTC").run(callWith({ words: "a", ...given })),
      ),
  },
  "tools/own/web-fetch.ts": {
    nextUrl: (text) => nextUrl(new URL("https://a.example/"), text),
    fetchPage: (text) =>
      fetchPage(text, { hosts: ["a"], locality: "cloud" }, AbortSignal.abort()).catch(() => undefined),
  },
  "time/zoned-time.ts": { readTime },
  "reminders/reminder.ts": { occasionOf, shownTask: (text) => [shownTask(text), shownTask(text, 80)] },
  "tools/tool-result.ts": {
    boundedResult: (text) => boundedResult({ text, isError: false }),
    readResult: (text) => [
      readResult({ content: [{ type: "text", text }] }),
      readResult({ structuredContent: { text }, content: text }),
      readResult({ content: [{ type: "image", data: text }] }),
    ],
  },
  "tools/resource-tools.ts": {
    callResourceTool: async (text) => {
      const resource = { uri: text, name: text, description: text };
      await callResourceTool("list_resources", {}, () =>
        Promise.resolve({ resources: [resource], resourceTemplates: [resource] }),
      );
      await callResourceTool("read_resource", { uri: text }, () =>
        Promise.resolve({ contents: [{ uri: text, text }] }),
      );
    },
  },
  "tools/result-file.ts": {
    readResultFile: (text) => [
      readResultFile({ data: text, isSound: true }, 1),
      readResultFile({ data: "AAAA", uri: text, isSound: false }, 1),
      readResultFile({ data: Buffer.from(text).toString("base64"), uri: `x://h/${text}`, isSound: true }, 1),
    ],
  },
  "text/cut.ts": { cut: (text) => cut(text, 300) },
  "tools/field-value.ts": {
    valueIn: (text) => {
      for (const field of formOf(text).fields) valueIn(field, text);
    },
    isFitValue: (text) => formOf(text).fields.map((field) => isFitValue(field, text)),
  },
  "tools/form-answer.ts": {
    readFormAnswer: (text) => {
      const { fields } = formOf(text);
      for (const some of [[], fields.slice(0, 1), fields]) readFormAnswer(some, text);
      readFormAnswer(fields, `text=${text}`);
    },
    namedFields: (text) => namedFields(formOf(text).fields, `text=${text}`),
    filledIn: (text) => {
      const { fields } = formOf(text);
      filledIn(fields, new Map(fields.map((field) => [field, text])));
    },
  },
  "tools/input-form.ts": {
    readForm: (text) =>
      readForm({
        type: "object",
        properties: { [text]: { type: "string", title: text, description: text, default: text, enum: [text] } },
        required: [text],
      }),
  },
  "answering/prompt-wish.ts": {
    readPromptWish,
    promptWishIn: (text) => promptWishIn(`!prompt ${text}`),
    promptArguments: (text) => promptArguments(promptOf(text), text),
    promptForm: (text) => promptForm(text, promptOf(text)),
  },
  "tools/server-prompt.ts": {
    readPrompts: (text) => readPrompts([{ name: text }, { name: "a", description: text, arguments: [{ name: text }] }]),
    readPromptWords: (text) => {
      const content = { type: "text", text };
      readPromptWords({
        messages: [
          { role: "user", content },
          { role: "assistant", content },
        ],
      });
    },
    promptQuestion: (text) => promptQuestion(text, text, text),
    summaryWithPrompt,
    holdsPrompt,
  },
  "tools/input-request.ts": {
    readInputRequest: (text) => {
      const properties = { a: { type: "string", title: text } };
      const params = { message: text, requestedSchema: { type: "object", properties } };
      const elicitation = { method: "elicitation/create", params };
      for (const inputRequests of [{ [text]: elicitation }, { a: elicitation }]) {
        try {
          readInputRequest({ inputRequests, requestState: text });
        } catch (error) {
          assert.ok(error instanceof ToolFailure);
        }
      }
    },
  },
  "tools/tool-schema.ts": {
    readToolSchema: (text) =>
      readToolSchema({ type: "object", description: text, properties: { [text]: { enum: [text] } } }),
    faultOfArguments: (text) =>
      faultOfArguments({ properties: { [text]: { type: "number" } }, required: [text] }, { [text]: text }),
  },
  "answering/tool-rounds.ts": {
    roundsOf: (text) =>
      roundsOf([
        { number: 1, askedOf: "model", state: "called", answer: { text, kept: text } },
        {
          number: 2,
          askedOf: "tool",
          state: "done",
          call: { id: text, name: text, arguments: { [text]: text }, mayRepeat: false },
          answer: { text, rest: text, isError: false },
        },
      ]),
    limitReached: (text) =>
      limitReached([
        {
          number: 1,
          askedOf: "tool",
          state: "done",
          call: { id: text, name: text, arguments: {}, mayRepeat: true },
          answer: { text, isError: false },
        },
      ]),
  },
  "providers/anthropic-errors.ts": {
    explain: (text) => anthropicError(400, { error: { type: "invalid_request_error", message: text } }),
  },
  "providers/anthropic-messages.ts": {
    messagesFor: (text) => anthropicMessages({ messages: [], rounds: roundsWith(text) }, text),
    toolsFor: (text) => anthropicTools([{ name: text, description: text, parameters: { [text]: text } }]),
  },
  "providers/openai-errors.ts": {
    explain: (text) => openAiError(400, { error: { message: text, code: text } }),
    illBy: (text) => illBy({ status_code: 1, status_msg: text }),
  },
  "providers/openai-messages.ts": {
    messagesFor: (text) => openAiMessages({ messages: [], rounds: roundsWith(text) }, text),
    toolsFor: (text) => openAiTools([{ name: text, description: text, parameters: { [text]: text } }]),
  },
  "providers/call-assembler.ts": {
    CallAssembler: (text) => {
      const assembler = new CallAssembler({ tools: [{ name: "a", description: "", parameters: {} }] });
      for (let at = 0; at < text.length; at += 7)
        assembler.push([{ slot: 0, name: "a", id: text, arguments: text.slice(at, at + 7) }]);
      assembler.push([{ name: text, arguments: text }, { arguments: { [text]: text } }]);
      return assembler.end(false);
    },
  },
  "providers/json-progress.ts": {
    JsonProgress: (text) => {
      new JsonProgress().push(text);
    },
  },
  "providers/kept.ts": { keep: (text) => keep(text, { text }), keptOf: (text) => keptOf(text, keep(text, { text })) },
  "providers/tool-call.ts": {
    nameAsTold: (text) => nameAsTold({ id: "a", name: text }),
    argumentsAsTold: (text) => argumentsAsTold({ kind: "good", id: "a", name: "a", arguments: { text } }),
  },
  "providers/prompt-too-long.ts": { promptTooLong: (text) => promptTooLong({ message: text, code: text }) },
  "providers/repetition.ts": {
    Repetition: (text) => {
      const repetition = new Repetition();
      for (let at = 0; at < text.length; at += 37) repetition.push(text.slice(at, at + 37));
    },
  },
  "providers/thinking-in-text.ts": {
    ThinkingInText: (text) => {
      for (const begin of ["", "<think>", "<|channel|>final<|message|>", "a\n</think>"]) {
        const apart = new ThinkingInText();
        for (let at = 0; at < text.length; at += 7) apart.push((at === 0 ? begin : "") + text.slice(at, at + 7));
        apart.end();
      }
    },
  },
  "providers/ollama-cloud.ts": { cloudByName: (text) => cloudByName(text) },
  "providers/ollama-facts.ts": {
    factsShown: (text) =>
      factsShown({
        capabilities: text.split(" "),
        remote_host: text,
        model_info: { "general.architecture": text, [`${text}.context_length`]: 1 },
      }),
  },
  "providers/ollama-http.ts": {
    explain: (text) => explain(404, { error: text }),
    checkChatStream: (text) => readAll(checkChatStream, JSON.stringify({ message: { content: text }, done: true })),
    checkPull: (text) => readAll(checkPull, JSON.stringify({ error: text })),
  },
  "answering/picture-mark.ts": {
    withPictureMark: (text) => {
      for (const head of ["\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "\xff\xd8\xff\xe0", "RIFF....WEBPVP8X", "GIF89a"]) {
        withPictureMark(Buffer.concat([Buffer.from(head, "latin1"), Buffer.from(text)]));
      }
    },
  },
  "providers/pictures.ts": {
    pictureType: (text) => pictureType(Buffer.from(text)),
    foreignPicture: (text) => {
      for (const head of ["", "<!--", "<?", "\xef\xbb\xbf<!DOCTYPE "]) {
        foreignPicture(Buffer.concat([Buffer.from(head, "latin1"), Buffer.from(text)]));
      }
    },
    pictureExtent: (text) => {
      for (const head of ["\x89PNG\r\n\x1a\n", "\xff\xd8\xff", "GIF89a", "RIFF....WEBP"]) {
        pictureExtent(Buffer.concat([Buffer.from(head, "latin1"), Buffer.from(text)]));
      }
    },
  },
  "providers/recordings.ts": { recordingEnding: (text) => recordingEnding(Buffer.from(text)) },
  "providers/sse.ts": {
    checkSse: (text) => readAll(checkSse({ check: () => false }), `data: ${JSON.stringify({ text })}\n${text}`),
  },
  "rooms/line.ts": { isLine: (text) => isLine(event(text)) },
  "rooms/names.ts": {
    nameKey: (text) => nameKey(text),
    distinctName: (text) => distinctName(text, text),
    localpartOf: (text) => localpartOf(text),
  },
  "rooms/power.ts": {
    isModerator: (text) =>
      isModerator({ users: Object.fromEntries(text.split(" ").entries()) }, text.split(" "), "@a:b"),
    parseCreators: (text) => parseCreators({ sender: text, content: { additional_creators: text.split(" ") } }),
  },
  "rooms/room-state.ts": {
    parseMembers: (text) =>
      parseMembers([
        {
          type: "m.room.member",
          sender: text,
          state_key: `@${text}:b`,
          content: { membership: "join", displayname: text },
        },
      ]),
    parseEncryption: (text) => parseEncryption({ algorithm: text }),
    parseHistoryVisibility: (text) => parseHistoryVisibility(text),
    nameOf: (text) => nameInRoom(text),
  },
  "rooms/upgrade.ts": {
    replacementRoom: (text) => replacementRoom({ replacement_room: text }),
    predecessorRoom: (text) => predecessorRoom(text.split(" ").map((type) => ({ type }))),
  },
};

/** Texts of another length than an event: words of models, and texts that are cut before. */
const SIZES: ReadonlyMap<string, number> = new Map([
  ["callsIn", ANSWER],
  ["boundedKeys", PIECE],
  ["estimateTokens", ANSWER],
  ["cleanText", ANSWER],
  ["renderMarkdown", LONGEST_RENDERED],
  ["spokenLanguage", FEW],
  // The amount that is read from a connection at once; between two such pieces other work gets a turn.
  ...[
    "lines",
    "boundedLines",
    "checkSize",
    "checkJson",
    "checkPicture",
    "checkChatStream",
    "checkPull",
    "checkSse",
  ].map((name): [string, number] => [name, PIECE]),
  ["createDemoProvider", FEW],
]);

/** Exports that are not tested, by file and name, or the whole file, and why. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  // Functions that no text can delay.
  ...because("looks at no text, or at our own alone", [
    "answering/tool-words.ts",
    "answering/tool-agreement.ts",
    "agents/model-in-room.ts",
    "agents/pauses.ts",
    "agents/pull.ts",
    "commands/page-links.ts answerWithLink",
    "ghost/new-device.ts",
    "language/languages.ts pageWordsIn",
    "observability/listener.ts",
    "observability/shared-answer.ts",
    "permissions/permissions.ts settersOf",
    "privacy/consents.ts withdrawConsents",
    "privacy/room-privacy.ts",
    "rooms/rooms-of-ghosts.ts",
    "text/qr-cells.ts",
    "turns/turn-activity.ts",
    "reminders/reminder.ts occasionName",
    "time/recurrence.ts",
    "time/zoned-time.ts fieldsOf instantOf offsetOf plusMonths wallOf weekdayOf",
    "tools/sign-in/authorization-server.ts hasSignIn originsOf metadataOf",
    "tools/sign-in/authorization.ts clientMetadata",
    "tools/sign-in/sign-in-failure.ts",
    "commands/tool-sign-in.ts isSignInWish",
    "tools/own/all.ts",
    "tools/own/own-tool.ts",
    "tools/read-more.ts hasMore moreNote",
    "tools/sandbox.ts",
    "tools/tool-failure.ts",
    "tools/tool-result.ts wholeOf",
    "concurrency/backoff.ts",
    "matrix/json.ts",
    "turns/turn-rows.ts",
    "tools/tool-access.ts",
    "tools/tool-grants.ts",
    "observability/operator-error.ts",
    "observability/file-fault.ts",
    "observability/package-file.ts",
    "homeserver/local-url.ts",
    "concurrency/running-process.ts",
    "observability/user-name.ts",
    "observability/colour.ts",
    "language/counted.ts",
    "observability/outage.ts",
    "observability/repeated-lines.ts",
    "turns/turn-step.ts",
    "turns/call-input.ts",
    "tools/input-request.ts WantsInput",
    "commands/tool-user.ts",
    "answering/prompt-questions.ts",
    "addressing/question-thread.ts",
    "answering/company.ts",
    "answering/failure-notices.ts fixed",
    "answering/file-mentions.ts",
    "answering/model-asker.ts sizeOf",
    "answering/picture-bytes.ts",
    "concurrency/unless-aborted.ts",
    "answering/unreadable-file.ts",
    "answering/reply-targets.ts",
    "avatars/canvas.ts",
    "avatars/colour.ts",
    "avatars/png.ts",
    "avatars/portrait.ts",
    "addressing/candidate.ts",
    "addressing/call.ts callFor",
    "addressing/act.ts",
    "commands/all.ts",
    "commands/command-menu.ts commandDescriptions",
    "commands/form.ts",
    "commands/given-command.ts",
    "commands/help.ts",
    "commands/menu-schema.ts",
    "commands/not-now.ts",
    "commands/offered.ts",
    "commands/destination-of-model.ts",
    "commands/refused-model.ts",
    "commands/setting-words.ts settingInWords takesOf",
    "commands/setting.ts",
    "commands/where-words-go.ts",
    "commands/who-may.ts",
    "language/word-set.ts",
    "permissions/in-room.ts",
    "addressing/written-command.ts takesText ownWords",
    "answering/exchange.ts nextSpeaker",
    "answering/notices.ts describeDistrust",
    "answering/prompt.ts answerReserve",
    "memory/retention.ts",
    "answering/agent-in-room.ts",
    "ghost/foreign-account.ts",
    "matrix/ai-mark.ts",
    "ghost/form.ts",
    "answering/token-counter.ts",
    "answering/voices.ts",
    "crypto/device-closed.ts",
    "crypto/distrust.ts",
    "crypto/engine-ids.ts",
    "crypto/settled-sharing.ts",
    "crypto/recovery-key.ts RecoveryKeyError encodeRecoveryKey",
    "concurrency/serial.ts",
    "crypto/shared-history.ts isKeyBundle",
    "crypto/shield.ts",
    "crypto/store/errors.ts",
    "crypto/store/names.ts",
    "database/database.ts",
    "database/migrate.ts",
    "database/open.ts",
    "agents/agents.ts profileName callNames localpartOf hasModel",
    "concurrency/background.ts",
    "ghost/encryption-target.ts",
    "ghost/halted.ts",
    "ghost/loaded-ghost.ts",
    "ghost/device/device-token.ts",
    "ghost/item-result.ts",
    "ghost/outcome.ts",
    "ghost/own-membership.ts membershipBefore",
    "turns/stopping.ts",
    "concurrency/semaphore.ts",
    "concurrency/time-limit.ts",
    "concurrency/random-order.ts",
    "homeserver/answer.ts asObject asObjects stringField numberField",
    "homeserver/errors.ts AnswerTooLarge HomeserverUnreachable UnexpectedAnswer AddressTooLong isHomeserverError isAway isRefusal askedToWaitMs isUnknownDevice noneIfNotFound DeviceGone isInteractive isUnknownToken isUnrecognized",
    "homeserver/software.ts nameOf",
    "homeserver/software.ts sendsDeletions",
    "homeserver/recent-pings.ts",
    "homeserver/retry.ts",
    "language/languages.ts wordsIn",
    "mailbox/stored-events.ts contextOfEvent",
    "observability/log.ts",
    "observability/metrics.ts",
    "observability/readiness.ts",
    "observability/retryable.ts",
    "observability/steps.ts",
    "permissions/permissions.ts auditOfRefusal",
    "turns/wearing-off.ts",
    "privacy/policy.ts",
    "permissions/decisions.ts allowedSomewhere",
    "ghost/device/device-state.ts",
    "ghost/device/to-device-quota.ts",
    "ghost/device/to-device-gate.ts",
    "permissions/encryption-mode.ts",
    "permissions/refusal-words.ts",
    "permissions/trust.ts",
    "privacy/consents.ts targetOf",
    "privacy/provider-requests.ts sizeInWords",
    "providers/circuit-breaker.ts",
    "providers/connection.ts",
    "concurrency/fair-queue.ts",
    "providers/patience.ts",
    "providers/ollama-behind.ts",
    "providers/parameters.ts ParameterRefused RefusedParameters",
    "providers/prompt-too-long.ts PromptTooLong",
    "providers/usage.ts",
    "providers/pictures.ts isDrawable",
    "answering/context-windows.ts",
    "answering/answer-so-far.ts",
    "answering/refused-pictures.ts",
    "providers/provider.ts",
    "providers/providers.ts",
    "providers/usable.ts",
    "providers/watch.ts",
    "rooms/room-state.ts parseMaxLifetime",
    "rooms/room-view.ts getsKeys",
    "turns/allowances.ts usersOf",
    "turns/draft.ts pauseAfter",
    "turns/turn.ts",
  ]),
  ...because("gets what renderMarkdown has cut, and is fed by it", [
    "text/bounded-tables.ts",
    "text/maths-text.ts",
    "text/maths.ts",
    "text/matrix-html.ts sanitiseHtml",
    "text/plain-text.ts",
    "text/task-lists.ts",
  ]),
  ...because("renders a part of an answer, and puts it into a message", [
    "answering/answer-messages.ts",
    "answering/reply.ts answerContent draftContent editContent reactionContent",
  ]),
  ...because("stores, asks or sends; with texts it does what is fed here", [
    "answering/streamed-draft.ts",
    "answering/sign-in-links.ts",
    "commands/tool-sign-in.ts signInOrOut signInStates",
    "ghost/private-chat.ts",
    "tools/sign-in/authorization.ts Authorization withAuthorization",
    "tools/sign-in/dropped-tokens.ts",
    "tools/sign-in/authorized-fetch.ts",
    "tools/sign-in/bearer-tokens.ts",
    "tools/sign-in/oauth-fetch.ts",
    "tools/sign-in/person-sign-ins.ts",
    "tools/sign-in/personal-tool-server.ts",
    "tools/sign-in/scope-challenge.ts NeedsRights",
    "tools/sign-in/sealed-alone.ts",
    "tools/sign-in/sign-in-attempts.ts",
    "tools/sign-in/tool-clients.ts",
    "tools/sign-in/tool-sign-ins.ts",
    "turns/consent-turns.ts",
    "turns/turn-queue.ts",
    "turns/turn-steps.ts",
    "turns/call-files.ts",
    "turns/stop-open-turns.ts",
    "answering/tool-files.ts",
    "turns/step-work.ts",
    "turns/call-budget.ts",
    "turns/waiting-turns.ts",
    "answering/stopped-waits.ts",
    "answering/tool-decisions.ts",
    "answering/tool-questions.ts",
    "conversation/plain-answers.ts",
    "memory/feedback.ts",
    "memory/forgetting.ts",
    "memory/history-reader.ts",
    "memory/quoted-messages.ts",
    "memory/sealed-messages.ts",
    "ghost/agents-in-room.ts",
    "ghost/room-look.ts",
    "ghost/refreshed-room.ts",
    "answering/agent-turn-work.ts",
    "answering/answer-drafts.ts",
    "answering/answer-memory.ts",
    "answering/consent-questions.ts",
    "answering/failure-notices.ts FailureNotices",
    "answering/file-reader.ts",
    "answering/file-words.ts textIn",
    "answering/ghost-files.ts",
    "answering/material.ts",
    "answering/model-asker.ts ModelAsker",
    "answering/model-limits.ts",
    "answering/model-prompt.ts",
    "answering/parts.ts",
    "answering/picture-answer.ts",
    "answering/reading-room.ts",
    "answering/summing-up.ts",
    "answering/transcriber.ts",
    "answering/turn-files.ts",
    "answering/voice-answers.ts",
    "answering/after-decision.ts",
    "answering/answering.ts",
    "commands/command-desk.ts",
    "commands/command-menus.ts",
    "conversation/conversation.ts",
    "memory/dropped-summaries.ts",
    "conversation/agent-messages.ts",
    "conversation/bot-messages.ts",
    "conversation/edits.ts",
    "conversation/leaving.ts",
    "conversation/message-classifier.ts",
    "conversation/notices.ts",
    "conversation/overheard.ts",
    "conversation/questions.ts",
    "conversation/reactions.ts",
    "conversation/redaction.ts",
    "conversation/refused.ts",
    "conversation/remembered.ts",
    "conversation/too-long-ago.ts",
    "conversation/welcome.ts",
    "memory/history.ts",
    "commands/pulls.ts",
    "memory/read-files.ts",
    "answering/reading.ts",
    "answering/replied-messages.ts",
    "answering/room-language.ts",
    "memory/summaries.ts",
    "conversation/voice-calls.ts",
    "database/embedded.ts",
    "database/embedded-copy.ts",
    "database/embedded-folder.ts",
    "database/folder-copy.ts",
    "database/in-transaction.ts",
    "database/served/client.ts",
    "database/served/messages.ts MalformedMessage",
    "database/served/server.ts",
    "database/served/session.ts",
    "database/served/socket.ts",
    "database/embedded-upkeep.ts",
    "database/synced-files.ts",
    "database/once-more.ts",
    "database/prepared-statements.ts",
    "database/shared-reads.ts",
    "database/transaction-statements.ts",
    "database/server-facts.ts",
    "ghost/operator-requests.ts",
    "ghost/device/unread.ts hasUnread",
    "ghost/user-query.ts",
    "mailbox/search.ts searchForMissed",
    "mailbox/paced-search.ts",
    "homeserver/held-back.ts",
    "ghost/people-of-ghost.ts",
    "ghost/public-keys.ts",
    "ghost/device/operator-verifications.ts",
    "database/observed.ts",
    "database/postgres.ts",
    "database/restore-lock.ts",
    "database/sole-user.ts",
    "ghost/known-members.ts",
    "agents/agent-directory.ts",
    "ghost/device/agent-keys.ts",
    "agents/agents.ts agentsOf",
    "avatars/avatars.ts",
    "ghost/device/cut-off-verifications.ts",
    "ghost/device/device-access.ts",
    "ghost/device/device-keeper.ts",
    "ghost/device/device-maker.ts",
    "ghost/no-device-notice.ts",
    "homeserver/software.ts softwareOf",
    "ghost/device/device-opener.ts",
    "ghost/device/device-store.ts",
    "ghost/device/device-name.ts renameDevice",
    "ghost/device/device-transport.ts",
    "ghost/event-reader.ts",
    "ghost/direct-chat.ts",
    "ghost/device/forgetting.ts",
    "ghost/ghost-account.ts",
    "ghost/ghost-store.ts",
    "ghost/device/ghost-verifications.ts",
    "ghost/ghost.ts",
    "ghost/trust-events.ts",
    "ghost/ghost-actor.ts",
    "ghost/ghosts.ts",
    "ghost/greeting.ts",
    "ghost/missing-keys.ts",
    "ghost/outbox.ts Outbox",
    "ghost/profile.ts",
    "ghost/after-failure.ts",
    "ghost/attempt-item.ts",
    "ghost/clear-events.ts",
    "ghost/direct-rooms.ts",
    "ghost/encrypted-events.ts",
    "ghost/invite-decision.ts",
    "ghost/invites.ts",
    "ghost/mail-handler.ts",
    "ghost/membership-change.ts",
    "ghost/membership-events.ts",
    "ghost/room-upgrades.ts",
    "ghost/replays.ts",
    "ghost/sender.ts",
    "ghost/since-invite.ts",
    "ghost/device/server-side-keys.ts",
    "ghost/device/store-marker.ts",
    "ghost/device/to-device-attempts.ts",
    "ghost/trust-notices.ts",
    "ghost/live-stream.ts",
    "ghost/live-streams.ts",
    "ghost/typing.ts",
    "homeserver/app-service.ts",
    "homeserver/appservice-bridge.ts",
    "homeserver/bridge-log.ts",
    "homeserver/calls.ts",
    "homeserver/client.ts",
    "homeserver/device-calls.ts",
    "homeserver/find-own-event.ts",
    "homeserver/invites.ts",
    "homeserver/key-backup-calls.ts",
    "homeserver/ping.ts",
    "homeserver/reach.ts",
    "homeserver/room-calls.ts",
    "homeserver/room-history.ts",
    "homeserver/routes.ts",
    "homeserver/support.ts",
    "homeserver/no-answer.ts otherProtocol otherProtocolOf NoHomeserver",
    "homeserver/survey.ts surveyHomeserver reasonOfAbsence",
    "homeserver/watch.ts",
    "database/batches.ts",
    "mailbox/attempt.ts",
    "mailbox/emptied.ts",
    "mailbox/held-quota.ts",
    "mailbox/held-mail.ts",
    "mailbox/backlog.ts",
    "mailbox/concerned-ghosts.ts",
    "mailbox/held-mail-pruning.ts",
    "mailbox/mailbox.ts",
    "mailbox/memberships.ts",
    "mailbox/malformed.ts",
    "mailbox/stored-events.ts adoptEvents beginAdoption emptyUndelivered eventKeys insertEvents keepRoomsFromAdoption pruneEvents senderOf",
    "mailbox/own-echoes.ts storeEchoes",
    "mailbox/said-in-room.ts storeSaid",
    "mailbox/transaction-store.ts",
    "mailbox/missed-events.ts",
    "mailbox/missed-memberships.ts",
    "mailbox/pruning.ts",
    "observability/monitoring-listener.ts",
    "permissions/ban-lists.ts",
    "permissions/invite-quota.ts",
    "permissions/permissions.ts Permissions",
    "privacy/consents.ts Consents pruneConsents",
    "privacy/gate.ts",
    "privacy/provider-requests.ts ProviderRequests",
    "answering/tool-offers.ts",
    "answering/reminder-clock.ts",
    "memory/room-search.ts",
    "reminders/reminders.ts",
    "tools/own/own-tools.ts",
    "tools/own/read-url.ts",
    "tools/own/remind.ts mayRemind",
    "tools/http-fetch.ts",
    "tools/mcp-connection.ts",
    "tools/resource-tools.ts isResourceTool",
    "tools/process-tree.ts",
    "tools/stdio-transport.ts",
    "tools/tool-server.ts",
    "tools/tool-servers.ts",
    "turns/model-retries.ts",
    "turns/step-loop.ts",
    "providers/anthropic.ts",
    "providers/anthropic-stream.ts",
    "providers/ollama-chat.ts",
    "providers/openai-stream.ts",
    "providers/governed.ts",
    "providers/line.ts",
    "agents/given-names.ts",
    "providers/http.ts providerFetch",
    "providers/model-facts.ts",
    "providers/observed.ts",
    "providers/ollama-http.ts ollamaFetch UnknownRequest",
    "providers/ollama.ts",
    "providers/openai.ts",
    "providers/stream.ts",
    "rooms/encrypted-by-message.ts",
    "rooms/pruning.ts",
    "rooms/rooms.ts",
    "rooms/setting-values.ts",
    "rooms/settings-store.ts",
    "rooms/settings.ts",
    "turns/admission.ts",
    "turns/allowances.ts Allowances pruneAllowances",
    "turns/delivery.ts",
    "turns/draft.ts Draft",
    "turns/exchanges.ts",
    "turns/turn-runner.ts",
    "turns/unstored-reply.ts",
    "turns/turn-store.ts",
  ]),
  ...because("hands bytes to the crypto engine, which is not ours, an event or a file at once", [
    "crypto/arrived-keys.ts",
    "crypto/attachment.ts",
    "crypto/decryptor.ts",
    "crypto/device-lists.ts",
    "crypto/device.ts",
    "crypto/engine-calls.ts",
    "crypto/identity.ts",
    "crypto/inbox.ts",
    "crypto/key-backup.ts",
    "crypto/outgoing.ts",
    "crypto/room-encryptor.ts",
    "crypto/store/written.ts",
    "crypto/secret-storage.ts",
    "crypto/shared-history.ts SharedHistory",
    "crypto/store/contents.ts",
    "crypto/store/crypto-store.ts",
    "crypto/store/held-transactions.ts",
    "crypto/store/memory.ts",
    "crypto/store/session.ts",
    "crypto/store/tables.ts",
    "crypto/to-device-admission.ts",
    "crypto/to-device-receiver.ts",
    "crypto/verification-flows.ts",
    "crypto/verification-inbox.ts",
    "crypto/verification-messages.ts",
    "crypto/verifications.ts",
  ]),
  ...because("works in a process of its own", [
    "documents/bounded-process.ts",
    "documents/document.ts",
    "documents/readers/archive.ts",
    "documents/readers/document-closed.ts",
    "documents/readers/epub.ts",
    "documents/readers/mail.ts",
    "documents/readers/office-parts.ts",
    "documents/readers/office-text.ts",
    "documents/readers/open-document.ts",
    "documents/readers/package.ts",
    "documents/readers/paragraphs.ts",
    "documents/readers/pdf.ts",
    "documents/readers/serial-dates.ts",
    "documents/readers/slides.ts",
    "documents/readers/spreadsheet.ts",
    "documents/readers/web-page.ts",
    "documents/readers/word-document.ts",
    "documents/readers/written-text.ts",
    "documents/readers/xml.ts",
  ]),
};

const TOOL_RULES: ToolRules = {
  locality: "cloud",
  cloudModels: false,
  tools: new Map([["*a*b*", "ask"]]),
  approvers: "asker",
  approverUsers: ["@*a*b*:*"],
  rooms: ["!*a*b*"],
};

/** A call of one of our own tools. */
function callWith(given: Readonly<Record<string, unknown>>): OwnCall {
  return { ...contextOf(), given, signal: new AbortController().signal };
}

function callOf(text: string): ProposedCall {
  return { id: text, name: text, arguments: {}, mayRepeat: true };
}

/** A model's words, and a call of a tool. */
function callsOf(text: string): TurnStep[] {
  return [
    { number: 1, askedOf: "model", state: "called", answer: { text } },
    { number: 2, askedOf: "tool", state: "done", call: callOf(text), answer: { text, isError: false } },
  ];
}

const MARK = { origin: "$e", hops: 0 };

/** A prompt with some arguments, described in a stranger's words. */
function promptOf(text: string): KnownPrompt {
  const described = { description: cut(text, 300), isRequired: true };
  return { name: "a", description: cut(text, 300), arguments: ["text", "b"].map((name) => ({ name, ...described })) };
}

/** A form of each kind of field, whose words are a stranger's, of the lengths to which they are cut. */
function formOf(text: string): InputForm {
  const kinds: readonly FieldKind[] = [
    ...(["text", "email", "address", "date", "time", "number", "whole_number", "yes_no", "choice", "choices"] as const),
  ];
  const [words, choice] = [cut(text, 300), text.slice(0, 100)];
  const about = { title: words, description: words, choices: [{ value: choice, title: choice }, { value: "a" }] };
  const fields = kinds.map((kind) => ({ key: kind, name: kind, kind, isRequired: true, ...about }));
  return { key: text, message: text, fields };
}

function inputFacts(): InputQuestionWords {
  const { tool, server, host, isCloud, asker, code, minutes } = toolFacts();
  return { tool, server, host, isCloud, asker, code, minutes, fields: 10, hasPages: true };
}

/** The facts of a question about a call; its arguments are another matter. */
function toolFacts(): ToolQuestionWords {
  const [isCloud, isAgain, canGrant, isEncrypted] = [false, false, true, true];
  const claims = { isReadOnly: false, isOpenWorld: false, isConfined: false };
  const names = { tool: "write", server: "files", host: "a.example", asker: "@a:a", code: "BCDF", minutes: 60 };
  return { ...names, claims, isCloud, isAgain, canGrant, isEncrypted, deciders: "asker" };
}

/** The use of a tool, all of whose names are this text. */
function toolUse(text: string): ToolUse {
  const hints = { isReadOnly: true, isIdempotent: true, isOpenWorld: false, isConfined: false };
  const [isFromAgent, isTainted] = [false, false];
  const names = { tool: text, agent: text, roomId: text, userId: text };
  return { ...names, hints, isFromAgent, isTainted, model: "local", gate: "yes", grant: undefined };
}

/** An earlier answer with one call, all of whose texts are this one. */
function roundsWith(text: string): ToolRound[] {
  const call = { kind: "good", id: text, name: text, arguments: { [text]: text } } as const;
  return [{ text, calls: [{ call, output: { text, isError: false } }] }];
}

function because(why: string, files: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    files.flatMap((line) => {
      const [file = "", ...names] = line.split(" ");
      return names.length === 0 ? [[file, why]] : names.map((name) => [`${file} ${name}`, why]);
    }),
  );
}

/** Folders in which texts of people, models and servers are handled. */
const FOLDERS =
  "{addressing,agents,answering,avatars,commands,concurrency,conversation,crypto,database,documents,ghost,homeserver,language,mailbox,matrix,memory,observability,permissions,privacy,providers,reminders,rooms,text,time,tools,turns}";

/** The exports of these folders that take arguments, as `file name`. */
async function exported(): Promise<string[]> {
  const root = inCheckout("src");
  const found: string[] = [];
  for await (const file of glob(`${root}/${FOLDERS}/**/*.ts`)) {
    const source = ts.createSourceFile(file, await readFile(file, "utf8"), ts.ScriptTarget.Latest);
    source.forEachChild((node) => {
      const takes = ts.isClassDeclaration(node) || (ts.isFunctionDeclaration(node) && node.parameters.length > 0);
      if (!takes || node.name === undefined) return;
      if (node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true) {
        found.push(`${relative(root, file)} ${node.name.text}`);
      }
    });
  }
  return found;
}

/** The time of a function, in ms of the processor: the clock runs on while others compute. */
async function cost(feed: Feed, text: string, times = 1): Promise<number> {
  const before = process.threadCpuUsage();
  for (let time = 0; time < times; time++) await feed(text);
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000 / times;
}

function shortest(times: readonly number[]): number {
  return Math.min(...times);
}

function sum(times: readonly number[]): number {
  return times.reduce((all, time) => all + time, 0);
}

describe("text of strangers and models", () => {
  const fed = Object.entries(FED).flatMap(([file, feeds]) =>
    Object.entries(feeds).map(([name, feed]) => ({ file, name, feed })),
  );

  it("is tried on every function that takes it, or a reason says why not", async () => {
    const all = await exported();
    const isLeftOut = (one: string): boolean => one in LEFT_OUT || (one.split(" ")[0] ?? "") in LEFT_OUT;
    const isFed = (one: string): boolean => fed.some(({ file, name }) => one === `${file} ${name}`);
    assert.deepEqual(
      all.filter((one) => !isFed(one) && !isLeftOut(one)),
      [],
    );
    const files = new Set(all.flatMap((one) => [one, one.split(" ")[0]]));
    assert.deepEqual(
      Object.keys(LEFT_OUT).filter((one) => !files.has(one) || isFed(one)),
      [],
      "left out, and not there",
    );
  });

  for (const { file, name, feed } of fed) {
    it(`takes ${name} of ${file} linear time, whatever its content`, async () => {
      const size = SIZES.get(name) ?? EVENT;
      for (const [what, make] of Object.entries(HOSTILE)) {
        const large = make(size);
        const longs = [await cost(feed, large)];
        if (shortest(longs) < NOTHING_MS) continue;
        const small = make(size / 8);
        const shorts = [await cost(feed, small, 8)];
        // Other work of the machine makes the shortest time longer and never shorter; the growth is told by the sums,
        // since the processor's time is counted in ticks of milliseconds.
        const growth = (): number => sum(longs) / sum(shorts);
        for (let round = 0; round < 6 && (shortest(longs) > LONGEST_MS || growth() > MOST_GROWTH); round++) {
          shorts.push(await cost(feed, small, 8));
          longs.push(await cost(feed, large));
        }
        const words = `${what}: ${shorts.join(" ")} ms became ${longs.join(" ")} ms`;
        assert.ok(shortest(longs) <= LONGEST_MS, words);
        assert.ok(shortest(longs) < NOTHING_MS || growth() <= MOST_GROWTH, words);
      }
    });
  }
});
