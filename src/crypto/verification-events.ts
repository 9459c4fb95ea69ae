/** All event types of a verification begin like this (spec "Key verification framework"). */
const VERIFICATION = "m.key.verification.";

/** A verification by to-device messages may start without a request. */
export const VERIFICATION_REQUEST = "m.key.verification.request";
export const VERIFICATION_START = "m.key.verification.start";
/** One side has finished, with a result. */
export const VERIFICATION_DONE = "m.key.verification.done";
/** One side has ended the verification without a result. */
export const VERIFICATION_CANCEL = "m.key.verification.cancel";

/** The types that continue a verification, so that their sender waits for an answer. */
const STEPS: ReadonlySet<string> = new Set(
  ["ready", "start", "accept", "key", "mac"].map((step) => VERIFICATION + step),
);

/** Whether an event of this type belongs to a verification. */
export function isVerification(type: unknown): type is string {
  return typeof type === "string" && type.startsWith(VERIFICATION);
}

/** Whether an event of this type continues a verification, so that its sender waits for an answer. */
export function isStep(type: string): boolean {
  return STEPS.has(type);
}

/** The flow id of a verification by to-device messages: the transaction that its messages name. */
export function transactionOf(content: unknown): string | undefined {
  const id = (content as { transaction_id?: unknown } | null | undefined)?.transaction_id;
  return typeof id === "string" ? id : undefined;
}

/** The flow id of a verification in a room: the id of the request's event. */
export function flowIn(content: Readonly<Record<string, unknown>>): string | undefined {
  const relation = content["m.relates_to"] as { readonly event_id?: unknown } | null | undefined;
  return typeof relation?.event_id === "string" ? relation.event_id : undefined;
}
