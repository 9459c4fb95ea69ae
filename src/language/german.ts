import type { UsageWords, Words } from "./words.ts";

/** What is said in German; agents are on first-name terms with people. */
export const german: Words = {
  failures: {
    unreachable: ({ agent, provider }) =>
      `${agent} kann gerade nicht antworten: Der Modellserver „${provider}“ ist nicht erreichbar. Versuche es bitte später noch einmal; bleibt es dabei, frage deinen Admin, ob er läuft.`,
    model_missing: ({ agent, model, provider }) =>
      `${agent} kann nicht antworten: Das Modell „${model}“ ist auf „${provider}“ nicht installiert. Bitte deinen Admin, es zu installieren oder ein anderes zu wählen.`,
    gone: ({ agent }) =>
      `${agent} kann nicht antworten: Der Agent ist auf diesem Server nicht mehr eingerichtet. Frage bitte einen anderen (\`!list\`) oder deinen Admin.`,
    timeout: ({ agent }) =>
      `${agent} hat zu lange für die Antwort gebraucht. Vielleicht wird das Modell noch geladen, oder der Server ist beschäftigt: Versuche es bitte in einer Minute noch einmal.`,
    cut_off: ({ agent }) =>
      `Die Verbindung zum Modell ist abgerissen, bevor ${agent} fertig war. Schicke deine Nachricht bitte noch einmal.`,
    malformed: ({ agent, provider }) =>
      `${agent} hat von „${provider}“ eine Antwort bekommen, die keinen Sinn ergibt. Bitte deinen Admin, die Adresse in der Konfiguration zu prüfen.`,
    refused: ({ agent, model, provider }) =>
      `„${provider}“ konnte das Modell „${model}“ für ${agent} nicht ausführen. Versuche es bitte noch einmal; bleibt es dabei, findet dein Admin den Grund im Log.`,
    busy: ({ agent, provider }) =>
      `„${provider}“ hat gerade zu viel zu tun, und ${agent} hat keine Antwort bekommen. Versuche es bitte in ein paar Minuten noch einmal.`,
    empty: ({ agent }) =>
      `${agent} hatte nichts zu sagen. Versuche es bitte noch einmal, oder sage es mit anderen Worten.`,
    cancelled: ({ agent }) =>
      `${agent} hat aufgehört, bevor die Antwort fertig war. Schicke deine Nachricht noch einmal, um neu zu beginnen.`,
    cant_see: ({ agent, model }) =>
      `${agent} kann keine Bilder ansehen: Das Modell „${model}“ liest nur Text. Beschreibe bitte, was darauf ist, oder frage deinen Admin nach einem Agenten, dessen Modell sieht.`,
    cant_hear: ({ agent }) =>
      `${agent} kann keine Aufnahmen anhören: Hier ist nichts eingerichtet, das Sprache aufschreibt, oder es antwortet nicht. Schreibe bitte, was du gesagt hast, oder frage deinen Admin.`,
    cant_read: ({ agent }) =>
      `${agent} kann diese Art von Datei nicht lesen, nur Text, Code und PDFs, und Bilder, wenn das Modell sie sieht. Schicke bitte so, worauf es ankommt, und frage noch einmal.`,
    no_text: ({ agent }) =>
      `${agent} hat in dieser Datei keinen Text gefunden: Sie ist vielleicht eingescannt, gesperrt oder beschädigt. Schicke bitte den Text oder Bilder der Seiten, und frage noch einmal.`,
    too_large: ({ agent }) =>
      `Diese Datei ist zu groß für ${agent}. Schicke bitte noch einmal den Teil, auf den es ankommt: höchstens 1 MB Text, oder 20 MB als PDF, Bild oder Aufnahme.`,
    no_file: ({ agent }) =>
      `${agent} konnte diese Datei nicht öffnen: Es gibt sie nicht mehr, oder sie wurde unterwegs verändert. Schicke sie bitte noch einmal.`,
    waited: ({ agent }) =>
      `Deine Frage musste so lange warten, dass ${agent} sie nicht mehr beantwortet hat. Frage bitte noch einmal, wenn du noch eine Antwort möchtest.`,
    full: ({ agent }) =>
      `${agent} hat hier schon viele Fragen zu beantworten und kann gerade keine weitere annehmen. Frage bitte noch einmal, wenn sie beantwortet sind.`,
    unknown: ({ agent }) =>
      `Etwas ist schiefgegangen, und ${agent} konnte nicht antworten. Versuche es bitte noch einmal; bleibt es dabei, findet dein Admin den Grund im Log.`,
  },
  missingKey: {
    unverified: (agent) =>
      `${agent} kann diese Nachricht nicht lesen: Deine App gibt Schlüssel nur an verifizierte Geräte. Verifiziere ${agent} (oder erlaube in diesem Raum nicht verifizierte Geräte), und schicke die Nachricht dann noch einmal.`,
    blacklisted: (agent) =>
      `${agent} kann diese Nachricht nicht lesen: Deine App hat das Gerät von ${agent} gesperrt. Gib es frei, und schicke die Nachricht dann noch einmal.`,
    unavailable: (agent) =>
      `${agent} kann diese Nachricht nicht lesen: Deine App konnte den Schlüssel nicht übergeben. Schicke die Nachricht bitte noch einmal.`,
    other: (agent) =>
      `${agent} kann diese Nachricht noch nicht lesen: Der Schlüssel ist nicht angekommen. Kommt bald keine Antwort, schicke sie bitte noch einmal; hilft das nicht, starte deine App neu.`,
  },
  distrust: {
    not_encrypted: (agent) =>
      `${agent} hat diese Nachricht nicht gelesen: Sie war nicht verschlüsselt, in einem Raum, der es ist. Schicke sie bitte noch einmal aus einer App, die verschlüsselt.`,
    unsigned_device: (agent, userId) =>
      `${agent} hat diese Nachricht nicht gelesen, weil das Gerät, von dem sie kam, nicht von ${userId} verifiziert ist. Verifiziere diese Sitzung bitte in den Sicherheitseinstellungen deiner App (oder schreibe, wo deine App das nicht kann, von einer verifizierten), und schicke die Nachricht dann noch einmal.`,
    identity_changed: (agent, userId) =>
      `${agent} hat diese Nachricht nicht gelesen: Die Verschlüsselungsidentität von ${userId} hat sich geändert. Bitte deinen Admin, sie anzunehmen, oder verifiziere ${agent}, und schicke die Nachricht dann noch einmal.`,
    verified_identity_changed: (agent, userId) =>
      `${agent} sagt hier vorerst nichts mehr: Die Verschlüsselungsidentität von ${userId} war verifiziert und hat sich seitdem geändert. Wenn ${userId} sie zurückgesetzt hat, verifiziere ${agent} bitte noch einmal; wenn nicht, schreibt vielleicht jemand anderes unter diesem Namen.`,
    unverified_identity: (agent) =>
      `${agent} hat diese Nachricht nicht gelesen: Gelesen wird hier nur, was von verifizierten Leuten kommt. Verifiziere ${agent} bitte aus deiner App, und schicke die Nachricht dann noch einmal.`,
  },
  unsignedAgent: (agent) =>
    `${agent} kann hier nicht antworten: Die eigene Verschlüsselungsidentität ist in anderen Händen, sodass niemand sicher sein könnte, wer spricht. Bitte deinen Admin um den Wiederherstellungsschlüssel oder eine neue Identität.`,
  unseenVerification: (agent) =>
    `${agent} hat diese Verifizierung selbst bestätigt: Auf der anderen Seite hat niemand die Emoji verglichen. Um sicherzugehen, frage deinen Admin nach dem Fingerabdruck von ${agent} und vergleiche ihn mit dem, den deine App zeigt.`,
  fallback: (agent, model) => `Mein eigenes Modell ist nicht erreichbar; dies sagt das von ${agent} (${model}).`,
  welcomeCloud: ({ host }) =>
    `Mein Modell läuft nicht auf diesem Server: Was mir gesagt wird, geht an ${host}, sobald dem hier zugestimmt wurde. \`!privacy\` sagt mehr.`,
  consent: {
    ask: ({ agent, host, provider }, isEncrypted) =>
      `${agent} läuft nicht auf diesem Server. Für eine Antwort ginge an **${host}** („${provider}“): eure Fragen mit euren Namen, die Antworten, die Dateien und was hier bisher an ${agent} gesagt wurde. ${
        isEncrypted
          ? `Seid ihr einverstanden, sagt ein Moderator dieses Raums zu ${agent} \`!privacy allow\`, und die Frage wird beantwortet; mit \`!privacy deny\` nicht, und nichts wird gesendet. (Eine Reaktion zählt hier nicht: Sie ist nicht verschlüsselt, und ein Server könnte sie erfinden.)`
          : "Seid ihr einverstanden, reagiert ein Moderator dieses Raums hierauf mit ✅, und die Frage wird beantwortet; mit ❌ nicht, und nichts wird gesendet."
      } \`!privacy default\` nimmt es später zurück.`,
    pending: ({ agent, host }, isEncrypted) =>
      `${agent} wartet, bis ein Moderator dieses Raums mit ${isEncrypted ? "`!privacy allow`" : "✅"} zugestimmt hat, dass Worte von hier an ${host} gehen; dann wird deine Frage beantwortet.`,
    notEncrypted:
      "Dieser Raum ist verschlüsselt, und das war es nicht. Sage es bitte noch einmal mit einer App, die verschlüsselt.",
    declined: ({ agent, host }) =>
      `${agent} kann nicht antworten: Dieser Raum hat entschieden, dass nichts an ${host} geht. Ein Moderator kann das mit \`!privacy allow\` ändern.`,
    denied: ({ agent, host }) =>
      `${agent} kann hier nicht antworten: Was gesagt wird, müsste an ${host} gehen, und der Admin dieses Servers erlaubt das in diesem Raum nicht. Frage bitte einen Agenten, der hier läuft (\`!list\`), oder deinen Admin.`,
    allowed: ({ agent, host }) =>
      `Einverstanden: Was hier an ${agent} gesagt wird, darf an ${host} gehen. \`!privacy default\` nimmt es zurück.`,
    nowDeclined: ({ agent, host }) =>
      `Verstanden: Nichts geht an ${host}, und ${agent} antwortet hier nicht. \`!privacy allow\` ändert das.`,
    revoked: ({ agent, host }) => `Zurückgenommen: Bevor wieder etwas an ${host} geht, fragt ${agent}.`,
    unneeded: (agent) => `${agent} läuft im eigenen Netz dieses Servers; nichts verlässt es.`,
  },
  privacy: {
    encrypted: "Dieser Raum ist verschlüsselt: Der Server kann nicht mitlesen, aber jeder Agent darin.",
    notEncrypted: "Dieser Raum ist nicht verschlüsselt: Die Server aller, die darin sind, können mitlesen.",
    agentLocal: ({ agent, host }) =>
      `${agent} läuft im eigenen Netz dieses Servers (${host}). Nichts, was zu ${agent} gesagt wird, verlässt es.`,
    agentCloud: ({ agent, provider, host }, decision) =>
      `${agent} läuft anderswo: Was dorthin gesagt wird, geht an **${host}** („${provider}“). ${decision}`,
    decidedYes: (by, day) => `Dem hat ${by} am ${day} zugestimmt.`,
    decidedNo: (by, day) => `Das hat ${by} am ${day} abgelehnt, also geht nichts dorthin.`,
    policies: {
      deny: "Der Admin erlaubt das hier nicht, also geht nichts dorthin.",
      ask: "Dem hat noch niemand zugestimmt, also geht nichts dorthin.",
      allow: "Der Admin erlaubt das hier.",
    },
    sentNothing: "An kein Modell wurde etwas gesendet.",
    sent: ({ agent, host }, requests, size, isCloud) =>
      `${agent} → ${host}: ${requests} ${requests === 1 ? "Anfrage" : "Anfragen"}, ${size}${isCloud ? ", außerhalb dieses Netzes" : ""}`,
    lastDays: (days) => `In den letzten ${days} Tagen:`,
  },
  welcome: (agent, direct) =>
    direct
      ? `Hallo! Ich bin ${agent}, eine KI. Schreib mir, und ich antworte; \`!help\` zeigt, was ich sonst noch verstehe.`
      : `Hallo! Ich bin ${agent}, eine KI. Ich antworte, wenn ihr mich erwähnt oder mir antwortet; \`!help\`, zu mir gesagt, zeigt, was ich sonst noch verstehe.`,
  invites: {
    noAccess: "Du darfst diesen Agenten nicht einladen.",
    notThisAgent: "Du darfst diesen Agenten nicht benutzen; andere stehen dir vielleicht offen.",
    roomBlocked: "Der Admin des Servers erlaubt diesen Agenten in diesem Raum nicht.",
    roomTooLarge:
      "Dieser Raum hat mehr Mitglieder, als der Admin dieses Agenten erlaubt. Lade ihn in einen kleineren ein.",
    tooMany:
      "Heute wurden schon so viele Einladungen angenommen, wie an einem Tag möglich sind. Lade diesen Agenten bitte morgen noch einmal ein.",
  },
  roomTooLarge: (agent, members) =>
    `${agent} antwortet nur in Räumen mit höchstens ${members} Mitgliedern, und dieser ist darüber hinausgewachsen. Frage bitte in einem kleineren Raum.`,
  onlyEncryptedRooms:
    "Dieser Agent spricht nur in verschlüsselten Räumen. Schalte die Verschlüsselung ein, und lade ihn noch einmal ein.",
  noEncryptedRooms: "Dieser Agent spricht nicht in verschlüsselten Räumen.",
  bot: {
    help: [
      "Ich kümmere mich um die KI-Agenten auf diesem Homeserver.",
      "",
      "- `list` zeigt die Agenten, mit denen du reden kannst.",
      "- Lade einen in irgendeinen Raum ein, verschlüsselt oder nicht, oder beginne einen direkten Chat mit ihm.",
      "- Im direkten Chat beantwortet er alles. In einer Gruppe antwortet er, wenn du ihn erwähnst oder ihm antwortest.",
    ].join("\n"),
    noAgents: "Es gibt noch keine Agenten. Der Admin dieses Homeservers trägt sie in config.yaml unter `agents:` ein.",
    agents: "Agenten, die du einladen kannst:",
    other: (bot) =>
      `Ich bin ${bot} und kenne zwei Befehle: \`help\` und \`list\`. Um mit einer KI zu reden, beginne einen Chat mit einem der Agenten, die \`list\` zeigt.`,
  },
  pull: {
    onlyAdmins:
      "Nur die Admins der Bridge können Modelle installieren lassen (`access.admins`, oder die Stufe `admin` in `permissions`).",
    which: (providers) =>
      `Schreibe es bitte so: \`pull [PROVIDER] MODELL\`, zum Beispiel \`pull llama3.2:3b\`. Provider, die Modelle installieren: ${providers.join(", ") || "keiner"}.`,
    progress: (model, provider, percent) =>
      `\`${model}\` wird auf „${provider}“ installiert${percent === undefined ? " …" : `: ${percent} %`}`,
    done: (model, provider) => `\`${model}\` ist auf „${provider}“ installiert.`,
    failed: (model, provider) =>
      `\`${model}\` wurde auf „${provider}“ nicht installiert: So ein Modell gibt es nicht, oder der Server konnte es nicht holen. Das Log sagt mehr.`,
  },
  commands: {
    help: { usage: "!help", meaning: "zeigt dies" },
    list: { usage: "!list", meaning: "welche Agenten es gibt" },
    status: { usage: "!status", meaning: "mein Modell, und was hier eingestellt ist" },
    stop: { usage: "!stop", meaning: "beendet die Antwort, die ich gerade gebe (wie 🛑)" },
    retry: { usage: "!retry", meaning: "beantwortet deine letzte Frage noch einmal (wie 🔁)" },
    forget: { usage: "!forget", meaning: "ich vergesse alles, was hier gesagt wurde" },
    discuss: {
      usage: "!discuss [RUNDEN] AGENT [AGENT …] THEMA",
      meaning:
        "ich diskutiere etwas mit anderen Agenten dieses Raums, in einem Thread, 4 Beiträge oder so viele du sagst",
    },
    privacy: {
      usage: "!privacy [allow | deny | default]",
      meaning: "wohin eure Worte gehen, und ob sie es dürfen",
    },
    remember: { usage: "!remember TEXT oder !remember nothing", meaning: "was ich hier im Kopf behalten soll" },
    model: { usage: "!model [NAME | default]", meaning: "welches Modell ich frage" },
    system: { usage: "!system [TEXT | default]", meaning: "meine Anweisung" },
    temperature: { usage: "!temperature [0 bis 2 | default]", meaning: "wie frei ich spreche" },
    respond: { usage: "!respond [mention | thread | all | default]", meaning: "wann ich in einer Gruppe antworte" },
    listen: {
      usage: "!listen [agents | on | off | default]",
      meaning:
        "was ich von einer Gruppe behalte außer dem, was mir gesagt wird: was zu und von anderen Agenten gesagt wird, alles, oder nichts",
    },
    threads: {
      usage: "!threads [on | off | default]",
      meaning: "ob ich jede Frage in einer Gruppe in einem eigenen Thread beantworte",
    },
    delegate: {
      usage: "!delegate [on | off | default]",
      meaning: "ob ich andere Agenten einer Gruppe um Hilfe bitten darf, sodass ihr es seht",
    },
    summaries: {
      usage: "!summaries [on | off | default]",
      meaning: "ob ich zusammenfasse, was zu lange her ist, um bei jeder Frage wieder gelesen zu werden",
    },
    stream: {
      usage: "!stream [edit | replace | off | default]",
      meaning: "wie Antworten aussehen, während sie entstehen",
    },
    language: { usage: "!language [en | de | default]", meaning: "die Sprache meiner Hinweise" },
    reset: { usage: "!reset", meaning: "alle Einstellungen dieses Raums, wie der Admin sie hat" },
    usage: { usage: "!usage", meaning: "was du mich gefragt hast, hier und anderswo" },
  },
  help: { before: "Das kannst du mir sagen:", after: "In einer Gruppe ändern die Moderatoren die Einstellungen." },
  unknownCommand: (name) => `\`!${name}\` kenne ich nicht. \`!help\` zeigt, was ich kenne.`,
  wrongForm: (usage, example) => `Schreibe es bitte so: \`${usage}\`, zum Beispiel \`${example}\`.`,
  tooLong: (characters, longest) => `Das ist zu lang: ${characters} Zeichen; höchstens ${longest} sind möglich.`,
  onlyModerators: "Das können nur Moderatoren dieses Raums ändern.",
  nothingToRetry: "Du hast mich hier nichts gefragt, das ich noch einmal beantworten könnte.",
  notDoneYet: "Mit deiner letzten Frage bin ich noch nicht fertig.",
  answeringAgain: "Ich beantworte deine letzte Frage noch einmal.",
  nothingToStop: "Ich beantworte hier nichts, das du anhalten könntest.",
  stopped: "Angehalten.",
  settingsReset: "Alle Einstellungen dieses Raums sind wieder, wie der Admin sie hat.",
  notInDirectChats:
    "In einem direkten Chat ist niemand zum Diskutieren da. Frage bitte in einem Raum mit mehreren Agenten.",
  noSuchAgent: (name, agents) =>
    agents.length === 0
      ? "In diesem Raum ist kein anderer Agent. Lade zuerst einen ein."
      : `In diesem Raum gibt es keinen Agenten „${name}“. Es gibt: ${agents.join(", ")}.`,
  discussing: (agents, turns) =>
    `${LIST.format(agents)} diskutieren das, ${turns} Beiträge insgesamt. \`!stop\`, zu niemand Bestimmtem gesagt, beendet es sofort.`,
  forgotten: "Ich habe alles vergessen, was mir hier gesagt wurde, und was ich im Kopf behalten sollte.",
  noProvider: "Ich habe keinen Modellserver mehr.",
  noSuchModel: (provider, models) => `So ein Modell gibt es auf „${provider}“ nicht. Es gibt: ${models.join(", ")}.`,
  modelsUnknown: (provider) =>
    `„${provider}“ kann gerade nicht nach seinen Modellen gefragt werden. Versuche es bitte später noch einmal.`,
  done: "Erledigt.",
  iAm: (agent, provider) =>
    provider === undefined
      ? `Ich bin ${agent} und habe kein Modell mehr.`
      : `Ich bin ${agent}, betrieben von „${provider}“.`,
  waiting: (questions) => `Fragen, die auf eine Antwort warten: ${questions}.`,
  usage: (here, everywhere) =>
    [
      "Deine in den letzten 30 Tagen:",
      "",
      `- Hier, an mich: ${asked(here)}`,
      `- Überall, an alle Agenten: ${asked(everywhere)}`,
    ].join("\n"),
  left: (what, left, of) => `Übrig von ${of} ${what === "requests" ? "Fragen" : "Tokens"} am Tag: ${left}`,
  tooMany: (agent, whose, minutes) => {
    const who = {
      user: "Du hast so viel gefragt, wie man an einem Tag darf.",
      room: "In diesem Raum wurde so viel gefragt, wie an einem Tag geht.",
      server: "Die Leute deines Servers haben so viel gefragt, wie sie an einem Tag dürfen.",
      agent: `${agent} wurde so viel gefragt, wie an einem Tag geht.`,
    }[whose];
    return `${who} Die nächste Frage geht in etwa ${inWords(minutes)}; frage bitte dann noch einmal.`;
  },
  settings: {
    model: "Modell",
    system: "Anweisung",
    temperature: "Temperatur",
    respond: "In Gruppen antworte ich (mention: wenn ich erwähnt werde; thread: auch in meinen Threads; all: immer)",
    listen: "Was ich von einer Gruppe behalte (agents: was zu und von Agenten gesagt wird; on: alles)",
    threads: "Ein Thread für jede Frage in einer Gruppe",
    delegate: "Andere Agenten um Hilfe bitten",
    summaries: "Zusammenfassen, was lange her ist",
    stream: "Antworten, während sie entstehen",
    language: "Sprache meiner Hinweise",
    remember: "Was ich im Kopf behalte",
  },
  setting: (title, value, isSetHere, usage) =>
    `${title}: ${value} (${isSetHere ? "in diesem Raum eingestellt" : "hier nicht anders eingestellt"}). Zu ändern mit \`${usage}\`.`,
  none: "keine",
  nothing: "nichts",
  modelsOwn: "die des Modells",
};

const LIST = new Intl.ListFormat("de");

function inWords(minutes: number): string {
  if (minutes < 90) return minutes <= 1 ? "einer Minute" : `${minutes} Minuten`;
  return `${Math.round(minutes / 60)} Stunden`;
}

function asked({ questions, tokens }: UsageWords): string {
  return `${questions} ${questions === 1 ? "Frage" : "Fragen"}, ${tokens} Tokens`;
}
