import type { TurnStep } from "../turns/turn-step.ts";
import { notDone, said } from "./own/own-tool.ts";
import { readTools } from "./tool-definition.ts";
import { LONGEST_RESULT, wholeOf, type ToolResult } from "./tool-result.ts";
import type { ServedTool } from "./tool-source.ts";

const { tools } = readTools([
  {
    name: "read_more",
    description:
      "Reads on in a result that was too long to be shown whole. The result says which `of` and `from` to give.",
    inputSchema: {
      type: "object",
      properties: {
        of: { type: "integer", description: "The number of the result." },
        from: { type: "integer", description: "The character to begin with." },
      },
      required: ["of", "from"],
      additionalProperties: false,
    },
    annotations: { readOnlyHint: true, openWorldHint: false },
  },
]);
const [known] = tools;
if (known === undefined) throw new Error("read_more is no tool");

/** The tool for the rest of a long result of the same turn. No configured server is called like its own. */
export const READ_MORE: ServedTool = {
  server: "",
  host: "tools.read_more",
  rules: {
    // What the model reads on in was for it.
    locality: "local",
    cloudModels: true,
    approval: "never",
    tools: new Map(),
    approvers: "asker",
    approverUsers: [],
  },
  known,
};

/** Whether any result of a turn has a rest. */
export function hasMore(steps: readonly TurnStep[]): boolean {
  return steps.some((step) => step.state === "done" && step.answer.rest !== undefined);
}

/** A part of an earlier result of the turn. */
export function readMore(given: Readonly<Record<string, unknown>>, steps: readonly TurnStep[]): ToolResult {
  const { of, from } = given;
  const step = steps.find(({ number }) => number === of);
  if (step?.state !== "done" || step.answer.rest === undefined)
    return notDone("there is no long result of that number.");
  const whole = wholeOf(step.answer);
  if (typeof from !== "number" || !Number.isInteger(from) || from < 0 || from >= whole.length)
    return notDone(`the result has the characters 0 to ${whole.length - 1}.`);
  const end = Math.min(whole.length, from + LONGEST_RESULT);
  return said(
    whole.slice(from, end).toWellFormed() + (end < whole.length ? moreNote(step.number, end, whole.length) : ""),
  );
}

/** Stands where a result was cut. */
export function moreNote(of: number, from: number, length: number): string {
  return `\n[… cut here, at ${from} of ${length} characters. read_more with of ${of} and from ${from} gives what follows.]`;
}
