import { pauseAgent, resumeAgent } from "../../agents/pauses.ts";
import type { Actor } from "../../audit/audit-entry.ts";
import { decideVerification } from "../../ghost/device/operator-verifications.ts";
import { requestNewDevice } from "../../ghost/operator-requests.ts";
import type { PageWords } from "../../language/words.ts";
import { dropHeld, retryHeld, type HeldSelection } from "../../mailbox/held-mail.ts";
import { withdrawConsents } from "../../privacy/consents.ts";
import { canInstall } from "../../providers/provider.ts";
import { forgetToolGrants } from "../../tools/tool-grants.ts";
import type { WebParts } from "../parts.ts";

/** What the page says after a decision. */
export type Said = keyof PageWords["said"];

/** A decision: it reads its fields, carries it out in somebody's name, and returns what to say. Throws DatabaseError. */
type Action = (parts: WebParts, by: Actor, field: (name: string) => string | undefined) => Promise<Said>;

/** What people decide on the page, by the names of the forms. Each calls what the command line calls. */
const ACTIONS = {
  "verification-confirm": ({ database }, by, field) => decideAbout(database, field("id"), "match", by),
  "verification-reject": ({ database }, by, field) => decideAbout(database, field("id"), "mismatch", by),
  "mail-retry": async ({ database }, by, field) => {
    const selection = selectionOf(field("id"));
    if (selection === undefined) return "nothing_such";
    return (await retryHeld(database, selection, by)).length === 0 ? "nothing_such" : "retried";
  },
  "mail-drop": async ({ database }, by, field) => {
    const selection = selectionOf(field("id"));
    if (selection === undefined) return "nothing_such";
    return (await dropHeld(database, selection, by)).length === 0 ? "nothing_such" : "dropped";
  },
  "new-device": async ({ database, directory }, by, field) => {
    const agent = directory.agentOf(field("agent") ?? "");
    if (agent === undefined) return "nothing_such";
    await requestNewDevice(database, field("agent") ?? "", by);
    return "device_asked";
  },
  pause: async ({ database, directory }, by, field) => {
    const ghost = field("agent") ?? "";
    const isDone = directory.agentOf(ghost) !== undefined && (await pauseAgent(database, ghost, by));
    return isDone ? "paused" : "nothing_such";
  },
  resume: async ({ database }, by, field) =>
    (await resumeAgent(database, field("agent") ?? "", by)) ? "resumed" : "nothing_such",
  "consent-withdraw": async ({ database }, by, field) => {
    const [roomId, ghost] = [field("room"), field("ghost")];
    // Without one of them it would be about all.
    if (roomId === undefined || ghost === undefined) return "nothing_such";
    return (await withdrawConsents(database, { roomId, ghost }, by)) === 0 ? "nothing_such" : "withdrawn";
  },
  "grant-forget": async ({ database }, by, field) => {
    const [roomId, ghost, server, tool] = [field("room"), field("ghost"), field("server"), field("tool")];
    if (roomId === undefined || ghost === undefined || server === undefined || tool === undefined)
      return "nothing_such";
    return (await forgetToolGrants(database, { roomId, ghost, server, tool }, by)) === 0 ? "nothing_such" : "withdrawn";
  },
  pull: async ({ providers, pulls }, by, field) => {
    const provider = providers().get(field("provider") ?? "");
    const model = (field("model") ?? "").trim();
    if (provider === undefined || !canInstall(provider) || !isModelName(model)) return "no_model";
    return (await pulls.begin(provider, model, by)) ? "pulling" : "pulls_already";
  },
  reload: async ({ configuration }, by) => {
    const { kind } = await configuration.apply(by);
    return kind === "applied" ? "reloaded" : "not_reloaded";
  },
} satisfies Readonly<Record<string, Action>>;

/** The name of a decision's form. */
export type ActionName = keyof typeof ACTIONS;

export function isAction(name: string): name is ActionName {
  return Object.hasOwn(ACTIONS, name);
}

/** Carries a decision out. Throws DatabaseError. */
export function act(
  name: ActionName,
  parts: WebParts,
  by: Actor,
  field: (name: string) => string | undefined,
): Promise<Said> {
  const action: Action = ACTIONS[name];
  return action(parts, by, field);
}

/** Servers name models by letters, digits and a few signs; a bound keeps logs and pages readable. */
function isModelName(text: string): boolean {
  return /^[\w.:/@-]{1,200}$/.test(text);
}

async function decideAbout(
  database: WebParts["database"],
  id: string | undefined,
  decision: "match" | "mismatch",
  by: Actor,
): Promise<Said> {
  const number = numberOf(id);
  const decided = number === undefined ? undefined : await decideVerification(database, number, decision, by);
  if (decided === undefined) return "nothing_such";
  return decision === "match" ? "confirmed" : "rejected";
}

function selectionOf(id: string | undefined): HeldSelection | undefined {
  if (id === "all") return "all";
  const number = numberOf(id);
  return number === undefined ? undefined : [number];
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined;
}
