/* eslint-disable max-lines -- a language is one file, so that another one is added with one */
import type { CloudPlace, CloudRule, FieldWords, UsageWords } from "./phrases.ts";
import { clockOf, dateOf, type Recurrence } from "../time/recurrence.ts";
import { wordSet } from "./word-set.ts";
import type { Words } from "./words.ts";
import { counted } from "./counted.ts";

/** All phrases, in German. Agents say “du” to people. */
export const german: Words = {
  failures: {
    unreachable: ({ agent, provider }) =>
      `${agent} kann gerade nicht antworten: Der Modellserver „${provider}“ ist nicht erreichbar. Reagiere hierauf mit 🔁, um noch einmal zu fragen. Bleibt es dabei, frage deinen Admin.`,
    model_missing: ({ agent, model, provider }) =>
      `${agent} kann nicht antworten: Das Modell „${model}“ ist auf „${provider}“ nicht installiert. Bitte deinen Admin, es zu installieren.`,
    gone: ({ agent, call }) =>
      `${agent} ist auf diesem Server nicht mehr eingerichtet. Frage bitte einen anderen Agenten (\`${call}!list\`) oder deinen Admin.`,
    timeout: ({ agent }) =>
      `${agent} hat zu lange für die Antwort gebraucht: Vielleicht lädt das Modell noch, oder der Server ist beschäftigt. Reagiere in einer Minute hierauf mit 🔁, um noch einmal zu fragen.`,
    fell_silent: ({ agent, provider }) =>
      `${agent} ist mitten in der Antwort verstummt: Von „${provider}“ kam nichts mehr. Reagiere hierauf mit 🔁, um noch einmal zu fragen.`,
    ran_on: ({ agent }) =>
      `${agent} wurde mitten in der Antwort beendet: Sie dauerte länger, als hier erlaubt ist. Frage nach weniger auf einmal, oder reagiere hierauf mit 🔁, um noch einmal zu fragen.`,
    cut_off: ({ agent }) =>
      `Die Verbindung zum Modell ist abgerissen, bevor ${agent} fertig war. Reagiere hierauf mit 🔁, um noch einmal zu fragen.`,
    malformed: ({ agent, provider }) =>
      `${agent} hat von „${provider}“ eine unlesbare Antwort bekommen. Bitte deinen Admin, die Adresse in der Konfiguration zu prüfen.`,
    refused: ({ agent, model, provider }) =>
      `„${provider}“ konnte das Modell „${model}“ für ${agent} nicht ausführen. Reagiere hierauf mit 🔁, um noch einmal zu fragen. Bleibt es dabei, frage deinen Admin: Der Grund steht im Log.`,
    busy: ({ agent, provider }) =>
      `„${provider}“ ist überlastet, darum hat ${agent} keine Antwort bekommen. Reagiere in ein paar Minuten hierauf mit 🔁, um noch einmal zu fragen.`,
    unpaid: ({ agent, provider }) =>
      `${agent} kann nicht antworten: Das Konto bei „${provider}“ ist leer. Bitte deinen Admin, es aufzuladen, oder frage einen anderen Agenten.`,
    empty: ({ agent }) =>
      `${agent} hatte nichts zu sagen. Reagiere hierauf mit 🔁, um noch einmal zu fragen, oder frage mit anderen Worten.`,
    thought_only: ({ agent }) =>
      `${agent} hat die ganze Antwort mit Nachdenken verbraucht und nichts gesagt. Frage bitte nach weniger auf einmal, oder bitte deinen Admin, längere Antworten zu erlauben.`,
    declined: ({ agent, provider }) =>
      `Die Regeln von „${provider}“ haben die Antwort von ${agent} gesperrt. Frage bitte noch einmal mit anderen Worten, oder frage einen anderen Agenten.`,
    too_long: ({ agent, model, call }) =>
      `Dieses Gespräch ist länger, als das Modell „${model}“ von ${agent} lesen kann. Reagiere hierauf mit 🔁, um mit weniger davon noch einmal zu fragen, schreibe kürzer, oder lass es mit \`${call}!forget\` vergessen.`,
    cancelled: ({ agent }) =>
      `${agent} hat aufgehört, bevor die Antwort fertig war. Reagiere hierauf mit 🔁, um noch einmal zu fragen.`,
    cant_see: ({ agent, model }) =>
      `${agent} kann keine Bilder ansehen: Das Modell „${model}“ liest nur Text. Beschreibe bitte das Bild, oder frage deinen Admin nach einem Agenten, der sehen kann.`,
    cant_hear: ({ agent }) =>
      `${agent} kann keine Aufnahmen anhören: Die Spracherkennung ist hier nicht eingerichtet oder antwortet nicht. Schreibe bitte stattdessen, oder frage deinen Admin.`,
    cant_read: ({ agent }) =>
      `${agent} kann diese Art von Datei nicht lesen, nur Text, Code, PDFs, Webseiten, Mails, EPUBs, Office-Dateien und, wenn das Modell sehen kann, Bilder. Schicke sie bitte in einem anderen Format, und frage noch einmal.`,
    no_text: ({ agent }) =>
      `${agent} hat in dieser Datei keinen Text gefunden: Sie ist vielleicht leer, eingescannt oder beschädigt. Schicke bitte den Text oder Bilder der Seiten, und frage noch einmal.`,
    locked: ({ agent }) =>
      `${agent} kann diese Datei nicht lesen: Sie hat ein Passwort. Speichere sie bitte ohne Passwort, und schicke sie noch einmal.`,
    old_office: ({ agent }) =>
      `${agent} kann dieses alte Office-Format nicht lesen (.doc, .xls, .ppt oder .rtf). Speichere die Datei bitte als .docx, .xlsx, .pptx oder PDF, und schicke sie noch einmal.`,
    heic: ({ agent }) =>
      `${agent} kann dieses Bild nicht ansehen: Modelle können HEIC nicht lesen, ein Format von Handys. Schicke es bitte noch einmal als JPEG oder PNG.`,
    svg: ({ agent }) =>
      `${agent} kann diese Zeichnung nicht ansehen: Modelle können SVG nicht lesen. Schicke sie bitte noch einmal als PNG oder JPEG, oder ihren Quelltext als Textdatei.`,
    foreign_picture: ({ agent }) =>
      `${agent} kann dieses Bild nicht ansehen: Modelle können sein Format nicht lesen (etwa TIFF, BMP oder AVIF). Schicke es bitte noch einmal als PNG, JPEG, GIF oder WebP.`,
    mislabelled: ({ agent }) =>
      `${agent} kann diese Datei nicht öffnen: Sie ist beschädigt oder nicht von der angegebenen Art. Schicke sie bitte noch einmal, als PNG, JPEG, GIF oder WebP oder als Sprachnachricht.`,
    too_large: ({ agent }) =>
      `Diese Datei ist zu groß für ${agent}. Schicke bitte noch einmal den Teil, auf den es ankommt: höchstens 1 MB Text, oder 20 MB als Dokument, Bild (100 Megapixel) oder Aufnahme (eine Stunde).`,
    no_file: ({ agent }) =>
      `${agent} konnte diese Datei nicht öffnen: Es gibt sie nicht mehr, oder sie wurde unterwegs verändert. Schicke sie bitte noch einmal.`,
    waited: ({ agent }) =>
      `Deine Frage hat so lange gewartet, dass ${agent} sie nicht mehr beantwortet hat. Reagiere hierauf mit 🔁, um noch einmal zu fragen.`,
    full: ({ agent }) =>
      `Hier warten zu viele Fragen auf ${agent}, darum geht gerade keine weitere. Reagiere später hierauf mit 🔁, um noch einmal zu fragen.`,
    in_clear: ({ agent, call }) =>
      `${agent} kann nicht antworten: Manches, was ${agent} sich hier gemerkt hat, kam verschlüsselt, und dieser Raum ist nicht verschlüsselt. Schalte die Verschlüsselung ein, oder lass es mit \`${call}!forget\` und \`${call}!reset\` vergessen; frage dann noch einmal.`,
    unknown: ({ agent }) =>
      `Etwas ist schiefgegangen, und ${agent} konnte nicht antworten. Reagiere hierauf mit 🔁, um noch einmal zu fragen. Bleibt es dabei, frage deinen Admin: Der Grund steht im Log.`,
  },
  missingKey: {
    unverified: (agent) =>
      `${agent} kann diese Nachricht nicht lesen: Deine App gibt Schlüssel nur an verifizierte Geräte. Verifiziere ${agent}, oder erlaube in diesem Raum nicht verifizierte Geräte; schicke sie dann noch einmal.`,
    blacklisted: (agent) =>
      `${agent} kann diese Nachricht nicht lesen: Deine App hat das Gerät von ${agent} gesperrt. Gib es frei, und schicke die Nachricht dann noch einmal.`,
    unavailable: (agent) =>
      `${agent} kann diese Nachricht nicht lesen: Deine App konnte den Schlüssel nicht übergeben. Schicke die Nachricht bitte noch einmal.`,
    other: (agent) =>
      `${agent} kann diese Nachricht noch nicht lesen: Der Schlüssel ist nicht angekommen. Kommt bald keine Antwort, schicke sie bitte noch einmal; hilft das nicht, starte deine App neu.`,
  },
  distrust: {
    not_encrypted: (agent) =>
      `${agent} hat diese Nachricht nicht gelesen: Sie war nicht verschlüsselt, dieser Raum ist es. Schicke sie bitte noch einmal aus einer App, die verschlüsselt.`,
    unsigned_device: (agent, who) =>
      `${agent} hat diese Nachricht nicht gelesen: ${who === undefined ? "Du hast" : `${who} hat`} das Gerät, von dem sie kam, nicht verifiziert. Verifiziere diese Sitzung bitte in den Sicherheitseinstellungen der App, oder nimm eine verifizierte; schicke sie dann noch einmal.`,
    identity_changed: (agent, who) =>
      `${agent} hat diese Nachricht nicht gelesen: ${who === undefined ? "Deine Verschlüsselungsidentität" : `Die Verschlüsselungsidentität von ${who}`} hat sich geändert. Bitte deinen Admin, sie anzunehmen, oder verifiziere ${agent}; schicke sie dann noch einmal.`,
    verified_identity_changed: (agent, who) =>
      `${agent} hat diese Nachricht nicht gelesen: ${who === undefined ? "Deine Verschlüsselungsidentität" : `Die Verschlüsselungsidentität von ${who}`} war verifiziert und hat sich geändert. Wenn ${who === undefined ? "du sie zurückgesetzt hast" : `${who} sie zurückgesetzt hat`}, verifiziere ${agent} noch einmal. Wenn nicht, schreibt vielleicht jemand anderes unter diesem Namen.`,
    unverified_identity: (agent) =>
      `${agent} hat diese Nachricht nicht gelesen: Gelesen werden hier nur Nachrichten verifizierter Leute. Verifiziere ${agent} bitte in deiner App, und schicke sie dann noch einmal.`,
  },
  silenced: (agent, who) =>
    `${agent} sagt hier vorerst nichts: Die Verschlüsselungsidentität von ${who} war verifiziert und hat sich geändert. ${who} muss ${agent} noch einmal verifizieren oder den Raum verlassen.`,
  beforeWelcome: {
    unsigned_device: (agent) =>
      `Hallo! Ich bin ${agent}. Ich kann dich noch nicht lesen: In dieser App ist die Verschlüsselung nicht eingerichtet, sodass niemand sicher sein kann, dass du es bist. Richte sie bitte ein (in Element unter Einstellungen → Verschlüsselung, in anderen Apps unter Sicherheit), oder verifiziere diese App aus einer, die du schon benutzt. Schicke deine Nachrichten dann noch einmal.`,
    identity_changed: (agent) =>
      `Hallo! Ich bin ${agent}. Ich kann dich noch nicht lesen: Deine Verschlüsselungsidentität hat sich geändert. Bitte deinen Admin, sie anzunehmen, oder verifiziere mich in deiner App; schicke deine Nachrichten dann noch einmal.`,
    unverified_identity: (agent) =>
      `Hallo! Ich bin ${agent}. Ich lese nur Nachrichten verifizierter Leute. Verifiziere mich bitte in deiner App, und schicke deine Nachrichten dann noch einmal.`,
  },
  unsignedAgent: (agent) =>
    `${agent} kann hier nicht antworten und die eigene Verschlüsselungsidentität nicht nachweisen, sodass niemand sicher sein kann, wer spricht. Bitte deinen Admin um den Wiederherstellungsschlüssel oder eine neue Identität.`,
  unseenVerification: (agent) =>
    `${agent} hat diese Verifizierung selbst bestätigt: Auf der anderen Seite hat niemand die Emoji verglichen. Um sicherzugehen, frage deinen Admin nach dem Fingerabdruck von ${agent}, und vergleiche ihn mit dem in deiner App.`,
  ended: {
    stop: () => undefined,
    length: () => "Am Limit dieses Modells abgeschnitten. Reagiere mit ▶, damit es weitergeht.",
    filtered: (provider) => `Die Regeln von „${provider}“ haben den Rest gesperrt.`,
    repeating: () => "Beendet: Das Modell hat angefangen, sich zu wiederholen. Frage mit anderen Worten noch einmal.",
  },
  toolLimit: {
    turn: "Für diese Antwort durfte ich keine weiteren Werkzeuge benutzen.",
    day: "Die erlaubten Aufrufe von Werkzeugen für einen Tag sind aufgebraucht, darum habe ich ohne sie weitergemacht.",
  },
  fallback: (agent, model) =>
    `Mein eigenes Modell ist nicht erreichbar; darum antwortet das Modell von ${agent} (${model}).`,
  welcomeCloud: {
    deny: ({ host, call }, where) =>
      `Antworten kann ich hier aber nicht: Mein Modell läuft bei ${host}, und der Admin erlaubt das ${WHERE[where]} nicht. Frage bitte einen Agenten, der hier läuft (\`${call}!list\`), oder bitte deinen Admin, es für diesen Raum zu erlauben.`,
    ask: ({ host, call }) =>
      `Mein Modell läuft nicht auf diesem Server: Nachrichten an mich gehen an ${host}, sobald dieser Raum zugestimmt hat. \`${call}!privacy\` sagt mehr.`,
    allow: ({ host, call }) =>
      `Mein Modell läuft nicht auf diesem Server: Nachrichten an mich gehen an ${host}. \`${call}!privacy\` sagt mehr, und \`${call}!privacy deny\` beendet es.`,
  },
  consent: {
    ask: ({ agent, host, provider, call }, isEncrypted) =>
      `${agent} läuft nicht auf diesem Server. Für eine Antwort ginge an **${host}** („${provider}“): die Fragen mit den Namen derer, die sie stellen, die Nachrichten, auf die sie antworten (von wem auch immer), die Antworten, Dateien und frühere Nachrichten an ${agent}. ${
        isEncrypted
          ? `Wer diesen Raum moderiert und einverstanden ist, schreibt \`${call}!privacy allow\`, und die Frage wird beantwortet. \`${call}!privacy deny\` lehnt ab, und nichts wird gesendet. (Eine Reaktion zählt hier nicht: Sie ist nicht verschlüsselt, und ein Server könnte sie erfinden.)`
          : "Wer diesen Raum moderiert und einverstanden ist, reagiert hierauf mit ✅, und die Frage wird beantwortet. ❌ lehnt ab, und nichts wird gesendet."
      } \`${call}!privacy default\` nimmt es später zurück.`,
    pending: ({ agent, host, call }, isEncrypted) =>
      `${agent} wartet, bis ein Moderator dieses Raums mit ${isEncrypted ? `\`${call}!privacy allow\`` : "✅"} zustimmt, dass Nachrichten von hier an ${host} gehen. Dann wird deine Frage beantwortet.`,
    declined: ({ agent, host, call }) =>
      `${agent} kann nicht antworten: Dieser Raum hat entschieden, dass nichts an ${host} geht. Ein Moderator kann das mit \`${call}!privacy allow\` ändern.`,
    denied: ({ agent, host, call }, where) =>
      `${agent} kann hier nicht antworten: Das Modell läuft bei ${host}, und der Admin dieses Servers erlaubt das ${WHERE[where]} nicht. Frage bitte einen Agenten, der hier läuft (\`${call}!list\`), oder deinen Admin.`,
    allowed: ({ agent, host, call }) =>
      `Einverstanden: Nachrichten an ${agent} dürfen von hier an ${host} gehen. \`${call}!privacy default\` nimmt es zurück.`,
    nowDeclined: {
      deny: ({ agent, host }) =>
        `Verstanden: Nichts geht an ${host}, und ${agent} antwortet hier nicht. Der Admin erlaubt es hier auch nicht.`,
      ask: nowDeclined,
      allow: nowDeclined,
    },
    revoked: {
      deny: ({ host }) => `Zurückgenommen. An ${host} geht ohnehin nichts: Der Admin erlaubt das hier nicht.`,
      ask: ({ agent, host }) => `Zurückgenommen: ${agent} fragt wieder, bevor etwas an ${host} geht.`,
      allow: ({ agent, host, call }) =>
        `Zurückgenommen. Nachrichten an ${agent} gehen von hier an ${host}, weil der Admin es erlaubt. \`${call}!privacy deny\` beendet das.`,
    },
    unneeded: (agent) => `${agent} läuft im eigenen Netz dieses Servers; nichts verlässt es.`,
    which: (commands) => `Mehrere Agenten warten darauf. Wähle bitte einen: ${inCode(commands)}.`,
  },
  welcome: ({ agent, call, isDemo }) =>
    `Hallo! Ich bin ${agent}, ${isDemo ? "eine Demo und keine KI" : "eine KI"}. ${call === "" ? "Schreib mir, und ich antworte" : "Ich antworte, wenn du mich erwähnst oder mir antwortest"}; \`${call}!help\` zeigt, was ich sonst noch verstehe.`,
  invites: {
    noAccess: "Du darfst diesen Agenten nicht einladen.",
    notThisAgent: "Du darfst diesen Agenten nicht benutzen; andere stehen dir vielleicht offen.",
    roomBlocked: "Der Admin des Servers erlaubt diesen Agenten in diesem Raum nicht.",
    roomTooLarge:
      "Dieser Raum hat mehr Mitglieder, als der Admin dieses Agenten erlaubt. Lade ihn in einen kleineren ein.",
    tooMany: "Heute kann keine Einladung mehr angenommen werden. Lade diesen Agenten bitte morgen noch einmal ein.",
  },
  roomTooLarge: (agent, members) =>
    `${agent} antwortet nur in Räumen mit höchstens ${counted(members, "Mitglied", "Mitgliedern")}, und dieser hat mehr. Frage bitte in einem kleineren Raum.`,
  onlyEncryptedRooms:
    "Dieser Agent spricht nur in verschlüsselten Räumen. Schalte die Verschlüsselung ein, und lade ihn noch einmal ein.",
  noEncryptedRooms: "Dieser Agent spricht nicht in verschlüsselten Räumen.",
  noDevice:
    "In verschlüsselten Räumen kann ich weder lesen noch schreiben: Dieser Homeserver gibt Agenten keine eigenen Geräte. Lade mich bitte in einen Raum ohne Verschlüsselung ein.",
  bot: {
    welcome: (call) =>
      `Hallo! Ich kümmere mich um die KI-Agenten auf diesem Homeserver. Schreib \`${call}list\`, um die Agenten zu sehen, mit denen du reden kannst, oder \`${call}help\`.`,
    help: [
      "Ich kümmere mich um die KI-Agenten auf diesem Homeserver.",
      "",
      "- `list` zeigt die Agenten, mit denen du reden kannst.",
      "- Lade einen in irgendeinen Raum ein, verschlüsselt oder nicht, oder beginne einen direkten Chat mit ihm.",
      "- Im direkten Chat beantwortet er alles. In einer Gruppe antwortet er, wenn du ihn erwähnst oder ihm antwortest.",
    ].join("\n"),
    noAgents: "Es gibt noch keine Agenten. Der Admin dieses Homeservers trägt sie in config.yaml unter `agents:` ein.",
    agents: "Agenten, die du einladen kannst:",
    cloud: {
      everywhere: "Agenten mit „(cloud)“ laufen nicht auf diesem Server: Nachrichten an sie verlassen ihn.",
      unencrypted:
        "Agenten mit „(cloud)“ laufen nicht auf diesem Server: Nachrichten an sie verlassen ihn. In verschlüsselten Räumen erlaubt der Admin das nicht, also antworten sie nur in anderen.",
      nowhere:
        "Agenten mit „(cloud)“ laufen nicht auf diesem Server. Der Admin erlaubt nicht, dass Nachrichten ihn verlassen, also antworten sie nur in Räumen, die der Admin ausgenommen hat.",
    },
    other:
      "Ich kenne zwei Befehle: `help` und `list`. Um mit einer KI zu reden, beginne einen Chat mit einem der Agenten, die `list` zeigt.",
  },
  web: {
    link: (link, minutes) =>
      `Dieser Link meldet dich auf der Seite an, einmal, innerhalb von ${counted(minutes, "Minute", "Minuten")}. Zeige ihn niemandem: ${link}`,
    off: "Hier gibt es keine Seite: Der Admin hat sie nicht eingeschaltet (`web.enabled` in config.yaml).",
    onlyPrivately:
      "Diesen Link schicke ich nur in einem verschlüsselten Direktchat zwischen uns beiden. Frage mich bitte dort.",
    notYours:
      "Die Seite ist nur für die Admins der Bridge (`access.admins`) und für die, die zusehen dürfen (`web.viewers`).",
  },
  pull: {
    onlyAdmins:
      "Nur die Admins der Bridge können Modelle installieren lassen (`access.admins`, oder die Stufe `admin` in `permissions`).",
    which: (providers) =>
      `Schreibe es bitte so: \`pull [PROVIDER] MODELL\`, zum Beispiel \`pull llama3.2:3b\`. Provider, die Modelle installieren: ${providers.join(", ") || "keiner"}.`,
    progress: (model, provider, percent) =>
      `\`${model}\` wird auf „${provider}“ installiert${percent === undefined ? " …" : `: ${percent} %`}`,
    done: (model, provider) => `\`${model}\` ist auf „${provider}“ installiert.`,
    failed: (model, provider, reason) => `\`${model}\` wurde auf „${provider}“ nicht installiert: ${reason}.`,
  },
  tools: {
    question: ({ tool, server, isAgain }) =>
      isAgain
        ? `**Während ich \`${tool}\` von \`${server}\` benutzt habe, ist etwas abgebrochen, und niemand weiß, ob es getan wurde. Soll ich es noch einmal tun?**`
        : `**Darf ich \`${tool}\` von \`${server}\` benutzen?**`,
    underWay: (doing) => `🔧 Ich benutze ${doing} …`,
    waiting: "⏳ Ich mache weiter, wenn meine Frage beantwortet ist.",
    stoppedIn: (doing) => `Angehalten, während ich ${doing} benutzt habe. Niemand weiß, ob das getan wurde.`,
    stoppedWaiting: "Angehalten, bevor meine Frage beantwortet war.",
    calls: (calls) => `🔧 ${counted(calls, "Werkzeug-Aufruf", "Werkzeug-Aufrufe")}`,
    noArguments: "Es hat keine Angaben.",
    longArguments: (characters) => `Die Angaben (${counted(characters, "Zeichen", "Zeichen")})`,
    claims: ({ claims }) =>
      `Das Werkzeug sagt von sich, dass es ${claims.isReadOnly ? "nur liest" : "etwas ändern oder löschen kann"}${claims.isConfined ? ". Seine Sandbox lässt es nichts außerhalb erreichen" : claims.isOpenWorld ? " und nach außen reichen kann" : " und nicht nach außen reicht"}.`,
    goTo: ({ isCloud, host }) =>
      `Diese Angaben ${isCloud ? `verlassen das Netz dieses Servers: Sie gehen an **${host}**` : `bleiben im Netz dieses Servers (${host})`}.`,
    decides: ({ deciders, asker, minutes, code, isEncrypted }) =>
      `${deciders === "asker" ? `\`${asker}\` oder ein Moderator entscheidet` : "Ein Moderator entscheidet"}, in höchstens ${inWords(minutes)}: \`!approve ${code}\` oder \`!refuse ${code}\` (\`ja ${code}\`, \`nein ${code}\`)${isEncrypted ? "" : ", oder reagiere mit ✅ oder ❌"}. Danach tue ich es nicht.`,
    forGood: ({ code }) => `Mit \`!approve ${code} always\` von einem Moderator darf ich es hier auch später.`,
    fileLost: "Eine Datei meines Werkzeugs konnte nicht gesendet werden.",
    timeIsOver: "Das habe ich nicht getan: Niemand hat rechtzeitig geantwortet.",
    stopped: "Das habe ich nicht getan: Meine Antwort wurde angehalten.",
    needsCode: (code) =>
      `Schreibe es bitte mit den Buchstaben meiner Frage: \`ja ${code}\` oder \`nein ${code}\`. In einem verschlüsselten Raum könnte ein Server mir ein bloßes Wort als Antwort auf eine andere Frage zeigen.`,
    unknownCode: (code) =>
      `Auf \`${code}\` wartet hier nichts: Es ist schon entschieden, die Zeit ist um, oder es schreibt sich anders.`,
    notYours: {
      asker: "Darüber kann nur entscheiden, wer mich gefragt hat, oder ein Moderator dieses Raums.",
      moderators: "Darüber kann nur ein Moderator dieses Raums entscheiden.",
    },
    notAlways:
      "Für alle späteren Aufrufe kann nur ein Moderator entscheiden, und nicht bei diesem. Ohne `always` kannst du vielleicht entscheiden.",
    takenInPause: (agent) =>
      `${agent} macht Pause, weil der Betreiber es so will. Dein Wort gilt; der Aufruf folgt, wenn die Pause vorbei ist.`,
    asking: {
      question: ({ tool, server, host, asker }) =>
        `**\`${tool}\` von \`${server}\` (${host}) fragt \`${asker}\` etwas.** Die Worte im Rahmen sind seine eigenen, und niemand hat sie geprüft:`,
      how: ({ asker, minutes, code, fields }) => {
        const answer = [
          `\`!answer ${code}\` stimmt zu`,
          `\`!answer ${code}\` und was du sagen willst`,
          `\`!answer ${code}\` und darunter für jedes Feld eine Zeile, wie \`name: wert\``,
        ][Math.min(fields, 2)];
        return `Antworten kann nur \`${asker}\`, in höchstens ${inWords(minutes)}: ${answer}; \`!refuse ${code}\` sagt nein.`;
      },
      goTo: ({ isCloud, host }) =>
        isCloud
          ? `Deine Antwort verlässt das Netz dieses Servers: Sie geht an **${host}**.`
          : `Deine Antwort bleibt im Netz dieses Servers (${host}).`,
      noSecrets: "Schreibe nie ein Passwort, einen Schlüssel oder eine Kartennummer: Es bliebe in diesem Raum stehen.",
      noPages: "Außerdem solltest du eine Webseite öffnen. Das habe ich abgelehnt.",
      field: fieldInWords,
      choices: "Angebote:",
      fallback: "wenn du nichts sagst:",
      fault: (fault, code) => {
        switch (fault.kind) {
          case "nothing_asked":
            return `Hier ist kein Feld auszufüllen. \`!answer ${code}\` allein stimmt zu.`;
          case "no_field":
            return `Ich weiß nicht, zu welchem Feld „${fault.words.replaceAll("`", "")}“ gehört. Beginne bitte jede Zeile mit dem Namen eines Felds: \`name: wert\`.`;
          case "twice":
            return `\`${fault.field.name}\` kommt zweimal vor. Antworte bitte noch einmal.`;
          case "missing":
            return `\`${fault.field.name}\` fehlt: ${fieldInWords(fault.field)}. Antworte bitte noch einmal.`;
          case "unfit":
            return `\`${fault.field.name}\` passt nicht, nötig ist: ${fieldInWords(fault.field)}. Antworte bitte noch einmal.`;
        }
      },
      needsAnswer: (code) =>
        `Das will eine Antwort: \`!answer ${code}\` und was du sagen willst, oder \`!refuse ${code}\`.`,
      needsDecision: (code) => `Das will ein Ja oder Nein: \`!approve ${code}\` oder \`!refuse ${code}\`.`,
      notYours: "Darauf kann nur antworten, wer mich gefragt hat.",
    },
    agreeing: ["ja", "einverstanden"],
    refusing: ["nein"],
  },
  unknownCommand: (name, call) => `\`!${name}\` kenne ich nicht. \`${call}!help\` zeigt meine Befehle.`,
  wrongForm: (usage, example) =>
    example === undefined
      ? `Schreibe bitte nur \`${usage}\`, ohne etwas dahinter.`
      : `Schreibe es bitte so: \`${usage}\`, zum Beispiel \`${example}\`.`,
  tooLong: (characters, longest) =>
    `Das ist zu lang: Es hat ${characters} Zeichen, und höchstens ${longest} sind möglich.`,
  onlyModerators: "Das können nur Moderatoren dieses Raums ändern.",
  saidInClear:
    "Dieser Raum ist verschlüsselt, und das war es nicht. Sage es bitte noch einmal mit einer App, die verschlüsselt.",
  tooManyWait: (agent) =>
    `Hier warten zu viele Fragen auf ${agent}, darum geht gerade keine weitere. Frage bitte später noch einmal.`,
  paused: (agent) =>
    `${agent} macht Pause, weil der Betreiber es so will, und antwortet gerade nicht. Was du schreibst, bleibt im Gedächtnis; 🔁 an einer Frage stellt sie später noch einmal.`,
  unread: {
    sticker: (agent) =>
      `${agent} mag Sticker, kann sie aber nicht sehen. Sage es bitte in Worten, oder schicke ein Bild.`,
    place: (agent) =>
      `${agent} kann keine Orte auf einer Karte ansehen. Schreibe bitte, wo das ist, und deine Frage dazu.`,
    poll: (agent) => `${agent} kann nicht abstimmen. Schreibe bitte die Frage und die Auswahl, und frage noch einmal.`,
    other: (agent) =>
      `${agent} kann diese Art von Nachricht nicht lesen. Schreibe sie bitte als Text, und frage noch einmal.`,
  },
  tooLongAgo:
    "Das wurde vor zu langer Zeit gefragt, um noch einmal beantwortet zu werden. Frage es bitte in einer neuen Nachricht.",
  noProvider: "Ich habe keinen Modellserver mehr.",
  noSuchModel: (provider, models) => `„${provider}“ hat kein solches Modell. Es gibt: ${models.join(", ")}.`,
  notYourModel: (model) => `Das Modell \`${model}\` gehört zu einem Agenten, den du nicht benutzen darfst.`,
  chosenModelNotYours: (agent, model, call) =>
    `${agent} kann dir nicht antworten: Dieser Raum hat das Modell \`${model}\` gewählt, das zu einem Agenten gehört, den du nicht benutzen darfst. \`${call}!model default\` bringt das eigene Modell zurück; reagiere dann hierauf mit 🔁.`,
  commandOff: (command) => `Der Admin dieses Servers hat \`!${command}\` abgeschaltet.`,
  onlyAdmins: (command) => `Das können mit \`!${command}\` auf diesem Server nur die Admins der Bridge.`,
  modelsUnknown: (provider) =>
    `„${provider}“ kann seine Modelle gerade nicht nennen. Versuche es bitte später noch einmal.`,
  tooMany: (agent, whose, minutes, isAsked) => {
    const who = {
      user: "Du hast das Limit für einen Tag erreicht.",
      room: "Dieser Raum hat das Limit für einen Tag erreicht.",
      server: "Die Leute deines Servers haben das Limit für einen Tag erreicht.",
      agent: `${agent} hat das Limit für einen Tag erreicht.`,
    }[whose];
    return `${who} Die nächste Frage geht in etwa ${inWords(minutes)}; ${isAsked ? "reagiere dann hierauf mit 🔁, um noch einmal zu fragen" : "frage bitte dann noch einmal"}.`;
  },
  commands: {
    help: {
      meaning: "zeigt diese Hilfe",
      before: (call) =>
        call === "" ? "Das kannst du mir sagen:" : `Das kannst du mir sagen, wie in \`${call}!status\`:`,
      titles: { everyday: "Für jeden Tag", settings: "Einstellungen dieses Raums", groups: "In Gruppen" },
      after: "In einer Gruppe ändern die Moderatoren die Einstellungen.",
    },
    list: {
      meaning: "zeigt die Agenten",
    },
    status: {
      meaning: "zeigt mein Modell und die Einstellungen hier",
      iAm: (agent, provider, model) => {
        if (provider === undefined) return `Ich bin ${agent} und habe kein Modell mehr.`;
        return `Ich bin ${agent}, betrieben von „${provider}“${model === undefined ? "" : ` mit dem Modell \`${model}\``}.`;
      },
      setHere: (title, value) => `${title}: ${value} (in diesem Raum eingestellt)`,
      restAsAdmin: (isAll, call) =>
        `${isAll ? "Alles ist" : "Alles andere ist"} so, wie der Admin es eingestellt hat. \`${call}!help\` zeigt die Einstellungen${isAll ? "" : `, und \`${call}!reset\` nimmt diese zurück`}.`,
      waiting: (questions) => `Fragen, die auf eine Antwort warten: ${questions}.`,
    },
    stop: {
      meaning: "beendet meine Antwort (wie 🛑)",
      nothing: "Hier gibt es keine Antwort, die du anhalten könntest.",
    },
    retry: {
      meaning: "beantwortet deine letzte Frage noch einmal (wie 🔁)",
      nothing: "Du hast mich hier nichts gefragt, das ich noch einmal beantworten könnte.",
      notDoneYet: "Mit deiner letzten Frage bin ich noch nicht fertig.",
    },
    forget: {
      meaning: "lässt mich alles vergessen, was hier gesagt wurde",
      forgotten: "Ich habe alles vergessen, was mir hier gesagt wurde, und alles, was ich im Kopf behalten habe.",
    },
    privacy: {
      meaning: "zeigt, wohin deine Nachrichten gehen; erlaubt es oder lehnt es ab",
      encrypted: "Dieser Raum ist verschlüsselt: Der Server kann nicht mitlesen, aber jeder Agent darin.",
      notEncrypted: "Dieser Raum ist nicht verschlüsselt: Die Server aller Mitglieder können mitlesen.",
      agentLocal: ({ agent, host }, isSure) =>
        isSure
          ? `${agent} läuft im eigenen Netz dieses Servers (${host}). Nichts, was zu ${agent} gesagt wird, verlässt dieses Netz.`
          : `${agent} läuft im eigenen Netz dieses Servers (${host}). Dieser Modellserver sagt nicht, ob er Nachrichten weitergibt; dafür steht der Admin ein.`,
      agentCloud: ({ agent, provider, host }, decision) =>
        `${agent} läuft anderswo: Nachrichten an ${agent} gehen an **${host}** („${provider}“). ${decision}`,
      decidedYes: (by, day) => `Dem hat ${by} am ${day} zugestimmt.`,
      decidedNo: (by, day) => `Das hat ${by} am ${day} abgelehnt, also geht nichts dorthin.`,
      policies: {
        deny: "Der Admin erlaubt das hier nicht, also geht nichts dorthin.",
        ask: "Dem hat noch niemand zugestimmt, also geht nichts dorthin.",
        allow: "Der Admin erlaubt das hier.",
      },
      sentNothing: "An kein Modell wurde etwas gesendet.",
      sent: ({ agent, host }, requests, size, isCloud) =>
        `${agent} → ${host}: ${counted(requests, "Anfrage", "Anfragen")}, ${size.replace(".", ",")}${isCloud ? ", außerhalb dieses Netzes" : ""}`,
      lastDays: (days) => (days === 1 ? "Am letzten Tag:" : `In den letzten ${days} Tagen:`),
    },
    approve: {
      meaning: "lässt mich ein Werkzeug benutzen, nach dem ich gefragt habe; von einem Moderator auch auf Dauer",
      takes: "CODE [always]",
    },
    answer: {
      meaning: "beantwortet, was ein Werkzeug dich fragt",
      takes: "CODE [ANTWORT]",
    },
    refuse: {
      meaning: "lehnt beides ab",
      takes: "CODE",
    },
    tools: {
      meaning:
        "zeigt die Werkzeuge, die ich hier benutzen darf; erklärt eines, erlaubt oder verbietet es, oder nimmt das zurück; meldet dich bei einem Server an oder ab",
      takes: "[allow | forbid | forget] [WERKZEUG]; sign-in SERVER [CODE oder ADRESSE]; sign-out SERVER",
      none: "Auf diesem Server gibt es keine Werkzeuge.",
      modelHasNone: (model) => `Mein Modell \`${model}\` kann keine Werkzeuge benutzen.`,
      list: "Meine Werkzeuge hier:",
      may: {
        call: "benutze ich, ohne zu fragen",
        asker: "frage ich dich oder einen Moderator jedes Mal",
        moderators: "frage ich die Moderatoren jedes Mal",
        not_here: "nicht für dich, in diesem Raum oder für mich",
        not_this_tool: "erlaubt der Admin nirgends",
        forbidden: "in diesem Raum verboten",
        cloud_model: "nicht für mein Modell: Es läuft anderswo, und was dieses Werkzeug sagt, muss hier bleiben",
        gate: "an seinen Server darf von hier nichts gehen",
      },
      allowedHere: "in diesem Raum erlaubt",
      allowedBefore:
        "war in diesem Raum erlaubt, hat sich aber seitdem geändert, oder der Raum ist inzwischen verschlüsselt",
      hidden: (tools) =>
        `${counted(tools, "weiteres Werkzeug ist", "weitere Werkzeuge sind")} hier nicht möglich; \`!tools NAME\` sagt, warum.`,
      aboutOne: (name, may, describes) => `\`${name}\`: ${may}.\n\nSein Server beschreibt es so: ${describes}`,
      noDescription: "gar nicht",
      unknown: (name) => `Ein Werkzeug \`${name}\` gibt es gerade nicht. Vielleicht ist sein Server nicht da.`,
      ambiguous: (names) => `Dieses Werkzeug haben mehrere Server: ${inCode(names)}.`,
      allowed: (name, call) =>
        `Von jetzt an benutze ich \`${name}\` hier, ohne zu fragen, solange es so bleibt, wie es ist. \`${call}!tools forget ${name}\` nimmt es zurück.`,
      cantAllow: (name, may) => `Das lässt sich hier nicht entscheiden: \`${name}\`: ${may}.`,
      forbade: (name, call) =>
        `Von jetzt an benutze ich \`${name}\` hier nicht. \`${call}!tools forget ${name}\` nimmt es zurück.`,
      forgot: (name) => `Zurückgenommen: Für \`${name}\` gilt wieder alles so, wie der Admin es eingestellt hat.`,
      away: "Meine Werkzeug-Server antworten gerade nicht. Versuche es bitte später noch einmal.",
      undecided: (name) => `Über \`${name}\` hat dieser Raum nichts entschieden.`,
      signIn: {
        link: (server, link, minutes, comesBack) =>
          [
            `Melde dich hier an, damit ich \`${server}\` für dich benutzen kann: <${link}>`,
            `Der Link ist nur für dich und gilt einmal, ${inWords(minutes)} lang.`,
            comesBack
              ? `Am Ende zeigt eine Seite einen Code. Schreibe mir hier: \`!tools sign-in ${server} CODE\``
              : `Am Ende kann dein Browser eine Adresse mit \`127.0.0.1\` nicht öffnen. Kopiere sie und schreibe mir hier: \`!tools sign-in ${server} ADRESSE\``,
          ].join("\n\n"),
        wantsMore: (server, scopes) =>
          `\`${server}\` will für deine Frage weitere Rechte von dir: ${scopes.map((scope) => `\`${scope}\``).join(", ")}. Wenn du sie nicht geben willst, tu nichts: Alles bleibt, wie es ist.`,
        onlyPrivately: (server) =>
          `Das Anmelden bleibt zwischen uns beiden. Schreibe mir bitte \`!tools sign-in ${server}\` in einem verschlüsselten Direktchat.`,
        done: (server) =>
          `Du bist bei \`${server}\` angemeldet. Ich benutze es nur für deine eigenen Fragen: Schreibe deine bitte noch einmal. \`!tools sign-out ${server}\` beendet das.`,
        wrongCode: "Das ist nicht der Code, den die Seite zeigt. Kopiere ihn bitte noch einmal.",
        ended: (server) => `Du bist bei \`${server}\` nicht mehr angemeldet.`,
        notSignedIn: (server) => `Du bist bei \`${server}\` nicht angemeldet.`,
        yes: (server) => `Du bist bei \`${server}\` angemeldet.`,
        no: (server) => `Du bist bei \`${server}\` nicht angemeldet: \`!tools sign-in ${server}\``,
        noServer: (servers) =>
          servers.length === 0
            ? "Es gibt keinen Server mit Werkzeugen, bei dem man sich anmeldet."
            : `Bei diesen Servern meldet man sich an: ${inCode(servers)}.`,
        notYours: (server) => `\`${server}\` hat der Admin dir nicht gegeben.`,
        slow: "Der Server braucht lange. `!tools` zeigt, ob du angemeldet bist; sonst versuche es bitte später noch einmal.",
        failed: {
          away: "Der Server ist gerade nicht zu erreichen. Versuche es bitte später noch einmal.",
          leads_elsewhere:
            "Der Server führt zu einer Adresse, die der Admin nicht genannt hat. Darum habe ich dort aufgehört. Mehr findet der Admin im Log.",
          unfit: "Der Server tut nicht, was zum Anmelden nötig ist. Mehr findet der Admin im Log.",
          needs_client: "Der Server kennt mich nicht. Der Admin muss mich dort eintragen.",
          denied:
            "Der Server sagt, dass du nicht eingelassen wurdest oder nicht zugestimmt hast. Nichts hat sich geändert.",
          refused: "Der Server nimmt nicht an, was dein Browser zurückgebracht hat. Fange bitte von vorn an.",
          other_issuer:
            "Was zurückkam, ist nicht von dem Server, bei dem du dich anmelden solltest. Ich habe nichts davon benutzt. Fange bitte mit einem neuen Link von vorn an.",
          unknown: "Dieser Link ist verbraucht, zu alt oder nicht deiner. Fange bitte von vorn an.",
          no_address: "Ich brauche den Code von der Seite, oder die ganze Adresse aus deinem Browser.",
        },
      },
    },
    prompt: {
      meaning: "stellt mir eine Vorlage eines Werkzeug-Servers; ohne Namen zeigt es die, die du benutzen darfst",
      takes: "[SERVER NAME [ANGABE=WERT …]]",
      list: "Vorlagen, die du hier benutzen darfst:",
      none: "Gerade gibt es hier keine Vorlagen, die du benutzen darfst.",
      more: (prompts) => `Und ${counted(prompts, "weitere", "weitere")}.`,
      noServer: (server, near) =>
        `Gerade gibt es hier keinen Server \`${server}\` mit Vorlagen, die du benutzen darfst${near === undefined ? "" : `; meinst du \`${near}\``}. \`!prompt\` zeigt sie.`,
      noPrompt: (server, name, near) =>
        `\`${server}\` hat keine Vorlage \`${name}\`${near === undefined ? "" : `; meinst du \`${near}\``}. \`!prompt ${server}\` zeigt seine Vorlagen.`,
      form: (form) => `Schreibe es bitte so: \`${form}\``,
      refused: (server, may) => `Die Vorlagen von \`${server}\` gehen hier nicht: ${may}.`,
      anew: "Sende das bitte als neue Nachricht: Nur so zählt es als Zustimmung, dass Worte an diesen Server gehen.",
      limited:
        "Für heute sind keine Aufrufe von Werkzeugen mehr möglich; eine Vorlage zählt als einer. Versuche es bitte später noch einmal.",
      failed: (server, name) =>
        `\`${server}\` hat seine Vorlage \`${name}\` nicht gegeben. Versuche es bitte später noch einmal, oder frage deinen Admin.`,
    },
    usage: {
      meaning: "zählt deine Fragen an mich, hier und anderswo",
      asked: (here, everywhere) =>
        [
          "Deine Fragen in den letzten 30 Tagen:",
          "",
          `- Hier, an mich: ${asked(here)}`,
          `- Überall, an alle Agenten: ${asked(everywhere)}`,
        ].join("\n"),
      left: (what, left, of) => {
        const one = { requests: "Frage", tokens: "Token", toolCalls: "Aufruf eines Werkzeugs" }[what];
        const many = { requests: "Fragen", tokens: "Tokens", toolCalls: "Aufrufen von Werkzeugen" }[what];
        return `Übrig von ${counted(of, one, many)} am Tag: ${left}`;
      },
    },
    reminders: {
      meaning: "zeigt, was ich hier zu einer Zeit tun soll; beendet es",
      none: "Hier gibt es keine Erinnerungen von mir. Bitte mich um eine, etwa „erinnere mich morgen um 8 daran, Ann anzurufen“.",
      listed: (id, task, owner, recurrence, zone) =>
        `${id}: ${task} (${when(recurrence)}, ${zone}; gewünscht von ${owner})`,
      ownerless: (id, task) => `${id}: ${task} (wartet: Wer darum gebeten hat, ist nicht mehr hier)`,
      more: (count) => `Und ${count} weitere.`,
      noSuch: (id) => `Eine Erinnerung ${id} gibt es nicht. \`!reminders\` zeigt alle.`,
      cancelled: (id) => `Die Erinnerung ${id} ist beendet.`,
      kept: (id) => `Die Erinnerung ${id} ist jetzt deine und geht weiter.`,
      due: (id, lateMinutes) =>
        [
          lateMinutes === undefined ? "" : `Als das fällig war, vor ${inWords(lateMinutes)}, lief ich nicht. `,
          `⏰ Erinnerung ${id}; \`!reminders cancel ${id}\` beendet sie.`,
        ].join(""),
      askForOwner: (id, task) =>
        `⏰ Die Erinnerung ${id} ist fällig („${task}“), aber wer darum gebeten hat, ist nicht mehr in diesem Raum. Soll sie weitergehen? \`!reminders keep ${id}\` übernimmt sie, \`!reminders cancel ${id}\` beendet sie. Sonst endet sie in einer Woche.`,
      limited: (id) => `⏰ Die Erinnerung ${id} fällt diesmal aus: Für heute sind genug Fragen gestellt.`,
    },
    reset: {
      meaning: "setzt alle Einstellungen dieses Raums zurück",
      done: "In diesem Raum gilt wieder alles so, wie der Admin es eingestellt hat.",
    },
    discuss: {
      meaning:
        "lässt mich mit anderen Agenten dieses Raums in einem Thread diskutieren, in 4 Beiträgen oder so vielen du sagst",
      takes: "[BEITRÄGE] AGENT [AGENT …] THEMA",
      notInDirectChats:
        "In einem direkten Chat gibt es keine anderen Agenten. Frage bitte in einem Raum mit mehreren Agenten.",
      noSuchAgent: (name, agents) =>
        agents.length === 0
          ? "In diesem Raum ist kein anderer Agent. Lade zuerst einen ein."
          : `In diesem Raum gibt es keinen Agenten „${name}“. Es gibt: ${agents.join(", ")}.`,
      notYourAgents: (agents) => `Du darfst ${LIST.format(agents)} nicht benutzen.`,
      discussing: (agents, turns, call) =>
        `${LIST.format(agents)} diskutieren das, ${counted(turns, "Beitrag", "Beiträge")} insgesamt. \`${call}!stop\` beendet es. Sagt ein Moderator nur \`!stop\`, endet es sofort.`,
    },
  },
  settings: {
    remember: {
      title: "Was ich im Kopf behalte",
      meaning: "etwas, das ich hier im Kopf behalte",
      takes: "TEXT",
    },
    model: {
      title: "Modell",
      meaning: "das Modell, das ich benutze",
      takes: "NAME",
    },
    system: {
      title: "Anweisung",
      meaning: "meine Anweisung",
      takes: "TEXT",
    },
    temperature: {
      title: "Temperatur",
      meaning: "wie frei ich spreche",
      takes: "0 bis 2",
      value: (value) => value.replace(".", ","),
    },
    stream: {
      title: "Antworten, während ich sie schreibe",
      meaning: "wie meine Antworten aussehen, während ich sie schreibe",
    },
    summaries: {
      title: "Zusammenfassungen älterer Nachrichten",
      meaning: "ob ich Nachrichten zusammenfasse, die zu alt sind, um bei jeder Frage wieder gelesen zu werden",
    },
    language: {
      title: "Sprache meiner Hinweise",
      meaning: "die Sprache meiner Hinweise",
      value: (value) => (value === "auto" ? "wie du schreibst" : (NAMES.of(value) ?? value)),
    },
    respond: {
      title: "In Gruppen antworte ich (mention: wenn ich erwähnt werde; thread: auch in meinen Threads; all: immer)",
      meaning: "wann ich in einer Gruppe antworte",
    },
    listen: {
      title: "Nachrichten, die ich von einer Gruppe behalte (agents: die an und von Agenten; on: alle)",
      meaning:
        "die Nachrichten, die ich von einer Gruppe behalte, außer denen an mich: die an und von anderen Agenten, alle, oder keine",
    },
    threads: {
      title: "Ein Thread für jede Frage in einer Gruppe",
      meaning: "ob ich jede Frage in einer Gruppe in einem eigenen Thread beantworte",
    },
    delegate: {
      title: "Andere Agenten um Hilfe bitten",
      meaning: "ob ich andere Agenten einer Gruppe sichtbar um Hilfe bitten darf",
    },
  },
  parameters: {
    turns: "wie viele Beiträge insgesamt; 4, wenn du nichts sagst",
    reminder: "„cancel“ oder „keep“ und die Nummer einer Erinnerung; ohne Angabe zeige ich alle",
    agents: "die anderen Agenten",
    topic: "das Thema",
    decision: "ob Nachrichten hinausdürfen; ohne Angabe zeige ich, wohin sie gehen",
    note: "der Text, den ich im Kopf behalte; „nothing“ nimmt ihn zurück",
    name: "der Name des Modells; „default“ nimmt es zurück",
    instruction: "meine Anweisung; „default“ nimmt sie zurück",
    number: "von 0 bis 2; „default“ nimmt es zurück",
    when: "wann ich antworte",
    what: "die Nachrichten, die ich behalte",
    whether: "ob ich das tue",
    how: "in einer Nachricht, die wächst, am Ende als neue, oder ganz",
    which: "die Sprache",
    code: "die vier Buchstaben meiner Frage",
    answer: "was du sagen willst; bei mehreren Feldern eine Zeile für jedes, wie „name: wert“",
    prompt: "der Server, der Name der Vorlage und ihre Angaben, wie „docs summary topic=keys“; ohne das zeige ich alle",
    lasting: "„always“: auch für spätere Aufrufe in diesem Raum",
    doing: "ob ich das Werkzeug benutzen darf; ohne Angabe erkläre ich es",
    tool: "der Name des Werkzeugs; ohne Angabe zeige ich alle",
  },
  setting: {
    done: "Erledigt.",
    shown: (title, value, isSetHere, usage) =>
      `${title}: ${value} (${isSetHere ? "in diesem Raum eingestellt" : "in diesem Raum nicht geändert"}). Ändern mit \`${usage}\`.`,
    none: "nicht festgelegt",
    nothing: "nichts",
    modelsOwn: "die des Modells",
  },
  joiningWords: ["und", "mit"],
  commonWords: wordSet(`
    der das ein eine einen einem und oder nicht ich wir ihr mir mich dir dich ist sind bist wer wie wann warum wieso
    kannst kann könntest hast habe hab haben gibt geht geht's bitte danke hallo nein guten abend tag auf für über
    mit noch nochmal einmal mehr weiter erzähl erzähle erklär erkläre schreib schreibe zeig zeige hilf heißt mal auch
    dann weil ohne kurz moin servus übersetze übersetz hilfe schön sehr gerne heute jetzt kein keine keinen etwas machst machen willst
    sollst möchte möchtest brauche brauch verstehe verstehst sage aber wenn dass schon doch von zum zur dem wo welche
    welcher welches funktioniert funktionierst hilfreich falsch richtig deutsch tschüss grüß`),
  ambiguousWords: wordSet(`
    der das ein dem ist mit von tag mal wo wer sage kurz gut auf`),
};

/** The place where an admin's rule forbids something. */
const WHERE: Readonly<Record<CloudRule, string>> = {
  room: "in diesem Raum",
  encrypted: "in verschlüsselten Räumen",
  others: "auf diesem Server",
};

function nowDeclined({ agent, host, call }: CloudPlace): string {
  return `Verstanden: Nichts geht an ${host}, und ${agent} antwortet hier nicht. \`${call}!privacy allow\` ändert das.`;
}

const LIST = new Intl.ListFormat("de");
const CHOICE = new Intl.ListFormat("de", { type: "disjunction" });

function inCode(commands: readonly string[]): string {
  return CHOICE.format(commands.map((command) => `\`${command}\``));
}

const WEEKDAYS = ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"];

function when(recurrence: Recurrence): string {
  const at = `um ${clockOf(recurrence)}`;
  switch (recurrence.kind) {
    case "once":
      return `am ${dateOf(recurrence.wall)} ${at}`;
    case "monthly":
      return `am ${recurrence.day}. jedes Monats ${at}`;
    case "weekly": {
      const days = recurrence.days.join("");
      if (days === "1234567") return `jeden Tag ${at}`;
      if (days === "12345") return `jeden Werktag ${at}`;
      return `jeden ${LIST.format(recurrence.days.map((day) => WEEKDAYS[day - 1] ?? ""))} ${at}`;
    }
  }
}

function fieldInWords({ kind, isRequired, least, most }: FieldWords): string {
  const kinds = {
    text: "ein Text",
    email: "eine E-Mail-Adresse",
    address: "eine Webadresse",
    date: "ein Datum wie 2027-01-31",
    time: "eine Zeit wie 2027-01-31T18:00:00Z",
    number: "eine Zahl wie 1.5",
    whole_number: "eine ganze Zahl",
    yes_no: "ja oder nein",
    choice: "eines der Angebote",
    choices: "einige der Angebote, mit Kommas dazwischen",
  };
  const isText = ["text", "email", "address", "date", "time"].includes(kind);
  const unit = isText ? " Zeichen" : kind === "choices" ? " davon" : "";
  const within =
    least === undefined && most === undefined
      ? ""
      : least === undefined
        ? `, höchstens ${most}${unit}`
        : most === undefined
          ? `, mindestens ${least}${unit}`
          : `, ${least} bis ${most}${unit}`;
  return `${kinds[kind]}${within}${isRequired ? "" : ", wenn du magst"}`;
}

function inWords(minutes: number): string {
  if (minutes < 90) return minutes <= 1 ? "einer Minute" : `${minutes} Minuten`;
  return `${Math.round(minutes / 60)} Stunden`;
}

function asked({ questions, tokens }: UsageWords): string {
  return `${counted(questions, "Frage", "Fragen")}, ${counted(tokens, "Token", "Tokens")}`;
}

const NAMES = new Intl.DisplayNames("de", { type: "language" });
