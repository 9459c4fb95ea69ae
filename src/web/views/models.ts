import { setTimeout as sleep } from "node:timers/promises";
import { canInstall, ProviderError, type Provider } from "../../providers/provider.ts";
import { badge, decisionForm, empty, heading, type Tone } from "../elements.ts";
import { html, type Html } from "../html.ts";
import type { PagePull } from "../pulls.ts";
import type { Visit } from "../visit.ts";
import { defineView, EVERY } from "./view.ts";

/** The time for a provider to tell its models, in ms. */
const LIMIT_MS = 5_000;

/** The most models of a provider that are named. */
const MOST_NAMED = 100;

interface ShownProvider {
  readonly provider: Provider;
  /** Undefined where it does not tell now. */
  readonly models: readonly string[] | undefined;
}

interface ShownModels {
  readonly providers: readonly ShownProvider[];
  readonly pulls: readonly PagePull[];
}

/** The providers with their models, and the installation of another one. */
export const models = defineView(
  EVERY.moment,
  async ({ providers, pulls }): Promise<ShownModels> => ({
    providers: await Promise.all(
      [...providers().values()].map(async (provider) => ({ provider, models: await modelsOf(provider) })),
    ),
    pulls: pulls.all,
  }),
  ({ providers, pulls }, visit) => {
    const { title, lead, none, installations } = visit.words.views.models;
    return html`${heading(visit, title, lead)}
    ${
      providers.length === 0
        ? empty(none)
        : html`<ul class="cards">
            ${providers.map((one) => card(one, visit))}
          </ul>`
    }
    ${
      pulls.length > 0 &&
      html`<h2>${installations}</h2>
        ${pulls.map((pull, index) => progressOf(pull, index, visit))}`
    }`;
  },
);

/** The last answers of providers, so that open pages do not ask them all the time. */
const TOLD = new WeakMap<Provider, { readonly at: number; readonly models: Promise<readonly string[] | undefined> }>();

function modelsOf(provider: Provider): Promise<readonly string[] | undefined> {
  const told = TOLD.get(provider);
  const now = Date.now();
  if (told !== undefined && now - told.at < EVERY.while) return told.models;
  const late = sleep(LIMIT_MS, undefined, { ref: false });
  const asked = provider.models().then((all) => all.map(({ name }) => name));
  const all = Promise.race([asked, late]).catch((error: unknown) => {
    // What its server lacks is shown; a fault of ours is not.
    if (error instanceof ProviderError) return undefined;
    throw error;
  });
  TOLD.set(provider, { at: now, models: all });
  return all;
}

function card({ provider, models: names }: ShownProvider, visit: Visit): Html {
  const { unknown, noModels, model, install, example } = visit.words.views.models;
  const { localities } = visit.words.views.agents;
  const field = `model-${provider.name}`;
  return html`<li class="card">
    <header>
      <div>
        <h3>${provider.name}</h3>
        <small class="mono">${provider.host}</small>
      </div>
      ${badge(localities[provider.locality], provider.locality === "cloud" ? "wait" : "good")}
    </header>
    <div class="mono">
      ${names === undefined ? unknown : names.length === 0 ? noModels : names.slice(0, MOST_NAMED).join(", ")}
    </div>
    ${
      canInstall(provider) &&
      decisionForm(
        visit,
        "pull",
        { provider: provider.name },
        html`<div>
            <label for="${field}">${model}</label>
            <input id="${field}" name="model" class="mono" placeholder="${example}" maxlength="200" required />
          </div>
          <button>${install}</button>`,
      )
    }
  </li>`;
}

const TONES: Readonly<Record<PagePull["state"]["kind"], Tone>> = { running: "wait", done: "good", failed: "bad" };

function progressOf({ provider, model, state }: PagePull, index: number, visit: Visit): Html {
  const { states } = visit.words.views.models;
  const label = `pull-${index}`;
  return html`<div class="card">
    <header>
      <span id="${label}" class="mono">${model} · ${provider}</span>
      ${badge(states[state.kind], TONES[state.kind])}
    </header>
    ${
      state.kind === "running" &&
      html`<progress
          aria-labelledby="${label}"
          max="100"
          ${state.percent !== undefined && html`value="${state.percent}"`}
        ></progress>
        <small>${state.status} ${state.percent !== undefined && `${state.percent} %`}</small>`
    }
    ${state.kind === "failed" && html`<small>${state.reason}</small>`}
  </div>`;
}
