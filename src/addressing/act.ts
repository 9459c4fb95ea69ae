import type { Act } from "../permissions/decisions.ts";
import type { MessageClass } from "./addressing.ts";

/** The act that a person wants with a message; undefined when they want nothing, or an agent is speaking. */
export function actOf(said: MessageClass, isCommand: boolean): Act | undefined {
  if (said.kind === "ignored" || said.kind === "agent" || said.kind === "doubtful_edit") return undefined;
  if (isCommand) return "command";
  return said.kind === "addressed" ? "message" : said.kind;
}
