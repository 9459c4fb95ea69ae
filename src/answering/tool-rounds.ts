import type { ToolCall, ToolRound } from "../providers/tool-call.ts";
import type { TurnStep } from "../turns/turn-step.ts";

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
      rounds.at(-1)?.calls.push({ call, output: step.answer });
    }
  }
  return rounds;
}
