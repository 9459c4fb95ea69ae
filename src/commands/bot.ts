import { profileName, type Agent, type ListedAgent } from "../agents/agents.ts";
import { withoutPath } from "../agents/model-name.ts";
import type { Words } from "../language/words.ts";
import { cleanText } from "../text/clean-text.ts";
import type { RenderedText } from "../text/markdown.ts";
import { escapedHtml, pillOfUser } from "../matrix/pills.ts";

/**
 * The bot's answer to a message: the commands are `help` and `list`, with or without `!`; any other message gets a hint
 * at them. Markdown, or rendered text.
 *
 * @param reach the rooms in which cloud agents may be asked.
 */
export function answerBot(
  { bot }: Words,
  text: string,
  agents: readonly ListedAgent[],
  reach: keyof Words["bot"]["cloud"],
): string | RenderedText {
  const [, command = ""] = /^[`"'“„«*]{0,3}!?([a-z]+)(?![\w-])/i.exec(text.trim()) ?? [];
  switch (command.toLowerCase()) {
    case "help":
      return bot.help;
    case "list":
      return agents.length === 0 ? bot.noAgents : agentList(bot, agents, reach);
    default:
      return bot.other;
  }
}

/** The agents, each with a link to its profile. */
function agentList(
  bot: Words["bot"],
  agents: readonly ListedAgent[],
  reach: keyof Words["bot"]["cloud"],
): RenderedText {
  const title = bot.agents;
  const below = agents.some(({ agent }) => agent.locality === "cloud") ? bot.cloud[reach] : undefined;
  const lines = [...agents].sort(byUserId).map(({ userId, agent }) => {
    const name = cleanText(profileName(agent)).replace(/\s+/g, " ");
    const model = saysMore(agent) ? ` (${cleanText(withoutPath(agent.model ?? ""))})` : "";
    return {
      text: `• ${name}${model}: ${userId}`,
      html: `<li>${pillOfUser(userId, name)}${escapedHtml(model)}: <code>${escapedHtml(userId)}</code></li>`,
    };
  });
  return {
    body: [title, "", ...lines.map(({ text }) => text), ...(below === undefined ? [] : ["", below])].join("\n"),
    formattedBody:
      `<p>${escapedHtml(title)}</p><ul>${lines.map(({ html }) => html).join("")}</ul>` +
      (below === undefined ? "" : `<p>${escapedHtml(below)}</p>`),
  };
}

/** Whether an agent's model says more than its name, which may be derived from it. */
function saysMore({ displayName, model }: Agent): boolean {
  const plain = (text: string): string =>
    text
      .replace(/:latest$/, "")
      .replace(/[^\p{L}\p{N}]/gu, "")
      .toLowerCase();
  return model !== undefined && plain(model) !== plain(displayName);
}

function byUserId(a: ListedAgent, b: ListedAgent): number {
  return a.userId < b.userId ? -1 : 1;
}
