import { waitingVerifications, type WaitingVerification } from "../../ghost/device/operator-verifications.ts";
import { qrCells } from "../../text/qr-cells.ts";
import { decision, empty, graveDecision, heading } from "../elements.ts";
import { html, type Html } from "../html.ts";
import type { Visit } from "../visit.ts";
import { defineView, EVERY } from "./view.ts";

/** The verifications that wait for an operator: undefined where the configuration lets none wait. */
export const verifications = defineView(
  EVERY.moment,
  async ({ database, settings }) =>
    settings().encryption.verification === "operator" ? waitingVerifications(database) : undefined,
  (waiting, visit) => {
    const { title, lead, none, others } = visit.words.views.verifications;
    if (waiting === undefined) return html`${heading(visit, title, lead)} ${empty(others)}`;
    return html`${heading(visit, title, lead)}
    ${
      waiting.length === 0
        ? empty(none)
        : html`<ul class="cards">
            ${waiting.map((one) => card(one, visit))}
          </ul>`
    }`;
  },
);

function card({ id, ghost, userId, shows }: WaitingVerification, visit: Visit): Html {
  const { verifies, confirm, reject, consequence } = visit.words.views.verifications;
  const decisions = shows.kind !== "code" && [
    decision(visit, "verification-confirm", { id }, confirm[shows.kind], "main"),
    graveDecision(visit, "verification-reject", { id }, reject, consequence),
  ];
  return html`<li class="card" id="verification-${id}">
    <header>
      <div>
        <h3 class="mono">${userId}</h3>
        <small>${verifies} <span class="mono">${ghost}</span></small>
      </div>
    </header>
    ${shown(shows, visit)}
    <div class="actions">${decisions}</div>
  </li>`;
}

function shown(shows: WaitingVerification["shows"], visit: Visit): Html {
  const { compare, scanned, scan, codeOf, emoji: names } = visit.words.views.verifications;
  switch (shows.kind) {
    case "emoji":
      return html`<p>${compare}</p>
        <ul class="emoji">
          ${shows.emoji.map(
            ({ symbol, description }) =>
              html`<li>
                <span aria-hidden="true">${symbol}</span><small>${names[description] ?? description}</small>
              </li>`,
          )}
        </ul>`;
    case "scanned":
      return html`<p>${scanned}</p>`;
    case "code":
      return html`<p>${scan}</p>
        ${picture(shows.code, codeOf)}`;
  }
}

function picture(code: Uint8Array, label: string): Html {
  const rows = qrCells(code);
  const dark = rows.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])));
  return html`<svg class="code" role="img" aria-label="${label}" viewBox="0 0 ${rows.length} ${rows.length}">
    <path d="${dark.join("")}" />
  </svg>`;
}
