/** Asks that a tool's server makes in the middle of a call, with people's answers so far (MCP 2026-07-28, "Elicitation"). */
export interface CallInput {
  /** At least one, asked in their order. */
  readonly forms: readonly InputForm[];
  /** The server's names of requests that are declined: to open a web page. */
  readonly declined: readonly string[];
  /** The server's own note to itself, which it gets back unchanged. */
  readonly state?: string;
  /** How often it has asked in this call, from 1. */
  readonly round: number;
  /** Where the answers go: the server must still be there when they are sent. */
  readonly goesTo: { readonly host: string; readonly to: "local" | "cloud" };
}

/** One question of a server to the person. The words in it are the server's. */
export interface InputForm {
  /** The server knows the question by it. */
  readonly key: string;
  readonly message: string;
  readonly fields: readonly FormField[];
  /** Absent until the person has answered. */
  readonly answer?: InputAnswer;
}

/** The person's answer, as it is sent. */
export type InputAnswer =
  | { readonly action: "accept"; readonly content: Readonly<Record<string, FieldValue>> }
  | { readonly action: "decline" };

export type FieldValue = string | number | boolean | readonly string[];

/** A kind of value that a field takes. */
export type FieldKind =
  | "text"
  | "email"
  | "address"
  | "date"
  | "time"
  | "number"
  | "whole_number"
  | "yes_no"
  /** One of its choices. */
  | "choice"
  /** Any of its choices. */
  | "choices";

export interface FormField {
  /** Its name at the server. */
  readonly key: string;
  /** The name by which people fill it in. */
  readonly name: string;
  readonly kind: FieldKind;
  readonly isRequired: boolean;
  readonly title?: string;
  readonly description?: string;
  /** The least and the most: characters of a text, values of numbers, or chosen ones. */
  readonly least?: number;
  readonly most?: number;
  /** Of `choice` and `choices`. */
  readonly choices: readonly FieldChoice[];
  /** The value where the person says nothing. */
  readonly fallback?: FieldValue;
}

export interface FieldChoice {
  readonly value: string;
  readonly title?: string;
}

/** The question that the person has to answer next; undefined where there is none. */
export function openForm(input: CallInput | undefined): InputForm | undefined {
  return input?.forms.find(({ answer }) => answer === undefined);
}

/** The same with an answer to the question that is open. Whoever declines one is asked none of the others. */
export function withAnswer(input: CallInput, answer: InputAnswer): CallInput {
  const open = openForm(input);
  const takes = (form: InputForm): boolean =>
    form === open || (answer.action === "decline" && form.answer === undefined);
  return { ...input, forms: input.forms.map((form) => (takes(form) ? { ...form, answer } : form)) };
}

/** The answers as the server gets them, by its names of the requests. */
export function responsesTo({ forms, declined }: CallInput): Readonly<Record<string, InputAnswer>> {
  return Object.fromEntries([
    ...forms.flatMap(({ key, answer }) => (answer === undefined ? [] : [[key, answer] as const])),
    ...declined.map((key) => [key, { action: "decline" }] as const),
  ]);
}

/** The most times that a server may ask in one call. */
export const MOST_ROUNDS = 5;

/** Whether the server may ask once more in this call: not for ever, and not somebody who has declined. */
export function mayAskAgain(input: CallInput | undefined): boolean {
  if (input === undefined) return true;
  return input.round < MOST_ROUNDS && input.forms.every(({ answer }) => answer?.action !== "decline");
}
