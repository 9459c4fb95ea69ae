/** The beginning of the types of all events that belong to a verification (spec "Key verification framework"). */
const VERIFICATION = "m.key.verification.";

/** By to-device message a verification may be started without a request. */
export const VERIFICATION_REQUEST = "m.key.verification.request";
export const VERIFICATION_START = "m.key.verification.start";
/** One side is content: the end of a verification that came to a result. */
export const VERIFICATION_DONE = "m.key.verification.done";
/** The end of a verification that did not come to a result. */
export const VERIFICATION_CANCEL = "m.key.verification.cancel";

/** The types with which a verification goes on, so that their sender waits for an answer. */
const STEPS: ReadonlySet<string> = new Set(
  ["ready", "start", "accept", "key", "mac"].map((step) => VERIFICATION + step),
);

/** Whether an event of this type belongs to a verification. */
export function isVerification(type: unknown): type is string {
  return typeof type === "string" && type.startsWith(VERIFICATION);
}

/** Whether an event of this type goes on with a verification, so that its sender waits for an answer. */
export function isStep(type: string): boolean {
  return STEPS.has(type);
}

/** The flow of a verification by to-device messages: the transaction that its messages name. */
export function transactionOf(content: unknown): string | undefined {
  const id = (content as { transaction_id?: unknown } | null | undefined)?.transaction_id;
  return typeof id === "string" ? id : undefined;
}

/** The flow of a verification in a room: the event that asked for it. */
export function flowIn(content: Readonly<Record<string, unknown>>): string | undefined {
  const relation = content["m.relates_to"] as { readonly event_id?: unknown } | null | undefined;
  return typeof relation?.event_id === "string" ? relation.event_id : undefined;
}
