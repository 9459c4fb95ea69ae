import { profileName, type Agent } from "../ghost/agents.ts";
import type { Words } from "../language/words.ts";

/** An agent and its Matrix user. */
export interface ListedAgent {
  readonly userId: string;
  readonly agent: Agent;
}

/**
 * What the bridge's own bot says to a message: the commands are `help` and `list`, with or without `!`; anything else
 * gets the way to them. Markdown.
 */
export function answerBot({ bot }: Words, text: string, botUserId: string, agents: readonly ListedAgent[]): string {
  const command = text.trim().replace(/^!/, "").split(/\s+/)[0]?.toLowerCase() ?? "";
  switch (command) {
    case "help":
      return bot.help;
    case "list":
      return agents.length === 0 ? bot.noAgents : [bot.agents, "", ...[...agents].sort(byUserId).map(line)].join("\n");
    default:
      return bot.other(botUserId);
  }
}

function byUserId(a: ListedAgent, b: ListedAgent): number {
  return a.userId < b.userId ? -1 : 1;
}

function line({ userId, agent }: ListedAgent): string {
  return `- \`${userId}\`: ${profileName(agent)}${agent.model === undefined ? "" : ` (${agent.model})`}`;
}
