import type { ReloadPreview } from "../../config/reload.ts";
import { badge, decision, heading } from "../elements.ts";
import { html, type Html } from "../html.ts";
import type { Visit } from "../visit.ts";
import { defineView, EVERY } from "./view.ts";

/** What reading config.yaml again would change. */
export const settings = defineView(
  EVERY.while,
  async ({ configuration }) => ({ path: configuration.path, preview: await configuration.preview() }),
  ({ path, preview }, visit) => {
    const { title, lead } = visit.words.views.settings;
    return html`${heading(visit, title, lead)}
      <div class="card"><small class="mono">${path}</small>${told(preview, visit)}</div>`;
  },
);

function told(preview: ReloadPreview, visit: Visit): Html {
  const { unchanged, changes, restart, untouched, mistakes, apply } = visit.words.views.settings;
  switch (preview.kind) {
    case "unchanged":
      return html`<p>${unchanged}</p>`;
    case "changes":
      return html`<p>${changes}</p>
        ${names(preview.changed)}
        <div class="actions">${decision(visit, "reload", {}, apply, "main")}</div>`;
    case "restart":
      return html`<p>${restart}</p>
        ${names(preview.restart)}
        ${
          preview.untouched.length > 0 &&
          html`<p>${untouched}</p>
            ${names(preview.untouched)}`
        }`;
    case "mistakes":
      return html`<p>${mistakes}</p>
        ${
          preview.problems.length === 0
            ? html`<p>${preview.reason}</p>`
            : html`<ul>
                ${preview.problems.map(
                  ({ path, found, expected }) =>
                    html`<li><code>${path}</code> ${visit.words.views.settings.found(found, expected)}</li>`,
                )}
              </ul>`
        }`;
  }
}

function names(settingNames: readonly string[]): Html {
  return html`<div>${settingNames.map((name) => html`${badge(name)} `)}</div>`;
}
