import type { Agent } from "../ghost/agents.ts";

/**
 * What the bridge's own bot says to a message: the commands are `help` and `list`, with or without `!`; anything else
 * gets the way to them. Markdown.
 */
export function answerBot(
  text: string,
  botUserId: string,
  agents: readonly { readonly userId: string; readonly agent: Agent }[],
): string {
  const command = text.trim().replace(/^!/, "").split(/\s+/)[0]?.toLowerCase() ?? "";
  switch (command) {
    case "help":
      return [
        "I look after the AI agents on this homeserver.",
        "",
        "- `list` shows the agents you can talk to.",
        "- Invite one into any room, encrypted or not, or start a direct chat with it.",
        "- In a direct chat it answers everything. In a group it answers when you mention it or reply to it.",
      ].join("\n");
    case "list":
      return agents.length === 0
        ? "There are no agents yet. The admin of this homeserver adds them in config.yaml under `agents:`."
        : ["Agents you can invite:", "", ...[...agents].sort(byUserId).map(line)].join("\n");
    default:
      return `I am ${botUserId} and know two commands: \`help\` and \`list\`. To talk with an AI, start a chat with one of the agents that \`list\` shows.`;
  }
}

function byUserId(a: { readonly userId: string }, b: { readonly userId: string }): number {
  return a.userId < b.userId ? -1 : 1;
}

function line({ userId, agent }: { readonly userId: string; readonly agent: Agent }): string {
  return `- \`${userId}\`: ${agent.displayName}${agent.model === undefined ? "" : ` (${agent.model})`}`;
}
