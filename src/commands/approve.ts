import type { ToolWord } from "../answering/tool-decisions.ts";
import { readCode } from "../turns/call-code.ts";
import { plainWords } from "./arguments.ts";
import type { Asked, Command, CommandOutcome, CommandServices, Reading } from "./command.ts";
import { literals, TEXT } from "./menu-schema.ts";

/** A word about the call of a code. */
interface WordAbout {
  readonly code: string;
  readonly word: ToolWord;
}

/** Shows that a word was taken, where that says enough. */
const TAKEN: Readonly<Record<ToolWord, string>> = { approve: "✅", always: "✅", refuse: "❌" };

/** Lets an agent make a call about which it has asked. */
export const approve: Command<WordAbout> = {
  name: "approve",
  group: "everyday",
  example: "BCDF",
  parameters: [
    { key: "code", schema: TEXT, optional: false },
    { key: "lasting", schema: literals(["always"]), optional: true },
  ],
  isBare: true,
  meaning: (words) => words.commands.approve.meaning,
  takes: (words) => words.commands.approve.takes,
  read: (rest) => {
    const [code = "", always, ...more] = plainWords(rest).split(/\s+/);
    if (more.length > 0 || (always !== undefined && always !== "always")) return { kind: "wrong" };
    return wordAbout(code, always === undefined ? "approve" : "always");
  },
  isForModerators: ({ word }) => word === "always",
  carryOut: decide,
};

/** Refuses such a call. */
export const refuse: Command<WordAbout> = {
  name: "refuse",
  group: "everyday",
  example: "BCDF",
  parameters: [{ key: "code", schema: TEXT, optional: false }],
  isBare: true,
  meaning: (words) => words.commands.refuse.meaning,
  takes: (words) => words.commands.refuse.takes,
  read: (rest) => wordAbout(plainWords(rest), "refuse"),
  carryOut: decide,
};

function wordAbout(written: string, word: ToolWord): Reading<WordAbout> {
  const code = readCode(written);
  return code === undefined ? { kind: "wrong" } : { kind: "right", argument: { code, word } };
}

async function decide(
  { toolDecisions, pauses, turnQueued }: CommandServices,
  { ghost, message, agentName, words }: Asked,
  { code, word }: WordAbout,
): Promise<CommandOutcome> {
  const [question] = await toolDecisions.waiting(ghost.userId, message.roomId, code);
  if (question === undefined) return { words: words.tools.unknownCode(code) };
  const verdict = await toolDecisions.decide(ghost, question, message, word);
  switch (verdict.kind) {
    case "taken": {
      const waitsOn = word !== "refuse" && pauses.of(ghost.userId) !== undefined;
      const report = waitsOn ? { words: words.tools.takenInPause(agentName) } : { reaction: TAKEN[word] };
      return { ...report, ...verdict.outcome, after: turnQueued };
    }
    case "not_encrypted":
      return { words: words.saidInClear };
    case "not_yours":
      return { words: words.tools.notYours[verdict.deciders] };
    case "not_always":
      return { words: words.tools.notAlways };
    case "not_asked":
      return { words: words.tools.asking.notYours };
    case "needs_answer":
      return { words: words.tools.asking.needsAnswer(code) };
  }
}
