import { setImmediate } from "node:timers/promises";

import { type ChatChunk, type ChatMessage, type ChatRequest, type Provider, ProviderError } from "./provider.ts";

/** The demo's only model. */
export const DEMO_MODEL = "demo";

const MAX_COUNT = 1000;
const MAX_QUOTE_CHARS = 200;

/**
 * A provider for trials and tests: no model, no network, the same answer to the same conversation. It says that it is a
 * demo, and its answer shows its input: the speaker, the message, and the messages before. It also counts (`count to
 * 30`), computes (`7 * 6`), and knows the previous message (`what did I say before?`).
 */
export function createDemoProvider(name: string): Provider {
  return {
    name,
    host: "this bridge",
    locality: "local",
    async *chat(request: ChatRequest): AsyncGenerator<ChatChunk> {
      if (request.model !== DEMO_MODEL) throw new ProviderError("model_missing", "the demo has one model, `demo`");
      for (const text of answer(request.messages).match(/\s*\S+\s*/g) ?? []) {
        await nextTick(request.signal);
        yield { kind: "text", text };
      }
      yield { kind: "done", reason: "stop" };
    },
    facts: () => Promise.resolve({ sees: false, tools: false }),
    models: () => Promise.resolve([{ name: DEMO_MODEL, canChat: true }]),
  };
}

async function nextTick(signal: AbortSignal): Promise<void> {
  try {
    await setImmediate(undefined, { signal });
  } catch (error) {
    throw new ProviderError("cancelled", "cancelled by the caller", { cause: error });
  }
}

function answer(messages: readonly ChatMessage[]): string {
  const said = splitSpeakers(messages);
  const last = said.at(-1);
  if (last === undefined) return "I am a **demo agent**, not an AI model, and nothing was said to me yet.";

  const mine = said.filter(({ speaker }) => speaker === last.speaker);
  const greeting = last.speaker === undefined ? "Hello!" : `Hello ${last.speaker}!`;
  const words = last.text.match(/\S+/g)?.length ?? 0;
  const spoken = messages.filter(({ role }) => role !== "system").length;
  return [
    `${greeting} I am a **demo agent**, not an AI model: I can only tell you about what you said.`,
    `> ${quote(last.text)}`,
    [
      `- ${plural(words, "word")}`,
      `- this is your ${ordinal(mine.length)} message to me in this conversation, of which I was given ${plural(spoken, "message")}`,
    ].join("\n"),
    ...react(last.text, mine.at(-2)?.text),
  ].join("\n\n");
}

interface Utterance {
  readonly speaker: string | undefined;
  readonly text: string;
}

/**
 * Splits `Alice: hello` into speaker and words, but only where every message begins like that, as in a group: `Note:
 * buy milk` has no speaker. Several messages in one turn are separated by their beginnings, which alone stand at the
 * margin.
 */
function splitSpeakers(messages: readonly ChatMessage[]): Utterance[] {
  const texts = messages.filter(({ role }) => role === "user").map(({ content }) => content);
  const said = texts.flatMap((text) => text.split(/\n\n(?=\S)/));
  const split = said.map((text) => /^(@[^\s:]+:\S+|[^\n:]{1,100}(?: \(@[^\s:]+:[^\s)]+\))?): (.*)$/s.exec(text));
  if (split.some((match) => match === null)) return texts.map((text) => ({ speaker: undefined, text }));
  return split.map((match) => ({ speaker: match?.[1], text: (match?.[2] ?? "").replaceAll("\n  ", "\n") }));
}

function react(text: string, before: string | undefined): string[] {
  if (/\bwhat (?:did|have|was) .{0,100}\b(?:say|said|told|tell|wrote|write|message)\b/is.test(text)) {
    return [before === undefined ? "You said nothing to me before." : `Before that you said:\n\n> ${quote(before)}`];
  }
  const count = /\bcount (?:up )?to (\d{1,6})\b/i.exec(text)?.[1];
  if (count !== undefined) {
    return [Array.from({ length: Math.min(Number(count), MAX_COUNT) }, (_, i) => String(i + 1)).join(" ")];
  }
  const sum = /(?<![\w.\-/])(-?\d{1,9}(?:\.\d{1,6})?) *([-+*/×÷]) *(-?\d{1,9}(?:\.\d{1,6})?)(?![\w\-/]|\.\d)/.exec(
    text,
  );
  if (sum !== null) {
    const [whole, left, operator, right] = sum;
    return [`\`${whole}\` = **${compute(Number(left), operator ?? "+", Number(right))}**`];
  }
  return [];
}

function compute(left: number, operator: string, right: number): string {
  const results: Readonly<Record<string, number>> = {
    "+": left + right,
    "-": left - right,
    "*": left * right,
    "×": left * right,
    "/": left / right,
    "÷": left / right,
  };
  const result = results[operator] ?? NaN;
  // Twelve digits hide the error of binary fractions in 0.1 + 0.2.
  return Number.isFinite(result) ? String(Number(result.toPrecision(12))) : "nothing I can say";
}

function quote(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  const characters = Array.from(line);
  return characters.length <= MAX_QUOTE_CHARS ? line : `${characters.slice(0, MAX_QUOTE_CHARS).join("")}…`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function ordinal(n: number): string {
  const teen = n % 100 >= 11 && n % 100 <= 13;
  return `${n}${(teen ? undefined : ["th", "st", "nd", "rd"][n % 10]) ?? "th"}`;
}
