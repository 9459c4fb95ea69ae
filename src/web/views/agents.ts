import { profileName, type ListedAgent } from "../../agents/agents.ts";
import { withoutPath } from "../../agents/model-name.ts";
import { pausedAgents, type Pause } from "../../agents/pauses.ts";
import { publicKeys, type GhostKeys } from "../../ghost/public-keys.ts";
import { activityOfGhosts, type GhostActivity } from "../../turns/turn-activity.ts";
import { badge, decision, empty, graveDecision, heading, number, since, type Tone } from "../elements.ts";
import { html, type Html } from "../html.ts";
import type { Visit } from "../visit.ts";
import { pageOf, pageLinks, type Page } from "./paging.ts";
import { defineView, EVERY } from "./view.ts";

/** The most agents on a page. */
const AGENTS_A_PAGE = 60;

/** An agent, as the page shows it. */
export interface ShownAgent extends ListedAgent {
  /** Undefined while it has no user on the homeserver. */
  readonly keys: GhostKeys | undefined;
  /** Undefined where nobody has asked it. */
  readonly activity: GhostActivity | undefined;
  /** Whether its device is gone from the homeserver, as far as this process knows. */
  readonly isHalted: boolean;
  /** The pause that it is in. */
  readonly pause: Pause | undefined;
}

/** The agents, with their state. */
export const agents = defineView(
  EVERY.while,
  async ({ directory, database, ghosts }, visit): Promise<Page<ShownAgent>> => {
    const page = pageOf(directory.list(), AGENTS_A_PAGE, visit.query);
    const [keys, activity, pauses] = await Promise.all([
      publicKeys(database),
      activityOfGhosts(database),
      pausedAgents(database),
    ]);
    const keysOf = new Map(keys.map((one) => [one.userId, one]));
    return {
      ...page,
      shown: page.shown.map(({ userId, agent }) => ({
        userId,
        agent,
        keys: keysOf.get(userId),
        activity: activity.get(userId),
        isHalted: ghosts.isHalted(userId),
        pause: pauses.find(({ ghost }) => ghost === userId),
      })),
    };
  },
  (page, visit) => {
    const { title, lead, none } = visit.words.views.agents;
    const cards = page.shown.map((agent) => card(agent, visit));
    return html`${heading(visit, title, lead(page.all))}
    ${
      cards.length === 0
        ? empty(none)
        : html`<ul class="cards">
            ${cards}
          </ul>`
    }
    ${pageLinks(page, visit)}`;
  },
);

/** How an agent is. */
type Condition = keyof Visit["words"]["views"]["agents"]["conditions"];

const TONES: Readonly<Record<Condition, Tone>> = {
  halted: "bad",
  paused: "wait",
  unmade: "",
  failing: "bad",
  working: "good",
  waiting: "wait",
  well: "good",
};

function conditionOf({ keys, activity, isHalted, pause }: ShownAgent): Condition {
  if (isHalted) return "halted";
  if (pause !== undefined) return "paused";
  if (keys?.deviceMade !== true) return "unmade";
  if (activity === undefined) return "well";
  if (activity.failed > 0 && activity.failed >= activity.answered) return "failing";
  if (activity.working > 0) return "working";
  return activity.waiting > 0 ? "waiting" : "well";
}

function card(shown: ShownAgent, visit: Visit): Html {
  const { words } = visit;
  const { labels, conditions, localities, newDevice, seeChecks } = words.views.agents;
  const { userId, agent, keys, activity } = shown;
  const condition = conditionOf(shown);
  const isIll = TONES[condition] === "bad";
  return html`<li class="card ${isIll ? "ill" : ""}" id="${userId}">
    <header>
      <div>
        <h3>${profileName(agent)}</h3>
        <small class="mono">${userId}</small>
      </div>
      ${badge(conditions[condition], TONES[condition])}
    </header>
    <dl>
      <dt>${labels.model}</dt>
      <dd>${agent.model === undefined ? labels.demo : withoutPath(agent.model)}</dd>
      <dt>${labels.place}</dt>
      <dd>${agent.provider} ${badge(localities[agent.locality], agent.locality === "cloud" ? "wait" : "")}</dd>
      <dt>${labels.device}</dt>
      <dd class="mono">${keys?.deviceMade === true ? keys.deviceId : labels.noDevice}</dd>
      <dt>${labels.keys}</dt>
      <dd>${keysInWords(keys, visit)}</dd>
      <dt>${labels.lastAnswer}</dt>
      <dd>${activity?.lastAnswer === undefined ? labels.never : since(visit, activity.lastAnswer)}</dd>
      <dt>${labels.open}</dt>
      <dd>${number(visit, (activity?.waiting ?? 0) + (activity?.working ?? 0))}</dd>
      <dt>${labels.failed}</dt>
      <dd>${failuresInWords(activity, visit)}</dd>
    </dl>
    <div class="actions">
      ${isIll && html`<a class="button" href="${visit.base}/checks">${seeChecks}</a>`} ${pauseOrResume(shown, visit)}
      ${keys?.deviceMade === true && graveDecision(visit, "new-device", { agent: userId }, newDevice.label, newDevice.consequence)}
    </div>
  </li>`;
}

function pauseOrResume({ userId, pause }: ShownAgent, visit: Visit): Html {
  const { pauseIt, resumeIt, pausedBy } = visit.words.views.agents;
  if (pause === undefined) return html`${decision(visit, "pause", { agent: userId }, pauseIt)}`;
  const told = html`<small>${pausedBy} <span class="mono">${pause.by}</span>, ${since(visit, pause.at)}</small>`;
  return html`${decision(visit, "resume", { agent: userId }, resumeIt, "main")} ${told}`;
}

function keysInWords(keys: GhostKeys | undefined, { words }: Visit): string {
  const { keyStates } = words.views.agents;
  if (keys?.deviceMade !== true) return keyStates.none;
  if (keys.identityRefused) return keyStates.unsigned;
  if (keys.masterKey === undefined) return keyStates.none;
  return keyStates[keys.backup === "not needed yet" ? "signed" : keys.backup];
}

function failuresInWords(activity: GhostActivity | undefined, visit: Visit): string {
  const { failed = 0, lastFailure } = activity ?? {};
  return failed === 0 || lastFailure === undefined
    ? number(visit, failed)
    : `${number(visit, failed)} (${lastFailure})`;
}
