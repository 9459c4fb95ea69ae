/* eslint-disable max-lines -- a language is one file, so that another one is added with one */
import type { AgentPlace, CloudPlace, CloudRule, FieldWords, Phrases, UsageWords } from "./phrases.ts";
import { clockOf, dateOf, type Recurrence } from "../time/recurrence.ts";
import { wordSet } from "./word-set.ts";
import { counted } from "./counted.ts";

/** All phrases, in English. */
export const english = {
  failures: {
    unreachable: ({ agent, provider }) =>
      `${agent} can't answer now: its model server “${provider}” can't be reached. React to this with 🔁 to ask again. If this goes on, ask your admin.`,
    model_missing: ({ agent, model, provider }) =>
      `${agent} can't answer: the model “${model}” is not installed on “${provider}”. Please ask your admin to install it.`,
    gone: ({ agent, call }) =>
      `${agent} is no longer set up on this server. Please ask your admin, or another agent (\`${call}!list\`).`,
    timeout: ({ agent }) =>
      `${agent} took too long to answer: the model may still be loading, or the server is busy. React to this with 🔁 in a minute to ask again.`,
    fell_silent: ({ agent, provider }) =>
      `${agent} stopped in the middle of its answer: “${provider}” sent no more. React to this with 🔁 to ask again.`,
    ran_on: ({ agent }) =>
      `${agent} was stopped in the middle of its answer, which took longer than is allowed here. Ask for less at once, or react to this with 🔁 to ask again.`,
    cut_off: ({ agent }) =>
      `The connection to the model broke before ${agent} had finished. React to this with 🔁 to ask again.`,
    malformed: ({ agent, provider }) =>
      `${agent} got an unreadable answer from “${provider}”. Please ask your admin to check its address in the configuration.`,
    refused: ({ agent, model, provider }) =>
      `“${provider}” could not run the model “${model}” for ${agent}. React to this with 🔁 to ask again. If this goes on, ask your admin: the log has the reason.`,
    busy: ({ agent, provider }) =>
      `“${provider}” is too busy, so ${agent} got no answer. React to this with 🔁 in a few minutes to ask again.`,
    unpaid: ({ agent, provider }) =>
      `${agent} can't answer: its account at “${provider}” has no credit left. Please ask your admin to pay, or ask another agent.`,
    empty: ({ agent }) => `${agent} had nothing to say. React to this with 🔁 to ask again, or rephrase your question.`,
    thought_only: ({ agent }) =>
      `${agent} used up its whole answer for thinking, and said nothing. Please ask for less at once, or ask your admin to allow longer answers.`,
    declined: ({ agent, provider }) =>
      `The rules of “${provider}” blocked ${agent}'s answer. Please rephrase your question and ask again, or ask another agent.`,
    too_long: ({ agent, model, call }) =>
      `This conversation is longer than ${agent}'s model “${model}” can read. React to this with 🔁 to ask again with less of it, send a shorter message, or let ${agent} forget it with \`${call}!forget\`.`,
    cancelled: ({ agent }) => `${agent} stopped before it had finished. React to this with 🔁 to ask again.`,
    cant_see: ({ agent, model }) =>
      `${agent} can't look at pictures: its model “${model}” reads only text. Please describe the picture, or ask your admin for an agent that can see.`,
    cant_hear: ({ agent }) =>
      `${agent} can't listen to recordings: speech recognition is not set up here, or does not answer. Please write your message instead, or ask your admin.`,
    cant_read: ({ agent }) =>
      `${agent} can't read this kind of file. It reads text, code, PDFs, web pages, mails, EPUBs, Office files and, if its model can see, pictures. Please send it in another format and ask again.`,
    no_text: ({ agent }) =>
      `${agent} found no text in this file: it may be empty, scanned or damaged. Please send its text, or pictures of its pages, and ask again.`,
    locked: ({ agent }) =>
      `${agent} can't read this file: it has a password. Please save it without one and send it again.`,
    old_office: ({ agent }) =>
      `${agent} can't read this old Office format (.doc, .xls, .ppt or .rtf). Please save the file as .docx, .xlsx, .pptx or PDF, and send it again.`,
    heic: ({ agent }) =>
      `${agent} can't look at this picture: models can't read HEIC, a format that phones use. Please send it again as JPEG or PNG.`,
    svg: ({ agent }) =>
      `${agent} can't look at this drawing: models can't read SVG. Please send it again as PNG or JPEG, or send its source as a text file.`,
    foreign_picture: ({ agent }) =>
      `${agent} can't look at this picture: models can't read its format (such as TIFF, BMP or AVIF). Please send it again as PNG, JPEG, GIF or WebP.`,
    mislabelled: ({ agent }) =>
      `${agent} can't open this file: it is damaged, or not of the type that it claims. Please send it again, as PNG, JPEG, GIF or WebP, or as a voice message.`,
    too_large: ({ agent }) =>
      `This file is too large for ${agent}. Please send the part that matters again. The limits are 1 MB of text, and 20 MB of a document, a picture (100 megapixels) or a recording (an hour).`,
    no_file: ({ agent }) =>
      `${agent} could not open this file: it no longer exists, or was changed on its way. Please send it again.`,
    waited: ({ agent }) =>
      `Your question waited so long that ${agent} did not answer it. React to this with 🔁 to ask again.`,
    full: ({ agent }) =>
      `Too many questions wait for ${agent} here, so it can't take another one now. React to this with 🔁 later to ask again.`,
    in_clear: ({ agent, call }) =>
      `${agent} can't answer: some things that it remembers here came encrypted, and this room is not encrypted. Please switch encryption on, or say \`${call}!forget\` and \`${call}!reset\`; then ask again.`,
    unknown: ({ agent }) =>
      `Something went wrong, and ${agent} could not answer. React to this with 🔁 to ask again. If this goes on, ask your admin: the log has the reason.`,
  },
  missingKey: {
    unverified: (agent) =>
      `${agent} can't read this message: your app sends keys only to verified devices. Please verify ${agent}, or allow unverified devices in this room; then send the message again.`,
    blacklisted: (agent) =>
      `${agent} can't read this message: your app has blocked ${agent}'s device. Please unblock it, then send the message again.`,
    unavailable: (agent) =>
      `${agent} can't read this message: your app could not send its key. Please send the message again.`,
    other: (agent) =>
      `${agent} can't read this message yet: its key has not arrived. If no answer comes soon, please send it again; if that does not help, restart your app.`,
  },
  distrust: {
    not_encrypted: (agent) =>
      `${agent} did not read this message: it was not encrypted, but this room is. Please send it again from an app that encrypts.`,
    unsigned_device: (agent, who) =>
      `${agent} did not read this message: ${who === undefined ? "you have" : `${who} has`} not verified the device it came from. Please verify this session in your app's security settings, or use a verified one; then send the message again.`,
    identity_changed: (agent, who) =>
      `${agent} did not read this message: ${who === undefined ? "your encryption identity" : `the encryption identity of ${who}`} has changed. Please ask your admin to accept it, or verify ${agent}; then send the message again.`,
    verified_identity_changed: (agent, who) =>
      `${agent} did not read this message: ${who === undefined ? "your encryption identity" : `the encryption identity of ${who}`} was verified and has changed. If ${who === undefined ? "you have" : `${who} has`} reset it, verify ${agent} again. If not, somebody else may be writing in that name.`,
    unverified_identity: (agent) =>
      `${agent} did not read this message: it reads only messages of verified people. Please verify ${agent} in your app, then send the message again.`,
  },
  silenced: (agent, who) =>
    `${agent} is silent here for now: the encryption identity of ${who} was verified and has changed. ${who} must verify ${agent} again, or leave.`,
  beforeWelcome: {
    unsigned_device: (agent) =>
      `Hello! I am ${agent}. I can't read you yet: encryption is not set up in this app, so nobody can be sure that it is you. Please set it up (in Element under Settings → Encryption, in other apps under security), or verify this app from one that you already use. Then send your messages again.`,
    identity_changed: (agent) =>
      `Hello! I am ${agent}. I can't read you yet: your encryption identity has changed. Please ask your admin to accept it, or verify me in your app; then send your messages again.`,
    unverified_identity: (agent) =>
      `Hello! I am ${agent}. I read only messages of verified people. Please verify me in your app, then send your messages again.`,
  },
  unsignedAgent: (agent) =>
    `${agent} can't answer here: it can't prove its encryption identity, so nobody can be sure who speaks. Please ask your admin to give it its recovery key, or a new identity.`,
  unseenVerification: (agent) =>
    `${agent} confirmed this verification by itself: nobody compared the emoji on its side. To be sure, ask your admin for ${agent}'s fingerprint and compare it with the one in your app.`,
  ended: {
    stop: () => undefined,
    length: () => "Cut off at the limit of this model. React with ▶ to go on.",
    filtered: (provider) => `The rules of “${provider}” blocked the rest of this.`,
    repeating: () => "Stopped: the model began to repeat itself. Rephrase your question to ask again.",
  },
  toolLimit: {
    turn: "I was not allowed to use more tools for this answer.",
    day: "The limit for calls of tools in a day is reached, so I went on without them.",
  },
  fallback: (agent, model) => `My own model can't be reached, so ${agent}'s model answers this (${model}).`,
  welcomeCloud: {
    deny: ({ host, call }, where) =>
      `But I can't answer here: my model runs at ${host}, and the admin does not allow that ${WHERE[where]}. Please ask an agent that runs here (\`${call}!list\`), or ask your admin to allow it for this room.`,
    ask: ({ host, call }) =>
      `My model does not run on this server: messages to me go to ${host}, once this room has agreed to that. \`${call}!privacy\` tells more.`,
    allow: ({ host, call }) =>
      `My model does not run on this server: messages to me go to ${host}. \`${call}!privacy\` tells more, and \`${call}!privacy deny\` ends it.`,
  },
  consent: {
    ask: ({ agent, host, provider, call }, isEncrypted) =>
      `${agent} does not run on this server. To answer, it would send to **${host}** (“${provider}”): your questions with your names, the messages that they reply to (whoever wrote them), its answers, files, and earlier messages to it. ${
        isEncrypted
          ? `If you agree, a moderator of this room says \`${call}!privacy allow\`, and the question is answered. \`${call}!privacy deny\` refuses, and nothing is sent. (A reaction does not count here: it is not encrypted, and a server could make one up.)`
          : "If you agree, a moderator of this room reacts to this with ✅, and the question is answered. ❌ refuses, and nothing is sent."
      } \`${call}!privacy default\` takes it back later.`,
    pending: ({ agent, host, call }, isEncrypted) =>
      `${agent} waits for a moderator of this room to agree, with ${isEncrypted ? `\`${call}!privacy allow\`` : "✅"}, that messages from here go to ${host}. Then it answers your question.`,
    declined: ({ agent, host, call }) =>
      `${agent} can't answer: this room has decided that nothing goes to ${host}. A moderator can change that with \`${call}!privacy allow\`.`,
    denied: ({ agent, host, call }, where) =>
      `${agent} can't answer here: its model runs at ${host}, and the admin of this server does not allow that ${WHERE[where]}. Please ask an agent that runs here (\`${call}!list\`), or ask your admin.`,
    allowed: ({ agent, host, call }) =>
      `Agreed: messages to ${agent} here may go to ${host}. \`${call}!privacy default\` takes it back.`,
    nowDeclined: {
      deny: ({ agent, host }) =>
        `Understood: nothing goes to ${host}, and ${agent} does not answer here. The admin does not allow it here either.`,
      ask: nowDeclined,
      allow: nowDeclined,
    },
    revoked: {
      deny: ({ host }) => `Taken back. Nothing goes to ${host} in any case: the admin does not allow it here.`,
      ask: ({ agent, host }) => `Taken back: ${agent} asks again before anything goes to ${host}.`,
      allow: ({ agent, host, call }) =>
        `Taken back. Messages to ${agent} here go to ${host}, because the admin allows it. \`${call}!privacy deny\` stops that.`,
    },
    unneeded: (agent) => `${agent} runs in this server's own network; nothing leaves it.`,
    which: (commands) => `Several agents wait for that. Please choose one: ${inCode(commands)}.`,
  },
  welcome: ({ agent, call, isDemo }) =>
    `Hello! I am ${agent}, ${isDemo ? "a demo and no AI" : "an AI"}. ${call === "" ? "Write to me, and I answer" : "I answer when you mention me or reply to me"}; \`${call}!help\` shows what else I understand.`,
  invites: {
    noAccess: "You are not allowed to invite this agent.",
    notThisAgent: "You are not allowed to use this agent; others may be open to you.",
    roomBlocked: "The admin of this agent's server does not allow it in this room.",
    roomTooLarge: "This room has more members than this agent's admin allows. Invite it into a smaller one.",
    tooMany: "No more invites can be accepted today. Please invite this agent again tomorrow.",
  },
  roomTooLarge: (agent, members) =>
    `${agent} answers only in rooms of at most ${counted(members, "member", "members")}, and this one has more. Please ask in a smaller room.`,
  onlyEncryptedRooms: "This agent talks in encrypted rooms only. Switch encryption on, then invite it again.",
  noEncryptedRooms: "This agent does not talk in encrypted rooms.",
  noDevice:
    "I can't read or write in encrypted rooms: this homeserver gives agents no devices of their own. Please invite me to a room without encryption.",
  bot: {
    welcome: (call) =>
      `Hello! I look after the AI agents on this homeserver. Write \`${call}list\` to see the agents you can talk to, or \`${call}help\`.`,
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
      everywhere: "Agents marked “(cloud)” do not run on this server: messages to them leave it.",
      unencrypted:
        "Agents marked “(cloud)” do not run on this server: messages to them leave it. The admin does not allow that in encrypted rooms, so they answer only in others.",
      nowhere:
        "Agents marked “(cloud)” do not run on this server. The admin does not allow messages to leave it, so they answer only in rooms that the admin has exempted.",
    },
    other:
      "I know two commands: `help` and `list`. To talk with an AI, start a chat with one of the agents that `list` shows.",
  },
  web: {
    link: (link, minutes) =>
      `This link signs you in to the page, once, within ${counted(minutes, "minute", "minutes")}. Show it to nobody: ${link}`,
    off: "There is no page here: the admin has not switched it on (`web.enabled` in config.yaml).",
    onlyPrivately: "I send that link only in an encrypted direct chat between the two of us. Please ask me there.",
    notYours: "The page is only for the bridge's admins (`access.admins`), and for those who may look (`web.viewers`).",
  },
  pull: {
    onlyAdmins:
      "Only the bridge's admins can have models installed (`access.admins`, or the level `admin` in `permissions`).",
    which: (providers) =>
      `Please write it like this: \`pull [PROVIDER] MODEL\`, for example \`pull llama3.2:3b\`. Providers that install models: ${providers.join(", ") || "none"}.`,
    progress: (model, provider, percent) =>
      `Installing \`${model}\` on “${provider}”${percent === undefined ? " …" : `: ${percent} %`}`,
    done: (model, provider) => `\`${model}\` is installed on “${provider}”.`,
    failed: (model, provider, reason) => `\`${model}\` was not installed on “${provider}”: ${reason}.`,
  },
  tools: {
    question: ({ tool, server, isAgain }) =>
      isAgain
        ? `**My use of \`${tool}\` of \`${server}\` broke off in the middle, and nobody knows whether it was done. Shall I do it again?**`
        : `**May I use \`${tool}\` of \`${server}\`?**`,
    underWay: (doing) => `🔧 Using ${doing} …`,
    waiting: "⏳ I go on when my question is answered.",
    stoppedIn: (doing) => `Stopped while I used ${doing}. Nobody knows whether that was done.`,
    stoppedWaiting: "Stopped before my question was answered.",
    calls: (calls) => `🔧 ${counted(calls, "tool call", "tool calls")}`,
    noArguments: "It has no arguments.",
    longArguments: (characters) => `Its arguments (${counted(characters, "character", "characters")})`,
    claims: ({ claims }) =>
      `The tool says of itself that it ${claims.isReadOnly ? "only reads" : "may change or delete things"}${claims.isConfined ? ". Its sandbox lets it reach nothing outside" : claims.isOpenWorld ? ", and may reach things outside" : ", and reaches nothing outside"}.`,
    goTo: ({ isCloud, host }) =>
      `These arguments ${isCloud ? `leave this server's network: they go to **${host}**` : `stay in this server's network (${host})`}.`,
    decides: ({ deciders, asker, minutes, code, isEncrypted }) =>
      `${deciders === "asker" ? `\`${asker}\` or a moderator decides` : "A moderator decides"} within ${inWords(minutes)}: \`!approve ${code}\` or \`!refuse ${code}\` (\`yes ${code}\`, \`no ${code}\`)${isEncrypted ? "" : ", or react with ✅ or ❌"}. After that, I don't do it.`,
    forGood: ({ code }) => `\`!approve ${code} always\`, by a moderator, also lets me use it here later.`,
    fileLost: "A file from my tool could not be sent.",
    timeIsOver: "I have not done this: nobody has answered in time.",
    stopped: "I have not done this: my answer was stopped.",
    needsCode: (code) =>
      `Please write it with the letters of my question: \`yes ${code}\` or \`no ${code}\`. In an encrypted room a server could show me a plain word as the answer to another question.`,
    unknownCode: (code) =>
      `Nothing waits here for \`${code}\`: it was decided already, its time is over, or it is written otherwise.`,
    notYours: {
      asker: "Only the person who asked me, or a moderator of this room, can decide about that.",
      moderators: "Only a moderator of this room can decide about that.",
    },
    notAlways:
      "Only a moderator can decide for all later calls, and not about this one. You may be able to decide without `always`.",
    takenInPause: (agent) =>
      `${agent} is paused by whoever runs it. Your word is taken; the call is made when the pause is over.`,
    asking: {
      question: ({ tool, server, host, asker }) =>
        `**\`${tool}\` of \`${server}\` (${host}) asks \`${asker}\` something.** The words in the frame are its own, and nobody has checked them:`,
      how: ({ asker, minutes, code, fields }) => {
        const answer = [
          `\`!answer ${code}\` agrees to it`,
          `\`!answer ${code}\` and what you want to say`,
          `\`!answer ${code}\` and below it a line for each field, such as \`name: value\``,
        ][Math.min(fields, 2)];
        return `Only \`${asker}\` can answer, within ${inWords(minutes)}: ${answer}; \`!refuse ${code}\` says no.`;
      },
      goTo: ({ isCloud, host }) =>
        isCloud
          ? `Your answer leaves this server's network: it goes to **${host}**.`
          : `Your answer stays in this server's network (${host}).`,
      noSecrets: "Never write a password, a key or a card's number: it would stay in this room.",
      noPages: "It also wanted you to open a web page. I have declined that.",
      field: fieldInWords,
      choices: "choices:",
      fallback: "if you say nothing:",
      fault: (fault, code) => {
        switch (fault.kind) {
          case "nothing_asked":
            return `This has no field to fill in. \`!answer ${code}\` alone agrees to it.`;
          case "no_field":
            return `I don't know which field “${fault.words.replaceAll("`", "")}” belongs to. Please begin each line with the name of a field: \`name: value\`.`;
          case "twice":
            return `\`${fault.field.name}\` is there twice. Please answer again.`;
          case "missing":
            return `\`${fault.field.name}\` is missing: ${fieldInWords(fault.field)}. Please answer again.`;
          case "unfit":
            return `\`${fault.field.name}\` has to be ${fieldInWords(fault.field)}. Please answer again.`;
        }
      },
      needsAnswer: (code) =>
        `This wants an answer: \`!answer ${code}\` and what you want to say, or \`!refuse ${code}\`.`,
      needsDecision: (code) => `This wants a yes or a no: \`!approve ${code}\` or \`!refuse ${code}\`.`,
      notYours: "Only the person who asked me can answer that.",
    },
    agreeing: ["yes", "ok", "okay"],
    refusing: ["no"],
  },
  unknownCommand: (name, call) => `I don't know \`!${name}\`. \`${call}!help\` shows my commands.`,
  wrongForm: (usage, example) =>
    example === undefined
      ? `Please write just \`${usage}\`, with nothing after it.`
      : `Please write it like this: \`${usage}\`, for example \`${example}\`.`,
  tooLong: (characters, longest) => `That is too long: it has ${characters} characters, and the limit is ${longest}.`,
  onlyModerators: "Only moderators of this room can change that.",
  saidInClear: "This room is encrypted, and that was not. Please say it again with an app that encrypts.",
  tooManyWait: (agent) =>
    `Too many questions wait for ${agent} here, so it can't take another one now. Please ask again later.`,
  paused: (agent) =>
    `${agent} is paused by whoever runs it, and answers nothing for now. It remembers what you write; 🔁 on a question asks it again later.`,
  unread: {
    sticker: (agent) => `${agent} likes stickers, but can't see them. Please say it in words, or send it as a picture.`,
    place: (agent) => `${agent} can't look at places on a map. Please write where it is, with your question.`,
    poll: (agent) => `${agent} can't vote. Please write the question and the choices, and ask again.`,
    other: (agent) => `${agent} can't read this kind of message. Please write it as text, and ask again.`,
  },
  tooLongAgo: "This was asked too long ago to be answered again. Please ask it again in a new message.",
  noProvider: "I have no model server any more.",
  noSuchModel: (provider, models) => `“${provider}” has no such model. It has: ${models.join(", ")}.`,
  notYourModel: (model) => `The model \`${model}\` belongs to an agent that you may not use.`,
  chosenModelNotYours: (agent, model, call) =>
    `${agent} can't answer you: this room has chosen the model \`${model}\`, which belongs to an agent that you may not use. \`${call}!model default\` brings its own model back; then react to this with 🔁.`,
  commandOff: (command) => `The admin of this server has switched \`!${command}\` off.`,
  onlyAdmins: (command) => `Only the bridge's admins can do that with \`!${command}\` on this server.`,
  modelsUnknown: (provider) => `“${provider}” can't list its models now. Please try again later.`,
  tooMany: (agent, whose, minutes, isAsked) => {
    const who = {
      user: "You have reached the limit for a day.",
      room: "This room has reached the limit for a day.",
      server: "The people of your server have reached the limit for a day.",
      agent: `${agent} has reached the limit for a day.`,
    }[whose];
    return `${who} The next question is possible in about ${inWords(minutes)}; ${isAsked ? "react to this with 🔁 then to ask again" : "please ask again then"}.`;
  },
  commands: {
    help: {
      meaning: "shows this help",
      before: (call: string) => (call === "" ? "You can tell me:" : `You can tell me, as in \`${call}!status\`:`),
      titles: { everyday: "Every day", settings: "Settings of this room", groups: "In groups" },
      after: "In a group, settings are changed by its moderators.",
    },
    list: {
      meaning: "lists the agents",
    },
    status: {
      meaning: "shows my model and the settings here",
      iAm: (agent: string, provider: string | undefined, model: string | undefined) => {
        if (provider === undefined) return `I am ${agent}, and have no model any more.`;
        return `I am ${agent}, run by “${provider}”${model === undefined ? "" : ` with the model \`${model}\``}.`;
      },
      /** A line in the list of a room's own settings. */
      setHere: (title: string, value: string) => `${title}: ${value} (set in this room)`,
      /** The settings that are not in that list. */
      restAsAdmin: (isAll: boolean, call: string) =>
        `${isAll ? "Everything is" : "Everything else is"} as the admin has set it. \`${call}!help\` shows the settings${isAll ? "" : `, and \`${call}!reset\` takes these back`}.`,
      waiting: (questions: number) => `Questions that wait for an answer: ${questions}.`,
    },
    stop: {
      meaning: "stops my answer (so does 🛑)",
      nothing: "There is no answer here that you could stop.",
    },
    retry: {
      meaning: "answers your last question again (so does 🔁)",
      nothing: "You have asked me nothing here that I could answer again.",
      notDoneYet: "I have not finished with your last question yet.",
    },
    forget: {
      meaning: "makes me forget everything said here",
      forgotten: "I have forgotten everything that was said to me here, and everything that I kept in mind.",
    },
    privacy: {
      meaning: "shows where your messages go; allows or refuses it",
      encrypted: "This room is encrypted: this server can't read along, but every agent in it can.",
      notEncrypted: "This room is not encrypted: the servers of all its members can read along.",
      /** `isSure` is false where the server does not say whether it passes anything on. */
      agentLocal: ({ agent, host }: AgentPlace, isSure: boolean) =>
        isSure
          ? `${agent} runs in this server's own network (${host}). Nothing said to it leaves that network.`
          : `${agent} runs in this server's own network (${host}). That model server does not say whether it passes messages on; the admin vouches for it.`,
      agentCloud: ({ agent, provider, host }: AgentPlace, decision: string) =>
        `${agent} runs elsewhere: messages to it go to **${host}** (“${provider}”). ${decision}`,
      decidedYes: (by: string, day: string) => `${by} agreed to that on ${day}.`,
      decidedNo: (by: string, day: string) => `${by} refused that on ${day}, so nothing goes there.`,
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
    approve: {
      meaning: "lets me use a tool for which I have asked; by a moderator, for good",
      takes: "CODE [always]",
    },
    answer: {
      meaning: "answers what a tool asks you",
      takes: "CODE [ANSWER]",
    },
    refuse: {
      meaning: "refuses either of these",
      takes: "CODE",
    },
    tools: {
      meaning:
        "shows the tools that I may use here; explains one, allows or forbids it, or forgets that; signs you in to a server, or out",
      takes: "[allow | forbid | forget] [TOOL]; sign-in SERVER [CODE or ADDRESS]; sign-out SERVER",
      none: "There are no tools on this server.",
      modelHasNone: (model: string) => `My model \`${model}\` can't use tools.`,
      list: "My tools here:",
      may: {
        call: "I use it without asking",
        asker: "I ask you, or a moderator, each time",
        moderators: "I ask the moderators each time",
        not_here: "not for you, in this room, or for me",
        not_this_tool: "the admin allows it nowhere",
        forbidden: "forbidden in this room",
        cloud_model: "not for my model: it runs elsewhere, and this tool's results must stay here",
        gate: "no words may go from here to its server",
      },
      allowedHere: "allowed in this room",
      allowedBefore: "it was allowed in this room, but has changed since, or the room has become encrypted",
      hidden: (tools: number) =>
        `${counted(tools, "further tool", "further tools")} can't be used here; \`!tools NAME\` says why.`,
      aboutOne: (name: string, may: string, describes: string) =>
        `\`${name}\`: ${may}.\n\nIts server describes it so: ${describes}`,
      noDescription: "not at all",
      unknown: (name: string) => `There is no tool \`${name}\` now. Its server may be away.`,
      ambiguous: (names: readonly string[]) => `Several servers have that tool: ${inCode(names)}.`,
      allowed: (name: string, call: string) =>
        `From now on I use \`${name}\` here without asking, as long as it stays as it is. \`${call}!tools forget ${name}\` takes it back.`,
      cantAllow: (name: string, may: string) => `That can't be decided here: \`${name}\`: ${may}.`,
      forbade: (name: string, call: string) =>
        `From now on I don't use \`${name}\` here. \`${call}!tools forget ${name}\` takes it back.`,
      forgot: (name: string) => `Taken back: for \`${name}\` everything is again as the admin has set it.`,
      away: "My tool servers don't answer now. Please try again later.",
      undecided: (name: string) => `This room has decided nothing about \`${name}\`.`,
      signIn: {
        /** The link is a person's own. */
        link: (server: string, link: string, minutes: number, comesBack: boolean) =>
          [
            `Sign in here to let me use \`${server}\` for you: <${link}>`,
            `It is for you alone, and works once, for ${inWords(minutes)}.`,
            comesBack
              ? `At the end, a page shows a code. Write me here: \`!tools sign-in ${server} CODE\``
              : `At the end, your browser can't open an address with \`127.0.0.1\`. Copy it, and write me here: \`!tools sign-in ${server} ADDRESS\``,
          ].join("\n\n"),
        /** Before the link, where the person has signed in already. */
        wantsMore: (server: string, scopes: readonly string[]) =>
          `\`${server}\` wants further rights of yours for what you asked: ${scopes.map((scope) => `\`${scope}\``).join(", ")}. If you don't want to give them, do nothing: everything stays as it is.`,
        onlyPrivately: (server: string) =>
          `Signing in is between the two of us. Please write \`!tools sign-in ${server}\` to me in an encrypted direct chat.`,
        done: (server: string) =>
          `You have signed in to \`${server}\`. I use it for your own questions only: please write yours again. \`!tools sign-out ${server}\` ends that.`,
        wrongCode: "That is not the code that the page shows. Please copy it once more.",
        ended: (server: string) => `You are not signed in to \`${server}\` any more.`,
        notSignedIn: (server: string) => `You are not signed in to \`${server}\`.`,
        /** Below the list of tools. */
        yes: (server: string) => `You have signed in to \`${server}\`.`,
        no: (server: string) => `You have not signed in to \`${server}\`: \`!tools sign-in ${server}\``,
        noServer: (servers: readonly string[]) =>
          servers.length === 0
            ? "There is no server of tools to which people sign in."
            : `People sign in to these servers: ${inCode(servers)}.`,
        notYours: (server: string) => `The admin has not given you \`${server}\`.`,
        slow: "The server takes long to answer. `!tools` shows whether you are signed in; otherwise please try again later.",
        failed: {
          away: "The server can't be reached now. Please try again later.",
          leads_elsewhere:
            "The server leads to an address that the admin has not named, so I stopped there. The admin finds more in the log.",
          unfit: "The server does not do what is needed for signing in. The admin finds more in the log.",
          needs_client: "The server does not know me. The admin has to register me there.",
          denied: "The server says that you were not let in, or did not agree. Nothing has changed.",
          refused: "The server does not take what your browser brought back. Please begin again.",
          other_issuer:
            "What came back is not from the server at which you were to sign in. I have used nothing of it. Please begin again, with a new link.",
          unknown: "That link is used up, too old, or not yours. Please begin again.",
          no_address: "I need the code of the page, or the whole address from your browser.",
        },
      },
    },
    prompt: {
      meaning: "puts a prompt of a tool server to me; without a name, lists those that you may use",
      takes: "[SERVER NAME [ARGUMENT=VALUE …]]",
      list: "Prompts that you may use here:",
      none: "There are no prompts here that you may use now.",
      /** Below a list that is cut off. */
      more: (prompts: number) => `And ${counted(prompts, "further one", "further ones")}.`,
      noServer: (server: string, near: string | undefined) =>
        `There is no server \`${server}\` with prompts that you may use here now${near === undefined ? "" : `; did you mean \`${near}\``}. \`!prompt\` lists them.`,
      noPrompt: (server: string, name: string, near: string | undefined) =>
        `\`${server}\` has no prompt \`${name}\`${near === undefined ? "" : `; did you mean \`${near}\``}. \`!prompt ${server}\` lists those that it has.`,
      form: (form: string) => `Please write it like this: \`${form}\``,
      refused: (server: string, may: string) => `The prompts of \`${server}\` can't be used: ${may}.`,
      anew: "Please send that as a new message: only so does it count as an agreement that words go to that server.",
      limited: "The limit for calls of tools in a day is reached; a prompt counts as one. Please try again later.",
      failed: (server: string, name: string) =>
        `\`${server}\` did not give its prompt \`${name}\`. Please try again later, or ask your admin.`,
    },
    usage: {
      meaning: "counts your questions to me, here and elsewhere",
      asked: (here: UsageWords, everywhere: UsageWords) =>
        [
          "Your questions in the last 30 days:",
          "",
          `- Here, to me: ${asked(here)}`,
          `- Everywhere, to all agents: ${asked(everywhere)}`,
        ].join("\n"),
      /** The rest of a day's limit. */
      left: (what: "requests" | "tokens" | "toolCalls", left: number, of: number) => {
        const one = { requests: "question", tokens: "token", toolCalls: "call of a tool" }[what];
        const many = { requests: "questions", tokens: "tokens", toolCalls: "calls of tools" }[what];
        return `Left of a day's ${counted(of, one, many)}: ${left}`;
      },
    },
    reminders: {
      meaning: "lists what I shall do here at a time; ends it",
      none: "There are no reminders of mine here. Ask me for one, such as “remind me tomorrow at 8 to call Ann”.",
      listed: (id: number, task: string, owner: string, recurrence: Recurrence, zone: string) =>
        `${id}: ${task} (${when(recurrence)}, ${zone}; asked for by ${owner})`,
      ownerless: (id: number, task: string) => `${id}: ${task} (waits: whoever asked for it has left)`,
      /** Below a list that is cut off. */
      more: (count: number) => `And ${counted(count, "further one", "further ones")}.`,
      noSuch: (id: number) => `There is no such reminder: ${id}. \`!reminders\` lists them.`,
      cancelled: (id: number) => `Reminder ${id} is ended.`,
      kept: (id: number) => `Reminder ${id} is yours now, and goes on.`,
      /** Follows the answer to a reminder. */
      due: (id: number, lateMinutes: number | undefined) =>
        [
          lateMinutes === undefined ? "" : `I was not running when this was due, ${inWords(lateMinutes)} ago. `,
          `⏰ Reminder ${id}; \`!reminders cancel ${id}\` ends it.`,
        ].join(""),
      askForOwner: (id: number, task: string) =>
        `⏰ Reminder ${id} is due (“${task}”), but whoever asked for it has left this room. Shall it go on? \`!reminders keep ${id}\` takes it over, \`!reminders cancel ${id}\` ends it. Otherwise it ends in a week.`,
      limited: (id: number) => `⏰ Reminder ${id} is left out this time: a limit for questions in a day is reached.`,
    },
    reset: {
      meaning: "resets all settings of this room",
      done: "All settings of this room are again as the admin has set them.",
    },
    discuss: {
      meaning: "makes me discuss a topic with other agents of this room in a thread, in 4 turns or as many as you say",
      takes: "[TURNS] AGENT [AGENT …] TOPIC",
      notInDirectChats: "A direct chat has no other agents. Please ask in a room with several agents.",
      noSuchAgent: (name: string, agents: readonly string[]) =>
        agents.length === 0
          ? "There is no other agent in this room. Invite one first."
          : `There is no agent “${name}” in this room. There are: ${agents.join(", ")}.`,
      notYourAgents: (agents: readonly string[]) => `You may not use ${LIST.format(agents)}.`,
      discussing: (agents: readonly string[], turns: number, call: string) =>
        `${LIST.format(agents)} discuss this in ${counted(turns, "turn", "turns")} altogether. \`${call}!stop\` ends it. A moderator's plain \`!stop\` ends it at once.`,
    },
  },
  settings: {
    remember: {
      title: "What I keep in mind",
      meaning: "something that I keep in mind here",
      takes: "TEXT",
    },
    model: {
      title: "Model",
      meaning: "the model that I use",
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
      title: "Answers while I write them",
      meaning: "how my answers look while I write them",
    },
    summaries: {
      title: "Summaries of older messages",
      meaning: "whether I summarise messages that are too old to be read again at each question",
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
      title: "Messages that I remember of a group (agents: those to and by agents; on: all)",
      meaning:
        "the messages that I remember of a group, besides those to me: messages to and by other agents, all, or none",
    },
    threads: {
      title: "A thread for each question in a group",
      meaning: "whether I answer each question in a group in a thread of its own",
    },
    delegate: {
      title: "Asking other agents for help",
      meaning: "whether I may ask other agents of a group for help, visibly",
    },
  },
  parameters: {
    turns: "how many turns in all; 4 unless you say",
    reminder: "“cancel” or “keep” and a reminder's number; without it, I list them",
    agents: "the other agents",
    topic: "the topic",
    decision: "whether messages may leave; without it, I show where they go",
    note: "the text that I keep in mind; “nothing” takes it back",
    name: "the model's name; “default” takes it back",
    instruction: "my instruction; “default” takes it back",
    number: "from 0 to 2; “default” takes it back",
    when: "when I answer",
    what: "the messages that I remember",
    whether: "whether I do that",
    how: "in one message that grows, as a new one at the end, or whole",
    which: "the language",
    code: "the four letters of my question",
    answer: "what you want to say; for several fields a line for each, such as “name: value”",
    prompt:
      "the server, the prompt's name, and its arguments, such as “docs summary topic=keys”; without it, I list them",
    lasting: "“always”: for later calls in this room, too",
    doing: "whether I may use the tool; without it, I explain it",
    tool: "the tool's name; without it, I list all",
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

/** The place where an admin's rule forbids something. */
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

const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

function when(recurrence: Recurrence): string {
  const at = `at ${clockOf(recurrence)}`;
  switch (recurrence.kind) {
    case "once":
      return `on ${dateOf(recurrence.wall)} ${at}`;
    case "monthly":
      return `on day ${recurrence.day} of each month ${at}`;
    case "weekly": {
      const days = recurrence.days.join("");
      if (days === "1234567") return `every day ${at}`;
      if (days === "12345") return `every weekday ${at}`;
      return `every ${LIST.format(recurrence.days.map((day) => WEEKDAYS[day - 1] ?? ""))} ${at}`;
    }
  }
}

function fieldInWords({ kind, isRequired, least, most }: FieldWords): string {
  const kinds = {
    text: "a text",
    email: "an e-mail address",
    address: "a web address",
    date: "a date as 2027-01-31",
    time: "a time as 2027-01-31T18:00:00Z",
    number: "a number as 1.5",
    whole_number: "a whole number",
    yes_no: "yes or no",
    choice: "one of its choices",
    choices: "some of its choices, with commas between them",
  };
  const isText = ["text", "email", "address", "date", "time"].includes(kind);
  const unit = isText ? " characters" : kind === "choices" ? " of them" : "";
  const within =
    least === undefined && most === undefined
      ? ""
      : least === undefined
        ? `, at most ${most}${unit}`
        : most === undefined
          ? `, at least ${least}${unit}`
          : `, ${least} to ${most}${unit}`;
  return `${kinds[kind]}${within}${isRequired ? "" : ", if you like"}`;
}

function inWords(minutes: number): string {
  if (minutes < 90) return counted(Math.max(1, minutes), "minute", "minutes");
  return `${Math.round(minutes / 60)} hours`;
}

function asked({ questions, tokens }: UsageWords): string {
  return `${counted(questions, "question", "questions")}, ${counted(tokens, "token", "tokens")}`;
}

const NAMES = new Intl.DisplayNames("en", { type: "language" });
