import type { FieldWords, FormFaultWords, InputQuestionWords, ToolQuestionWords } from "../../src/language/phrases.ts";
import type { SettingWord, Words } from "../../src/language/words.ts";

type Say = (...parts: never[]) => string | undefined;

/** Whether there is a phrase with parts to fill in, at whatever depth. */
type IsFilledIn<T> = T extends string | ReadonlySet<string>
  ? false
  : T extends Say
    ? true
    : true extends { [K in keyof T]: IsFilledIn<T[K]> }[keyof T]
      ? true
      : false;

/** The parts to fill in: for a phrase a list of its parts, for phrases that all take the same parts one list. */
type PartsOf<T> = T extends Say
  ? readonly Parameters<T>[]
  : T[keyof T] extends Say
    ? readonly Parameters<T[keyof T]>[]
    : { readonly [K in keyof T as IsFilledIn<T[K]> extends true ? K : never]: PartsOf<T[K]> };

const AGENT: [agent: string][] = [["Llama"]];
const PLACE = { agent: "Llama", provider: "openrouter", host: "openrouter.ai", call: "" };
const PLACES = [[PLACE], [{ ...PLACE, call: "@llama " }]] satisfies [typeof PLACE][];
const ASKED = PLACES.flatMap(([place]) => [
  [place, true] as [typeof PLACE, boolean],
  [place, false] as [typeof PLACE, boolean],
]);
const RULES = PLACES.flatMap(([place]) =>
  (["room", "encrypted", "others"] as const).map((where): [typeof PLACE, typeof where] => [place, where]),
);
const BOB = "@bob:example.org";
const USED = { questions: 12, tokens: 3_456 };

const TOOL_QUESTION: ToolQuestionWords = {
  tool: "write",
  server: "files",
  host: "tools.files",
  isCloud: false,
  claims: { isReadOnly: false, isOpenWorld: false, isConfined: false },
  isAgain: false,
  deciders: "asker",
  asker: BOB,
  canGrant: true,
  code: "BCDF",
  minutes: 60,
  isEncrypted: true,
};
const TOOL_QUESTIONS: [ToolQuestionWords][] = [
  [TOOL_QUESTION],
  [{ ...TOOL_QUESTION, isAgain: true, canGrant: false, isEncrypted: false, minutes: 1 }],
  [
    {
      ...TOOL_QUESTION,
      isCloud: true,
      claims: { isReadOnly: true, isOpenWorld: true, isConfined: false },
      deciders: "moderators",
      minutes: 600,
    },
  ],
];

const INPUT_QUESTION: InputQuestionWords = {
  tool: "book",
  server: "travel",
  host: "tools.travel",
  isCloud: false,
  asker: "@alice:example.org",
  code: "BCDF",
  minutes: 60,
  fields: 1,
  hasPages: false,
};
const INPUT_QUESTIONS: [InputQuestionWords][] = [
  [INPUT_QUESTION],
  [{ ...INPUT_QUESTION, fields: 0, isCloud: true, hasPages: true }],
  [{ ...INPUT_QUESTION, fields: 3, minutes: 1 }],
];

const FIELD: FieldWords = { name: "city", kind: "text", isRequired: true };
const FIELDS: [FieldWords][] = [
  ...(
    ["text", "email", "address", "date", "time", "number", "whole_number", "yes_no", "choice", "choices"] as const
  ).map((kind): [FieldWords] => [{ ...FIELD, kind }]),
  [{ ...FIELD, isRequired: false, least: 1 }],
  [{ ...FIELD, most: 5 }],
  [{ ...FIELD, kind: "choices", least: 1, most: 5 }],
];

/** The settings whose values are shown in other words than they are stored in. */
interface Settings {
  readonly settings: Readonly<Partial<Record<SettingWord, { readonly value: readonly [value: string][] }>>>;
}

/** Parts for each phrase, such as rooms really have. */
const PARTS: PartsOf<Omit<Words, "settings">> & Settings = {
  failures: [
    [{ agent: "Llama", model: "llama3.2:3b", provider: "local", call: "" }],
    [{ agent: "Llama", model: "llama3.2:3b", provider: "local", call: "@llama " }],
  ],
  missingKey: AGENT,
  distrust: [
    ["Llama", undefined],
    ["Llama", BOB],
  ],
  silenced: [["Llama", BOB]],
  unsignedAgent: AGENT,
  unseenVerification: AGENT,
  beforeWelcome: AGENT,
  ended: [["local"]],
  fallback: [["Llama", "qwen2.5:7b"]],
  welcomeCloud: RULES,
  consent: {
    ask: ASKED,
    pending: ASKED,
    declined: PLACES,
    denied: RULES,
    allowed: PLACES,
    nowDeclined: PLACES,
    revoked: PLACES,
    unneeded: AGENT,
    which: [[["`@llama !cloud yes`", "`@qwen !cloud yes`"]]],
  },
  welcome: ["", "@llama "].flatMap((call) => [
    [{ agent: "Llama", call, isDemo: false }] as [{ agent: string; call: string; isDemo: boolean }],
    [{ agent: "Demo", call, isDemo: true }] as [{ agent: string; call: string; isDemo: boolean }],
  ]),
  roomTooLarge: [["Llama", 200]],
  bot: { welcome: [[""], ["@agents "]] },
  web: { link: [["LINK", 10]] },
  pull: {
    which: [[["local", "other"]]],
    progress: [
      ["llama3.2:3b", "local", 42],
      ["llama3.2:3b", "local", undefined],
    ],
    done: [["llama3.2:3b", "local"]],
    failed: [["llama3.2:3b", "local", "no such model"]],
  },
  tools: {
    question: TOOL_QUESTIONS,
    longArguments: [[1_200]],
    underWay: [["files: search files"]],
    stoppedIn: [["files: search files"]],
    calls: [[1], [7]],
    claims: TOOL_QUESTIONS,
    goTo: TOOL_QUESTIONS,
    decides: TOOL_QUESTIONS,
    forGood: TOOL_QUESTIONS,
    needsCode: [["BCDF"]],
    unknownCode: [["BCDF"]],
    takenInPause: [["Llama"]],
    asking: {
      question: INPUT_QUESTIONS,
      how: INPUT_QUESTIONS,
      goTo: INPUT_QUESTIONS,
      field: FIELDS,
      fault: [
        [{ kind: "nothing_asked" }, "BCDF"],
        [{ kind: "no_field", words: "somewhere" }, "BCDF"],
        ...(["twice", "missing", "unfit"] as const).map((kind): [FormFaultWords, string] => [
          { kind, field: FIELD },
          "BCDF",
        ]),
      ],
      needsAnswer: [["BCDF"]],
      needsDecision: [["BCDF"]],
    },
  },
  unknownCommand: [
    ["hepl", ""],
    ["hepl", "@llama "],
  ],
  wrongForm: [
    ["!temperature [number]", "!temperature 0.5"],
    ["!status", undefined],
  ],
  tooLong: [[5_000, 4_000]],
  unread: AGENT,
  tooManyWait: AGENT,
  paused: AGENT,
  noSuchModel: [["local", ["llama3.2:3b", "qwen2.5:7b"]]],
  notYourModel: [["llama3.2:3b"]],
  chosenModelNotYours: [["Llama", "llama3.2:3b", "@llama "]],
  commandOff: [["!model"]],
  onlyAdmins: [["!pull"]],
  modelsUnknown: [["local"]],
  tooMany: (["user", "room", "server", "agent"] as const).flatMap((whose) => [
    ["Llama", whose, 90, true] as [string, typeof whose, number, boolean],
    ["Llama", whose, 1, false] as [string, typeof whose, number, boolean],
  ]),
  commands: {
    help: { before: [[""], ["@llama "]] },
    status: {
      iAm: [
        ["Llama", "local", "llama3.2:3b"],
        ["Demo", "demo", undefined],
        ["Demo", undefined, undefined],
      ],
      setHere: [["the language", "German"]],
      restAsAdmin: [
        [true, ""],
        [false, "@llama "],
      ],
      waiting: [[0], [1], [7]],
    },
    privacy: {
      agentLocal: [
        [PLACE, true],
        [PLACE, false],
      ],
      agentCloud: [[PLACE, "Bob agreed."]],
      decidedYes: [[BOB, "2026-11-29"]],
      decidedNo: [[BOB, "2026-11-29"]],
      sent: [
        [PLACE, 1, "1.2 MB", true],
        [PLACE, 12, "1.2 MB", false],
      ],
      lastDays: [[1], [30]],
    },
    tools: {
      modelHasNone: [["llama3.2:3b"]],
      hidden: [[1], [7]],
      aboutOne: [["files/write", "I use it without asking", "“Writes a file.”"]],
      unknown: [["write"]],
      ambiguous: [[["files/read", "other/read"]]],
      allowed: [
        ["files/write", ""],
        ["files/write", "@llama "],
      ],
      cantAllow: [["files/write", "the admin allows it nowhere"]],
      forbade: [["files/write", "@llama "]],
      forgot: [["files/write"]],
      undecided: [["files/write"]],
      signIn: {
        link: [
          ["tickets", "hs/auth", 15, true],
          ["tickets", "hs/auth", 15, false],
        ],
        wantsMore: [["tickets", ["files:read", "files:write"]]],
        onlyPrivately: [["tickets"]],
        done: [["tickets"]],
        ended: [["tickets"]],
        notSignedIn: [["tickets"]],
        yes: [["tickets"]],
        no: [["tickets"]],
        noServer: [[[]], [["tickets", "wiki"]]],
        notYours: [["tickets"]],
      },
    },
    prompt: {
      more: [[1], [20]],
      noServer: [
        ["dosc", "docs"],
        ["dosc", undefined],
      ],
      noPrompt: [
        ["docs", "sumary", "summary"],
        ["docs", "sumary", undefined],
      ],
      form: [["!prompt docs summary topic=…"]],
      refused: [["docs", "the admin allows it nowhere"]],
      failed: [["docs", "summary"]],
    },
    usage: {
      asked: [[USED, USED]],
      left: [
        ["requests", 3, 20],
        ["tokens", 0, 1],
        ["toolCalls", 1, 7],
      ],
    },
    reminders: {
      listed: [
        [3, "Call Ann", BOB, { kind: "weekly", days: [1, 2, 3, 4, 5], minute: 540 }, "Europe/Berlin"],
        [4, "Call Ann", BOB, { kind: "weekly", days: [1, 4], minute: 9 }, "UTC"],
        [5, "Call Ann", BOB, { kind: "monthly", day: 31, minute: 540 }, "UTC"],
        [6, "Call Ann", BOB, { kind: "once", wall: 1_800_000_000_000 }, "UTC"],
      ],
      ownerless: [[3, "Call Ann"]],
      more: [[1], [12]],
      noSuch: [[3]],
      cancelled: [[3]],
      kept: [[3]],
      due: [
        [3, undefined],
        [3, 720],
      ],
      askForOwner: [[3, "Call Ann"]],
      limited: [[3]],
    },
    discuss: {
      noSuchAgent: [
        ["lama", ["Llama", "Qwen"]],
        ["lama", []],
      ],
      discussing: [
        [["Llama", "Qwen"], 6, ""],
        [["Llama", "Qwen"], 1, "@llama "],
      ],
      notYourAgents: [[["Llama", "Qwen"]]],
    },
  },
  settings: { language: { value: [["de"], ["auto"]] }, temperature: { value: [["0.5"]] } },
  setting: {
    shown: [
      ["the language", "German", true, "!language en"],
      ["the language", "German", false, "!language en"],
    ],
  },
};

/** A phrase: its place in {@link Words}, and its words. */
export interface Phrase {
  readonly path: string;
  readonly text: string;
}

/** All phrases of a language, with parts filled in where they have any. */
export function phrasesOf(words: Words): Phrase[] {
  return phrasesIn(words, PARTS, "");
}

function phrasesIn(value: unknown, parts: unknown, path: string): Phrase[] {
  if (typeof value === "string") return [{ path, text: value }];
  if (typeof value === "function") {
    const say = value as (...parts: unknown[]) => string | undefined;
    return (parts as unknown[][]).flatMap((filledIn, index) => {
      const text = say(...filledIn);
      return text === undefined ? [] : [{ path: `${path}.${index}`, text }];
    });
  }
  return Object.entries(value as object).flatMap(([name, part]) =>
    phrasesIn(
      part,
      Array.isArray(parts) ? parts : (parts as Record<string, unknown> | undefined)?.[name],
      `${path}.${name}`,
    ),
  );
}
