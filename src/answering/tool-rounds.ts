import type { ToolCall, ToolRound } from "../providers/tool-call.ts";
import { moreNote } from "../tools/read-more.ts";
import type { CallResult, TurnStep } from "../turns/turn-step.ts";

/** The calls of a turn's steps so far and their results, as a model's server is told of them. */
export function roundsOf(steps: readonly TurnStep[]): readonly ToolRound[] {
  const rounds: { text: string; kept?: string; calls: ToolRound["calls"][number][] }[] = [];
  for (const step of steps) {
    if (step.state === "called") {
      const { text, kept } = step.answer;
      rounds.push({ text, calls: [], ...(kept === undefined ? {} : { kept }) });
    } else if (step.askedOf === "tool" && "answer" in step) {
      const { id, name, arguments: given, kept } = step.call;
      const call: ToolCall = { kind: "good", id, name, arguments: given, ...(kept === undefined ? {} : { kept }) };
      const { text, rest, isError } = step.answer;
      const more = rest === undefined ? "" : moreNote(step.number, text.length, text.length + rest.length);
      rounds.at(-1)?.calls.push({ call, output: { text: text + more + filesNote(step.answer), isError } });
    }
  }
  return rounds;
}

/** Tells the model which files of a result people get: it does not see them itself. */
function filesNote({ files = [], unsent = 0 }: CallResult): string {
  const sent =
    files.length === 0
      ? ""
      : `\n[Sent to the room with your answer: ${files.map(({ kind }, at) => `${kind} ${at + 1}`).join(", ")}. You can't see inside.]`;
  return unsent === 0 ? sent : `${sent}\n[Not sent, because there are too many: ${unsent} more.]`;
}

/** The limit that held back the last calls of a turn; undefined where none did. */
export function limitReached(steps: readonly TurnStep[]): "turn" | "day" | undefined {
  const last = steps.findLast((step) => step.askedOf === "tool" && "answer" in step);
  return last?.askedOf === "tool" && "answer" in last ? last.answer.limit : undefined;
}
