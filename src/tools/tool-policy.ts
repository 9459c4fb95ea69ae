import type { Locality, ToolApproval, ToolRules } from "../config/config.ts";
import { matchesGlob, particularity } from "../text/glob.ts";
import type { ToolHints } from "./tool-definition.ts";

/** A call, or the offer of a tool, about which {@link decideCall} decides. */
export interface ToolUse {
  /** The tool's name at its server. */
  readonly tool: string;
  readonly hints: ToolHints;
  /** The agent's name. */
  readonly agent: string;
  readonly roomId: string;
  /** The person behind the question. */
  readonly userId: string;
  /** Whether another agent asked, on that person's behalf. */
  readonly isFromAgent: boolean;
  /** The place of the model that reads the result. */
  readonly model: Locality;
  /** The decision of the gate (privacy/gate.ts) about words to the tool's server. */
  readonly gate: "yes" | "ask" | "declined" | "denied";
  /** The decision of the room's moderators about this tool in its present form, if any. */
  readonly grant: "allowed" | "forbidden" | undefined;
  /** Whether a result from outside the network came before, in the same turn. */
  readonly isTainted: boolean;
}

/** The reason why a call is not made. */
export type ToolRefusal =
  /** The admin's rule names other agents, rooms or users. */
  | "not_here"
  /** The admin's rule for the tool. */
  | "not_this_tool"
  /** The room's moderators have forbidden it. */
  | "forbidden"
  /** What a local server returns does not go to a model outside the network. */
  | "cloud_model"
  /** The admin, or the room's moderators, let no words go there. */
  | "gate";

export type ToolDecision =
  | { readonly may: "call" }
  | {
      readonly may: "ask";
      /** The people who decide; moderators may always. */
      readonly deciders: "asker" | "moderators";
      /** Whether a moderator may decide once for all later calls. */
      readonly canGrant: boolean;
    }
  | { readonly may: "refuse"; readonly why: ToolRefusal };

/**
 * Whether a tool may be used: asked before a tool is offered to a model, and again before a call is made. A tool that
 * is refused is not offered.
 */
export function decideCall(rules: ToolRules, use: ToolUse): ToolDecision {
  if (!isHere(rules, use)) return refused("not_here");
  const set = approvalOf(rules, use.tool);
  if (set === "refuse") return refused("not_this_tool");
  if (use.grant === "forbidden") return refused("forbidden");
  if (rules.locality === "local" && use.model === "cloud" && !rules.cloudModels) return refused("cloud_model");
  if (use.gate === "declined" || use.gate === "denied") return refused("gate");

  const approval = set ?? byHints(rules, use.hints);
  // The room's moderators have not agreed yet that words go there: each call needs them.
  if (use.gate === "ask") return { may: "ask", deciders: "moderators", canGrant: false };
  const deciders = use.isFromAgent ? "moderators" : rules.approvers;
  switch (approval) {
    case "never":
      return { may: "call" };
    case "ask":
      // A result from outside may have asked for this call.
      return use.grant === "allowed" && !use.isTainted ? { may: "call" } : { may: "ask", deciders, canGrant: true };
    case "always_ask":
      return { may: "ask", deciders, canGrant: false };
  }
}

/** Whether somebody may decide about a call that waits. */
export function mayDecide(
  { approverUsers }: Pick<ToolRules, "approverUsers">,
  { deciders }: Pick<Extract<ToolDecision, { may: "ask" }>, "deciders">,
  who: { readonly userId: string; readonly isAsker: boolean; readonly isModerator: boolean },
): boolean {
  if (who.isModerator || approverUsers.some((glob) => matchesGlob(glob, who.userId))) return true;
  return deciders === "asker" && who.isAsker;
}

function refused(why: ToolRefusal): ToolDecision {
  return { may: "refuse", why };
}

/** An absent list names all. */
function isHere({ agents, rooms, users }: ToolRules, { agent, roomId, userId }: ToolUse): boolean {
  const names = (globs: readonly string[] | undefined, name: string): boolean =>
    globs === undefined || globs.some((glob) => matchesGlob(glob, name));
  return names(agents, agent) && names(rooms, roomId) && names(users, userId);
}

/** The admin's setting for a tool, by the most specific glob; else the server's. */
function approvalOf({ tools, approval }: ToolRules, name: string): ToolApproval | undefined {
  let found: { readonly approval: ToolApproval; readonly rank: number } | undefined;
  for (const [glob, one] of tools) {
    const rank = particularity(glob);
    if (rank > (found?.rank ?? -1) && matchesGlob(glob, name)) found = { approval: one, rank };
  }
  return found?.approval ?? approval;
}

/** A server says itself that its tool only reads, so that counts only where nothing leaves the network. */
function byHints({ locality }: ToolRules, { isReadOnly, isOpenWorld }: ToolHints): Exclude<ToolApproval, "refuse"> {
  return locality === "local" && isReadOnly && !isOpenWorld ? "never" : "ask";
}
