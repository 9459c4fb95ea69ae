import { counted } from "./counted.ts";
import type { PageWords } from "./words.ts";

/** The words of the page for whoever runs the bridge, in German. */
export const pageGerman: PageWords = {
  language: "Deutsch",
  name: "matrix-agents",
  skip: "Zum Inhalt",
  navigation: "Ansichten",
  signOut: "Abmelden",
  onlyLooks: "sieht nur zu",
  away: "Die Bridge antwortet nicht. Was hier steht, kann veraltet sein; es geht weiter, wenn sie wieder da ist.",
  justNow: "gerade eben",
  paging: {
    before: "Zurück",
    after: "Weiter",
    first: "Anfang",
    of: (number, pages) => `Seite ${number} von ${pages}`,
  },
  signIn: {
    title: "Anmelden",
    lead: "Du kommst durch einen Link herein, der einmal gilt, zehn Minuten lang.",
    code: "Der Code aus dem Link",
    enter: "Anmelden",
    how: "So bekommst du einen Link",
    byCommand: "Auf dem Rechner der Bridge:",
    byBot: "Oder schreib dem Bot der Bridge in einem verschlüsselten Direktchat, wenn du zu seinen Admins gehörst:",
    faults: {
      no_code:
        "Dieser Link gilt nicht: Er wurde schon benutzt, ist älter als zehn Minuten oder nicht vollständig. Hol dir einen neuen.",
      too_many: "Zu viele Versuche. Warte eine Minute und versuche es dann noch einmal.",
    },
  },
  nothingHere: { title: "Hier ist nichts", text: "Unter dieser Adresse gibt es keine Seite.", back: "Zu den Agenten" },
  refused: {
    title: "Das wurde nicht ausgeführt",
    foreign:
      "Das Formular kam nicht von dieser Seite, oder es ist zu alt. Geh zurück, lade die Seite neu, und wiederhole es.",
    only_looks: "Du darfst zusehen, aber nicht entscheiden.",
    malformed: "Das Formular ist nicht lesbar.",
  },
  failed: {
    databaseAway: {
      title: "Die Datenbank ist nicht erreichbar",
      text: "Die Agenten machen weiter, sobald sie wieder da ist; keine Nachricht geht verloren. Lade diese Seite gleich noch einmal.",
    },
    fault: { title: "Diese Seite ließ sich nicht anzeigen", text: "Der Grund steht im Log der Bridge." },
  },
  said: {
    confirmed: { text: "Bestätigt: Der Agent vertraut dieser Person jetzt.", isBad: false },
    rejected: { text: "Abgelehnt: Die Verifizierung ist beendet.", isBad: false },
    retried: { text: "Die Ereignisse werden noch einmal versucht.", isBad: false },
    dropped: { text: "Die Ereignisse wurden verworfen.", isBad: false },
    device_asked: { text: "Der Agent bekommt innerhalb einer Minute ein neues Gerät.", isBad: false },
    nothing_such: { text: "Nichts wurde geändert: Worüber du entschieden hast, gibt es nicht mehr.", isBad: true },
  },
  views: {
    agents: {
      title: "Agenten",
      lead: (all) =>
        `${counted(all, "Agent", "Agenten")}, jeder ein Matrix-Benutzer mit eigenem Gerät und eigenen Schlüsseln.`,
      none: "Es gibt keine Agenten. Trage welche unter agents in config.yaml ein, oder lass einen Anbieter seine Modelle finden.",
      conditions: {
        well: "bereit",
        working: "antwortet",
        waiting: "Fragen warten",
        failing: "Antworten scheitern",
        halted: "Gerät gelöscht",
        unmade: "noch nicht angelegt",
      },
      localities: { local: "dein Netz", cloud: "Cloud" },
      keyStates: {
        none: "noch keine",
        unsigned: "nicht signiert",
        signed: "signiert",
        complete: "signiert, gesichert",
        behind: "signiert, Sicherung im Rückstand",
      },
      labels: {
        model: "Modell",
        demo: "die Demo",
        place: "Läuft bei",
        device: "Gerät",
        noDevice: "noch keines",
        keys: "Schlüssel",
        lastAnswer: "Letzte Antwort",
        never: "noch keine",
        open: "Offene Fragen",
        failed: "Gescheitert in 24 Stunden",
      },
      newDevice: {
        label: "Neues Gerät",
        consequence:
          "Der Agent legt ein anderes Gerät an, das seine Identität signiert, und löscht das jetzige. Niemand muss ihn neu verifizieren.",
      },
      seeChecks: "Was zu tun ist",
    },
    work: {
      title: "In Arbeit",
      lead: (all, shown) =>
        all > shown
          ? `${counted(all, "Frage", "Fragen")} noch ohne Antwort; die ältesten ${shown} stehen hier.`
          : `${counted(all, "Frage", "Fragen")} noch ohne Antwort. Worte stehen hier nie.`,
      none: "Keine Frage wartet auf eine Antwort.",
      heads: { since: "Gefragt", agent: "Agent", room: "Raum", asker: "Von", state: "Stand", step: "Schritt" },
      states: {
        queued: "wartet, bis sie dran ist",
        running: "in Arbeit",
        waiting: "wartet auf Menschen",
        sending: "wird gesendet",
      },
      stepOf: (number, askedOf, state) => `${number}: ${askedOf}, ${state}`,
      attempts: (number) => `Versuch ${number}`,
    },
    verifications: {
      title: "Verifizierungen",
      lead: "Wer sicher sein will, dass ein Agent dir gehört, vergleicht seinen Bildschirm mit dem, was du hier siehst.",
      none: "Keine Verifizierung wartet auf dich. Wenn jemand einen Agenten verifiziert, erscheint sie hier.",
      others:
        "Hier wartet nichts auf dich: encryption.verification in config.yaml ist nicht operator, also antworten die Agenten selbst.",
      verifies: "verifiziert",
      compare:
        "Frage diese Person auf einem Weg, dem du traust, ob ihr Bildschirm dasselbe in derselben Reihenfolge zeigt.",
      scanned: "Eine App hat den Code gescannt. Frage diese Person, ob es ihre war und ob sie ein Häkchen zeigt.",
      scan: "Diese Person kann den Code von deinem Bildschirm scannen oder Emoji vergleichen, die dann hier erscheinen.",
      codeOf: "Der Code zum Scannen",
      confirm: { emoji: "Sie stimmen überein", scanned: "Es war ihre" },
      reject: "Sie unterscheiden sich",
      consequence: "Die Verifizierung endet, und diese Person sieht, dass sie gescheitert ist.",
    },
    rooms: {
      title: "Räume",
      lead: (days) =>
        `Wohin die Worte jedes Raumes gehen: zu den Agenten darin und zu deren Modellen. Gestrichelte Linien verlassen dein Netz. Die Größen sind von den letzten ${days} Tagen.`,
      none: "Noch ist kein Agent in einem Raum. Lade einen mit seinem Namen ein, oder öffne einen Direktchat mit ihm.",
      encrypted: "verschlüsselt",
      clear: "nicht verschlüsselt",
      flow: "Wohin die Worte gehen",
      unknownPlace: "gerade nicht bekannt",
      policy: "Außerhalb deines Netzes",
      policies: { deny: "nie", ask: "nur mit Zustimmung", allow: "erlaubt" },
      sent: "An",
      nothingSent: "Nichts ging an ein Modell.",
      requests: (number) => `${number} Anfragen`,
      agreed: "zugestimmt",
      declined: "abgelehnt",
      countsNoMore: "Das gilt nicht mehr: Der Raum ist jetzt verschlüsselt.",
    },
    usage: {
      title: "Nutzung",
      lead: (days) => `Fragen der letzten ${days} Tage. Tokens, soweit die Modell-Server sie gezählt haben.`,
      none: "In dieser Zeit hat niemand etwas gefragt.",
      perDay: "Fragen je Tag",
      kinds: { agent: "Agent", user: "Person", room: "Raum" },
      heads: { questions: "Fragen", tokens: "Tokens" },
    },
    mail: {
      title: "Beiseitegelegt",
      lead: "Ereignisse, mit denen Agenten nichts anfangen konnten: gefälscht, unlesbar oder ohne Schlüssel. Sie bleiben, bis du entscheidest oder bis sie zu alt sind.",
      none: "Nichts liegt beiseite, und kein Ereignis wartet auf seinen Schlüssel.",
      counts: {
        ready: "Zu bearbeiten",
        awaitingKey: "Warten auf einen Schlüssel",
        setAside: "Beiseitegelegt",
        malformed: "Teile, die keine Ereignisse waren",
      },
      heads: { since: "Empfangen", agent: "Agent", room: "Raum", event: "Ereignis", state: "Stand" },
      states: { awaiting_key: "wartet auf seinen Schlüssel", set_aside: "beiseitegelegt" },
      retry: "Noch einmal versuchen",
      drop: "Verwerfen",
      dropConsequence: "Der Agent bearbeitet dieses Ereignis nie.",
      retryAll: "Alle beiseitegelegten noch einmal versuchen",
      dropAll: "Alle beiseitegelegten verwerfen",
      dropAllConsequence: "Agenten bearbeiten diese Ereignisse nie. Die auf einen Schlüssel warten, bleiben.",
      more: (shown, all) => `Die ältesten ${shown} von ${all} stehen hier.`,
    },
    audit: {
      title: "Prüfprotokoll",
      lead: "Was für die Sicherheit zählt, das Neueste zuerst. Der Hash jeder Zeile umfasst die Zeile davor.",
      none: "Keine Zeile enthält das.",
      search: "Ein Benutzer, ein Agent, ein Raum, oder eine Art wie keys.exported",
      find: "Suchen",
      verify: "Alles prüfen",
      older: "Älteres",
      heads: { number: "Zeile", at: "Wann", kind: "Was", details: "Einzelheiten" },
      whole: (rows) =>
        `Jede der ${rows} Zeilen ist so, wie sie geschrieben wurde, und keine fehlt dazwischen. Bewahre dieses Ende woanders auf:`,
      changed: (row) =>
        `Das Protokoll ist nicht so, wie es geschrieben wurde: Zeile ${row} wurde geändert, entfernt oder hinzugefügt. Ab dort ist nichts bewiesen.`,
    },
    checks: {
      title: "Untersuchung",
      lead: (ill) =>
        ill === 0
          ? "Alles, was matrix-agents doctor ansieht, ist in Ordnung."
          : `${counted(ill, "Punkt ist", "Punkte sind")} nicht in Ordnung; der Pfeil sagt, was zu tun ist.`,
      states: { good: "in Ordnung", bad: "siehe unten", unknown: "nicht bekannt" },
    },
    system: {
      title: "System",
      lead: "Versionen, Größen und Alter.",
      labels: {
        version: "matrix-agents",
        node: "Node.js",
        database: "Datenbank",
        processes: "Prozesse",
        backup: "Letzte Sicherung",
        retention: "Agenten erinnern sich",
        memory: "Speicher dieses Prozesses",
        uptime: "Gestartet",
      },
      databases: { postgres: "PostgreSQL", embedded: "eingebettetes PostgreSQL", served: "eingebettetes PostgreSQL" },
      never: "nie mit matrix-agents backup",
      byRooms: "so lange, wie jeder Raum es sagt",
      days: (days) => counted(days, "Tag", "Tage"),
      tables: "Größte Tabellen",
      heads: { name: "Tabelle", size: "Größe" },
    },
  },
};
