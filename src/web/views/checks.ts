import type { Finding } from "../../doctor/check.ts";
import type { Result } from "../../doctor/report.ts";
import { badge, heading, type Tone } from "../elements.ts";
import { html, type Html } from "../html.ts";
import type { Visit } from "../visit.ts";
import { defineView, EVERY } from "./view.ts";

/** The doctor's checks of this installation, with the remedies. */
export const checks = defineView(
  EVERY.minute,
  ({ examine }) => examine(),
  (results, visit) => {
    const { title, lead } = visit.words.views.checks;
    const ill = results.filter(({ findings }) => findings.some(({ status }) => status === "bad")).length;
    return html`${heading(visit, title, lead(ill))}
      <ul class="cards">
        ${results.map((result) => card(result, visit))}
      </ul>`;
  },
);

const TONES: Readonly<Record<Finding["status"], Tone>> = { good: "good", bad: "bad", unknown: "" };

function card({ check, findings }: Result, visit: Visit): Html {
  const { states } = visit.words.views.checks;
  const worst = (["bad", "unknown"] as const).find((status) => findings.some((one) => one.status === status)) ?? "good";
  return html`<li class="card ${worst === "bad" ? "ill" : ""}">
    <header>
      <h3>${check}</h3>
      ${badge(states[worst], TONES[worst])}
    </header>
    ${findings.map(
      (finding) =>
        html`<div>
          <div>${finding.text}</div>
          ${finding.status === "bad" && html`<small>→ ${finding.mend}</small>`}
        </div>`,
    )}
  </li>`;
}
