import { readCode } from "../turns/call-code.ts";
import { LONGEST_TEXT } from "./arguments.ts";
import type { Command, Reading } from "./command.ts";
import { TEXT } from "./menu-schema.ts";

/** An answer to the question of a code. */
interface Answer {
  readonly code: string;
  readonly words: string;
}

/** Shows that an answer was taken. */
const TAKEN = "✅";

/** Answers what a tool asks the person behind its call. */
export const answer: Command<Answer> = {
  name: "answer",
  group: "everyday",
  example: "BCDF Berlin",
  parameters: [
    { key: "code", schema: TEXT, optional: false },
    { key: "answer", schema: TEXT, optional: true },
  ],
  isBare: true,
  meaning: (words) => words.commands.answer.meaning,
  takes: (words) => words.commands.answer.takes,
  read: readAnswer,
  carryOut: async ({ toolDecisions, pauses, turnQueued }, asked, { code, words: said }) => {
    const { ghost, message, agentName, words } = asked;
    if (said.length > LONGEST_TEXT) return { words: words.tooLong(said.length, LONGEST_TEXT) };
    const [question] = await toolDecisions.waiting(ghost.userId, message.roomId, code);
    if (question === undefined) return { words: words.tools.unknownCode(code) };
    const verdict = await toolDecisions.answer(question, message, said);
    const { asking } = words.tools;
    switch (verdict.kind) {
      case "taken": {
        const waitsOn = pauses.of(ghost.userId) !== undefined;
        const report = waitsOn ? { words: words.tools.takenInPause(agentName) } : { reaction: TAKEN };
        return { ...report, ...verdict.outcome, after: turnQueued };
      }
      case "not_encrypted":
        return { words: words.saidInClear };
      case "not_asked":
        return { words: asking.notYours };
      case "needs_decision":
        return { words: asking.needsDecision(code) };
      case "wrong":
        return { words: asking.fault(verdict.fault, code) };
    }
  },
};

function readAnswer(rest: string): Reading<Answer> {
  const [, written = "", words = ""] = /^(\S+)([\s\S]*)$/.exec(rest.trim()) ?? [];
  const code = readCode(written);
  if (code === undefined) return { kind: "wrong" };
  return { kind: "right", argument: { code, words: words.trim() } };
}
