/* eslint-disable max-lines -- a language is one file, so that another one is added with one */
import type { AgentPlace, CloudPlace, CloudRule, Phrases, UsageWords } from "./phrases.ts";
import { wordSet } from "./word-set.ts";

/** What is said in English. */
export const english = {
  failures: {
    unreachable: ({ agent, provider }) =>
      `${agent} can't answer now: its model server “${provider}” can't be reached. React to this with 🔁 to ask again; if this goes on, ask your admin whether it is running.`,
    model_missing: ({ agent, model, provider }) =>
      `${agent} can't answer: the model “${model}” is not installed on “${provider}”. Please ask your admin to install it or to choose another.`,
    gone: ({ agent, call }) =>
      `${agent} can't answer: it is not set up on this server any more. Please ask your admin, or another agent (\`${call}!list\`).`,
    timeout: ({ agent }) =>
      `${agent} took too long to answer. The model may still be loading, or the server is busy: react to this with 🔁 in a minute to ask again.`,
    fell_silent: ({ agent, provider }) =>
      `${agent} fell silent in the middle of its answer: nothing more came from “${provider}”. React to this with 🔁 to ask again.`,
    ran_on: ({ agent }) =>
      `${agent} was ended in the middle of its answer: it took longer than it may here. Ask for less at once, or react to this with 🔁 to ask again.`,
    cut_off: ({ agent }) =>
      `The connection to the model broke before ${agent} had finished. React to this with 🔁 to ask again.`,
    malformed: ({ agent, provider }) =>
      `${agent} got an answer that makes no sense from “${provider}”. Please ask your admin to check its address in the configuration.`,
    refused: ({ agent, model, provider }) =>
      `“${provider}” could not run the model “${model}” for ${agent}. React to this with 🔁 to ask again; if this goes on, your admin finds the reason in the log.`,
    busy: ({ agent, provider }) =>
      `“${provider}” has too much to do at the moment, and ${agent} got no answer. React to this with 🔁 in a few minutes to ask again.`,
    unpaid: ({ agent, provider }) =>
      `“${provider}” answers nothing for ${agent} until it is paid: its account has no credit left. Please ask your admin to pay, or ask another agent.`,
    empty: ({ agent }) => `${agent} had nothing to say. React to this with 🔁 to ask again, or put it in other words.`,
    thought_only: ({ agent }) =>
      `${agent} used up all the room for its answer to think, and said nothing. Please ask for less at once, or ask your admin to give it more room.`,
    declined: ({ agent, provider }) =>
      `The rules of “${provider}” let nothing of what ${agent} would have said through. Please put it in other words and ask again, or ask another agent.`,
    too_long: ({ agent, model, call }) =>
      `${agent} was asked more than its model “${model}” can read at once. React to this with 🔁 to ask again with less of what was said before, send a shorter message, or let it forget what was said with \`${call}!forget\`.`,
    cancelled: ({ agent }) => `${agent} stopped before it had finished. React to this with 🔁 to ask again.`,
    cant_see: ({ agent, model }) =>
      `${agent} can't look at pictures: its model “${model}” reads text alone. Please describe to it what is there, or ask your admin for an agent whose model sees.`,
    cant_hear: ({ agent }) =>
      `${agent} can't listen to recordings: nothing that writes down speech is set up here, or it does not answer. Please write what you said and send it again, or ask your admin.`,
    cant_read: ({ agent }) =>
      `${agent} can't read this kind of file. It reads text, code, PDFs, web pages, mails, EPUBs and Office files, and pictures where its model sees them. Please send what matters so, and ask again.`,
    no_text: ({ agent }) =>
      `${agent} found no text in this file: it may be empty, scanned or damaged. Please send its text, or pictures of its pages, and ask again.`,
    locked: ({ agent }) =>
      `${agent} can't read this file: it is locked with a password. Please save it without one and send it again, or send what matters as text.`,
    old_office: ({ agent }) =>
      `${agent} can't read this file: it is in an old format of Office (.doc, .xls, .ppt or .rtf). Please save it as .docx, .xlsx, .pptx or PDF, and send it again.`,
    heic: ({ agent }) =>
      `${agent} can't look at this picture: it is in HEIC, a format of phones that models don't know. Please send it again as JPEG or PNG.`,
    svg: ({ agent }) =>
      `${agent} can't look at this picture: it is a drawing in SVG, which models don't know. Please send it again as PNG or JPEG, or its source as a text file.`,
    foreign_picture: ({ agent }) =>
      `${agent} can't look at this picture: models don't know its format (TIFF, BMP, AVIF and such). Please send it again as PNG, JPEG, GIF or WebP.`,
    mislabelled: ({ agent }) =>
      `${agent} can't open this file: it is not what it is said to be, or it is damaged. Please send it again: a picture as PNG, JPEG, GIF or WebP, or a voice message.`,
    too_large: ({ agent }) =>
      `This file is too large for ${agent}. Please send the part that matters again: 1 MB of text, or 20 MB of a document, a picture (100 megapixels) or a recording (an hour), at the most.`,
    no_file: ({ agent }) =>
      `${agent} could not open this file: it is not there any more, or it was changed on its way. Please send it again.`,
    waited: ({ agent }) =>
      `Your question had to wait so long that ${agent} did not take it up any more. React to this with 🔁 to ask again, if you still want an answer.`,
    full: ({ agent }) =>
      `${agent} has many questions here to answer already and can't take another one now. React to this with 🔁 when they are answered, to ask again.`,
    in_clear: ({ agent, call }) =>
      `Some of what ${agent} remembers here came encrypted, and this room is not encrypted: nothing made of it is said in clear. Please switch encryption on, or let it forget with \`${call}!forget\` and \`${call}!reset\`; then ask again.`,
    unknown: ({ agent }) =>
      `Something went wrong, and ${agent} could not answer. React to this with 🔁 to ask again; if this goes on, your admin finds the reason in the log.`,
  },
  missingKey: {
    unverified: (agent) =>
      `${agent} can't read this message: your app sends keys to verified devices only. Verify ${agent} (or allow unverified devices in this room), then send the message again.`,
    blacklisted: (agent) =>
      `${agent} can't read this message: your app has blocked ${agent}'s device. Unblock it, then send the message again.`,
    unavailable: (agent) =>
      `${agent} can't read this message: your app could not hand over its key. Please send the message again.`,
    other: (agent) =>
      `${agent} can't read this message yet: its key has not arrived. If no answer comes soon, please send it again; if that does not help, restart your app.`,
  },
  distrust: {
    not_encrypted: (agent) =>
      `${agent} did not read this message: it was not encrypted, in a room that is. Please send it again from an app that encrypts.`,
    unsigned_device: (agent, who) =>
      `${agent} did not read this message, because the device it came from has not been verified by ${who ?? "you"}. Please verify this session in your app's security settings (or, where your app can't, write from one that is verified), then send the message again.`,
    identity_changed: (agent, who) =>
      `${agent} did not read this message: ${who === undefined ? "your encryption identity" : `the encryption identity of ${who}`} has changed. Please ask your admin to accept it, or verify ${agent}, then send the message again.`,
    verified_identity_changed: (agent, who) =>
      `${agent} did not read this message: ${who === undefined ? "your encryption identity" : `the encryption identity of ${who}`} was verified and has changed since. If ${who === undefined ? "you have" : `${who} has`} reset it, please verify ${agent} again; if not, somebody else may be writing in that name.`,
    unverified_identity: (agent) =>
      `${agent} did not read this message: it reads only what comes from people who have been verified. Please verify ${agent} from your app, then send the message again.`,
  },
  silenced: (agent, who) =>
    `${agent} says nothing more here for now: the encryption identity of ${who} was verified and has changed since. It goes on when ${who} has verified ${agent} again, or has left.`,
  beforeWelcome: {
    unsigned_device: (agent) =>
      `Hello! I am ${agent}, and can't read you yet: encryption is not set up in this app, so that nobody could be sure that it is you who writes. Please set it up: in Element it is under Settings → Encryption, in other apps under security. If you use another app already, verify this one from there. I am here as soon as that is done; what you have written until then, please send again.`,
    identity_changed: (agent) =>
      `Hello! I am ${agent}, and can't read you yet: your encryption identity is another one than before. Please ask your admin to accept it, or verify me in your app; what you have written until then, please send again.`,
    unverified_identity: (agent) =>
      `Hello! I am ${agent}, and read only what comes from people who have been verified. Please verify me in your app; I am here as soon as that is done. What you have written until then, please send again.`,
  },
  unsignedAgent: (agent) =>
    `${agent} can't answer here: its own encryption identity is in other hands, so that nobody could be sure who is speaking. Please ask your admin to give it its recovery key, or a new identity.`,
  unseenVerification: (agent) =>
    `${agent} confirmed this verification by itself: nobody compared the emoji on its side. To be sure, ask your admin for the fingerprint of ${agent} and compare it with what your app shows.`,
  ended: {
    stop: () => undefined,
    length: () => "Cut off at the limit of this model. React with ▶ to go on.",
    filtered: (provider) => `The rules of “${provider}” let no more of this through.`,
    repeating: () => "Ended here: the model began to repeat itself. Put it in other words to ask again.",
  },
  fallback: (agent, model) => `My own model can't be reached; this is what ${agent}'s says (${model}).`,
  welcomeCloud: {
    deny: ({ host, call }, where) =>
      `But I can't answer here: my model does not run on this server, and the admin does not allow that what is said ${WHERE[where]} goes to ${host}. Please ask an agent that runs here (\`${call}!list\`), or ask your admin to allow it for this room.`,
    ask: ({ host, call }) =>
      `My model does not run on this server: what is said to me goes to ${host}, once that has been agreed to here. \`${call}!privacy\` tells more.`,
    allow: ({ host, call }) =>
      `My model does not run on this server: what is said to me goes to ${host}. \`${call}!privacy\` tells more, and \`${call}!privacy deny\` ends it.`,
  },
  consent: {
    ask: ({ agent, host, provider, call }, isEncrypted) =>
      `${agent} does not run on this server. To answer, it would send to **${host}** (“${provider}”): your questions with your names and what they reply to, whoever wrote that, the answers, and the files and what was said to it here before. ${
        isEncrypted
          ? `If you agree, a moderator of this room says \`${call}!privacy allow\`, and the question is answered; with \`${call}!privacy deny\` it is not, and nothing is sent. (A reaction does not count here: it is not encrypted, and a server could make one up.)`
          : "If you agree, a moderator of this room reacts to this with ✅, and the question is answered; with ❌ it is not, and nothing is sent."
      } \`${call}!privacy default\` takes it back later.`,
    pending: ({ agent, host, call }, isEncrypted) =>
      `${agent} waits until a moderator of this room has agreed, by ${isEncrypted ? `\`${call}!privacy allow\`` : "✅"}, that words from here go to ${host}; then your question is answered.`,
    notEncrypted: "This room is encrypted, and that was not. Please say it again from an app that encrypts.",
    declined: ({ agent, host, call }) =>
      `${agent} can't answer: this room has decided that nothing goes to ${host}. A moderator can change that with \`${call}!privacy allow\`.`,
    denied: ({ agent, host, call }, where) =>
      `${agent} can't answer here: it would have to send what is said to ${host}, and the admin of this server does not allow that ${WHERE[where]}. Please ask an agent that runs here (\`${call}!list\`), or ask your admin to allow it for this room.`,
    allowed: ({ agent, host, call }) =>
      `Agreed: what is said to ${agent} here may go to ${host}. \`${call}!privacy default\` takes it back.`,
    nowDeclined: {
      deny: ({ agent, host }) =>
        `Understood: nothing goes to ${host}, and ${agent} does not answer here. The admin does not allow it here either.`,
      ask: nowDeclined,
      allow: nowDeclined,
    },
    revoked: {
      deny: ({ host }) =>
        `Taken back. Nothing goes to ${host} all the same: the admin does not allow that here, whatever this room decides.`,
      ask: ({ agent, host }) => `Taken back: before anything goes to ${host} again, ${agent} asks.`,
      allow: ({ agent, host, call }) =>
        `Taken back. What is said to ${agent} here goes to ${host}: the admin allows that, unless this room says no by \`${call}!privacy deny\`.`,
    },
    unneeded: (agent) => `${agent} runs on this server's own network; nothing leaves it.`,
    which: (commands) => `Several agents wait for that. Please say whom you mean: ${inCode(commands)}.`,
  },
  welcome: ({ agent, call, isDemo }) =>
    `Hello! I am ${agent}, ${isDemo ? "a demo and no AI" : "an AI"}. ${call === "" ? "Write to me, and I answer" : "I answer when you mention me or reply to me"}; \`${call}!help\` shows what else I understand.`,
  invites: {
    noAccess: "You are not allowed to invite this agent.",
    notThisAgent: "You are not allowed to use this agent; others may be open to you.",
    roomBlocked: "The admin of this agent's server does not allow it in this room.",
    roomTooLarge: "This room has more members than this agent's admin allows. Invite it into a smaller one.",
    tooMany: "As many invites as are possible in a day were accepted already. Please invite this agent again tomorrow.",
  },
  roomTooLarge: (agent, members) =>
    `${agent} answers only in rooms of at most ${counted(members, "member", "members")}, and this one has grown beyond. Please ask in a smaller room.`,
  onlyEncryptedRooms: "This agent talks in encrypted rooms only. Switch encryption on, then invite it again.",
  noEncryptedRooms: "This agent does not talk in encrypted rooms.",
  bot: {
    welcome: (call) =>
      `Hello! I look after the AI agents on this homeserver. Write \`${call}list\` to see whom you can talk to, or \`${call}help\`.`,
    help: [
      "I look after the AI agents on this homeserver.",
      "",
      "- `list` shows the agents you can talk to.",
      "- Invite one into any room, encrypted or not, or start a direct chat with it.",
      "- In a direct chat it answers everything. In a group it answers when you mention it or reply to it.",
    ].join("\n"),
    noAgents: "There are no agents yet. The admin of this homeserver adds them in config.yaml under `agents:`.",
    agents: "Agents you can invite:",
    cloud: {
      everywhere: "Those with “(cloud)” do not run on this server: what is said to them leaves it.",
      unencrypted:
        "Those with “(cloud)” do not run on this server: what is said to them leaves it. The admin does not allow that in encrypted rooms, so they answer in others only.",
      nowhere:
        "Those with “(cloud)” do not run on this server. The admin does not allow what is said to leave it, so they can't answer, but in rooms that are excepted.",
    },
    other:
      "I know two commands: `help` and `list`. To talk with an AI, start a chat with one of the agents that `list` shows.",
  },
  pull: {
    onlyAdmins:
      "Only the bridge's admins can have models installed (`access.admins`, or the level `admin` in `permissions`).",
    which: (providers) =>
      `Please write it so: \`pull [PROVIDER] MODEL\`, for example \`pull llama3.2:3b\`. Providers that install models: ${providers.join(", ") || "none"}.`,
    progress: (model, provider, percent) =>
      `Installing \`${model}\` on “${provider}”${percent === undefined ? " …" : `: ${percent} %`}`,
    done: (model, provider) => `\`${model}\` is installed on “${provider}”.`,
    failed: (model, provider, reason) => `\`${model}\` was not installed on “${provider}”: ${reason}.`,
  },
  unknownCommand: (name, call) => `I don't know \`!${name}\`. \`${call}!help\` shows what I know.`,
  wrongForm: (usage, example) =>
    example === undefined
      ? `Please write just \`${usage}\`, with nothing behind it.`
      : `Please write it so: \`${usage}\`, for example \`${example}\`.`,
  tooLong: (characters, longest) => `That is too long: ${characters} characters; at the most ${longest} are possible.`,
  onlyModerators: "Only moderators of this room can change that.",
  tooManyWait: (agent) =>
    `${agent} has many questions here to answer already and can't take another one now. Please ask again when they are answered.`,
  unread: {
    sticker: (agent) => `${agent} likes stickers, and can't see them. Please say it in words, or send it as a picture.`,
    place: (agent) =>
      `${agent} can't look at places on a map. Please write where it is, and what you would like to know.`,
    poll: (agent) => `${agent} can't vote. Please write the question and what there is to choose from, and ask again.`,
    other: (agent) => `${agent} can't read this kind of message. Please write what matters in it, and ask again.`,
  },
  tooLongAgo: "This was asked too long ago to be answered again. Please ask it anew, in a message of its own.",
  noProvider: "I have no model server any more.",
  noSuchModel: (provider, models) => `There is no such model on “${provider}”. There are: ${models.join(", ")}.`,
  notYourModel: (model) => `The model \`${model}\` belongs to an agent that you may not use.`,
  chosenModelNotYours: (agent, model, call) =>
    `${agent} can't answer you: this room has chosen the model \`${model}\`, which belongs to an agent that you may not use. With \`${call}!model default\` it has its own again; then react to this with 🔁.`,
  commandOff: (command) => `The admin of this server has switched \`!${command}\` off.`,
  onlyAdmins: (command) => `Only the bridge's admins can do that with \`!${command}\` on this server.`,
  modelsUnknown: (provider) => `“${provider}” can't be asked now for its models. Please try again later.`,
  tooMany: (agent, whose, minutes, isAsked) => {
    const who = {
      user: "You have asked as much as one may in a day.",
      room: "As much was asked in this room as may be in a day.",
      server: "Your server's people have asked as much as they may in a day.",
      agent: `${agent} was asked as much as it may be in a day.`,
    }[whose];
    return `${who} The next question is possible in about ${inWords(minutes)}; ${isAsked ? "react to this with 🔁 then to ask again" : "please ask again then"}.`;
  },
  commands: {
    help: {
      meaning: "shows this",
      before: (call: string) => (call === "" ? "You can tell me:" : `You can tell me, as in \`${call}!status\`:`),
      titles: { everyday: "Every day", settings: "Settings of this room", groups: "In groups" },
      after: "In a group, settings are changed by its moderators.",
    },
    list: {
      meaning: "the agents there are",
    },
    status: {
      meaning: "my model, and what is set here",
      iAm: (agent: string, provider: string | undefined, model: string | undefined) => {
        if (provider === undefined) return `I am ${agent}, and have no model any more.`;
        return `I am ${agent}, run by “${provider}”${model === undefined ? "" : ` with the model \`${model}\``}.`;
      },
      /** A setting in a list of those that were set in a room. */
      setHere: (title: string, value: string) => `${title}: ${value} (set in this room)`,
      /** How all is set that is not in that list. */
      restAsAdmin: (isAll: boolean, call: string) =>
        `${isAll ? "All is" : "All else is"} as the admin has it. \`${call}!help\` shows what can be set${isAll ? "" : `, and \`${call}!reset\` takes it back`}.`,
      waiting: (questions: number) => `Questions that wait for an answer: ${questions}.`,
    },
    stop: {
      meaning: "ends the answer I am making (so does 🛑)",
      nothing: "I am not answering anything here that you could stop.",
    },
    retry: {
      meaning: "answers your last question again (so does 🔁)",
      nothing: "You have asked me nothing here that I could answer again.",
      notDoneYet: "I am not done with your last question yet.",
    },
    forget: {
      meaning: "I forget all that was said here",
      forgotten: "I have forgotten all that was said to me here, and what I was to keep in mind.",
    },
    privacy: {
      meaning: "where your words go, and whether they may",
      encrypted: "This room is encrypted: this server can't read along, but every agent in it can.",
      notEncrypted: "This room is not encrypted: the servers of everybody in it can read along.",
      /** `isSure` is false where the server does not say whether it passes anything on. */
      agentLocal: ({ agent, host }: AgentPlace, isSure: boolean) =>
        isSure
          ? `${agent} runs in this server's own network (${host}). Nothing said to it leaves it.`
          : `${agent} runs in this server's own network (${host}). That model server does not say whether it passes anything on; the admin answers for it.`,
      agentCloud: ({ agent, provider, host }: AgentPlace, decision: string) =>
        `${agent} runs elsewhere: what is said to it goes to **${host}** (“${provider}”). ${decision}`,
      decidedYes: (by: string, day: string) => `${by} agreed to that on ${day}.`,
      decidedNo: (by: string, day: string) => `${by} said no to that on ${day}, so nothing goes there.`,
      policies: {
        deny: "The admin does not allow that here, so nothing goes there.",
        ask: "Nobody has agreed to that yet, so nothing goes there.",
        allow: "The admin allows that here.",
      },
      sentNothing: "Nothing was sent to any model.",
      sent: ({ agent, host }: AgentPlace, requests: number, size: string, isCloud: boolean) =>
        `${agent} → ${host}: ${counted(requests, "request", "requests")}, ${size}${isCloud ? ", outside this network" : ""}`,
      lastDays: (days: number) => (days === 1 ? "In the last day:" : `In the last ${days} days:`),
    },
    usage: {
      meaning: "what you have asked me, here and elsewhere",
      asked: (here: UsageWords, everywhere: UsageWords) =>
        [
          "Your questions in the last 30 days:",
          "",
          `- Here, to me: ${asked(here)}`,
          `- Everywhere, to all agents: ${asked(everywhere)}`,
        ].join("\n"),
      /** What somebody has left of a day's limit. */
      left: (what: "requests" | "tokens", left: number, of: number) =>
        `Left of a day's ${what === "requests" ? counted(of, "question", "questions") : counted(of, "token", "tokens")}: ${left}`,
    },
    reset: {
      meaning: "takes back all settings of this room",
      done: "All settings of this room are as the admin has them again.",
    },
    discuss: {
      meaning: "I discuss something with other agents of this room, in a thread, 4 turns or as many as you say",
      takes: "[TURNS] AGENT [AGENT …] TOPIC",
      notInDirectChats: "There is nobody to discuss with in a direct chat. Please ask in a room with several agents.",
      noSuchAgent: (name: string, agents: readonly string[]) =>
        agents.length === 0
          ? "There is no other agent in this room. Invite one first."
          : `There is no agent “${name}” in this room. There are: ${agents.join(", ")}.`,
      notYourAgents: (agents: readonly string[]) => `You may not use ${LIST.format(agents)}.`,
      discussing: (agents: readonly string[], turns: number, call: string) =>
        `${LIST.format(agents)} discuss this, ${counted(turns, "turn", "turns")} altogether. \`${call}!stop\` ends it; a moderator's \`!stop\`, said to nobody in particular, at once.`,
    },
  },
  settings: {
    remember: {
      title: "What I keep in mind",
      meaning: "something to keep in mind here",
      takes: "TEXT",
    },
    model: {
      title: "Model",
      meaning: "which model I ask",
      takes: "NAME",
    },
    system: {
      title: "Instruction",
      meaning: "my instruction",
      takes: "TEXT",
    },
    temperature: {
      title: "Temperature",
      meaning: "how freely I speak",
      takes: "0 to 2",
    },
    stream: {
      title: "Answers while they are made",
      meaning: "how answers look while they are made",
    },
    summaries: {
      title: "Summing up what is long ago",
      meaning: "whether I sum up what is too long ago to be read again at each question",
    },
    language: {
      title: "Language of my notices",
      meaning: "the language of my notices",
      value: (value: string) => (value === "auto" ? "as you write" : (NAMES.of(value) ?? value)),
    },
    respond: {
      title: "In groups I answer (mention, thread or all)",
      meaning: "when I answer in a group",
    },
    listen: {
      title: "What I remember of a group (agents: what is said to and by agents; on: everything)",
      meaning:
        "what I remember of a group besides what is said to me: what is said to and by other agents, everything, or nothing",
    },
    threads: {
      title: "A thread for each question in a group",
      meaning: "whether I answer each question in a group in a thread of its own",
    },
    delegate: {
      title: "Asking other agents for help",
      meaning: "whether I may ask other agents of a group for help, where you see it",
    },
  },
  parameters: {
    turns: "how many turns, all together; 4 unless you say",
    agents: "the agents, beside me",
    topic: "what it is about",
    decision: "whether words may leave; left out, where they go is shown",
    note: "what I am to keep in mind; “nothing” takes it back",
    name: "the model's name; “default” takes it back",
    instruction: "what I am to be; “default” takes it back",
    number: "from 0 to 2; “default” takes it back",
    when: "when I answer",
    what: "what I remember",
    whether: "whether I do that",
    how: "in one message that grows, as a new one at the end, or whole",
    which: "the language",
  },
  setting: {
    done: "Done.",
    shown: (title, value, isSetHere, usage) =>
      `${title}: ${value} (${isSetHere ? "set in this room" : "not changed in this room"}). Change it with \`${usage}\`.`,
    none: "none",
    nothing: "nothing",
    modelsOwn: "the model's own",
  },
  joiningWords: ["and", "with"],
  commonWords: wordSet(`
    the and you your you're i'm it's what what's who who's why how when where which are can't could would should
    does did don't please thanks thank hello hey yes about this that these those there here my mine tell write explain
    show give need know say more good morning evening again joke translate because with without from sorry want make great nice have right they she our`),
  ambiguousWords: wordSet(`
    the and it about hey mine tell show give good joke from want make great nice right have they she our say more are
    this that sorry`),
} satisfies Phrases;

/** Where something does not hold, by which decision it is. */
const WHERE: Readonly<Record<CloudRule, string>> = {
  room: "in this room",
  encrypted: "in encrypted rooms",
  others: "on this server",
};

function nowDeclined({ agent, host, call }: CloudPlace): string {
  return `Understood: nothing goes to ${host}, and ${agent} does not answer here. \`${call}!privacy allow\` changes that.`;
}

const LIST = new Intl.ListFormat("en");
const CHOICE = new Intl.ListFormat("en", { type: "disjunction" });

function inCode(commands: readonly string[]): string {
  return CHOICE.format(commands.map((command) => `\`${command}\``));
}

function inWords(minutes: number): string {
  if (minutes < 90) return counted(Math.max(1, minutes), "minute", "minutes");
  return `${Math.round(minutes / 60)} hours`;
}

function asked({ questions, tokens }: UsageWords): string {
  return `${counted(questions, "question", "questions")}, ${counted(tokens, "token", "tokens")}`;
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

const NAMES = new Intl.DisplayNames("en", { type: "language" });
