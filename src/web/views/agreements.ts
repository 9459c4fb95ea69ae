import { Consents, type ConsentId, type RoomDecision } from "../../privacy/consents.ts";
import { countSignIns } from "../../tools/sign-in/tool-sign-ins.ts";
import { ToolGrants, type RoomGrant } from "../../tools/tool-grants.ts";
import { badge, decision, empty, heading, since, table } from "../elements.ts";
import { html, type Html } from "../html.ts";
import type { Visit } from "../visit.ts";
import { defineView, EVERY } from "./view.ts";

const ROWS_A_PAGE = 50;

interface ShownAgreements {
  readonly consents: readonly RoomDecision[];
  readonly grants: readonly RoomGrant[];
  /** The number of people who have signed in to each tool server. */
  readonly signIns: ReadonlyMap<string, number>;
  /** The address of the rest; undefined where this is all. */
  readonly next: URLSearchParams | undefined;
  readonly isFirst: boolean;
}

/** What rooms have agreed to: that words leave the network, and that agents use tools without asking. */
export const agreements = defineView(
  EVERY.while,
  async ({ database }, { query }): Promise<ShownAgreements> => {
    const part = (name: string): string => (query.get(name) ?? "").slice(0, 255).toWellFormed().replaceAll("\0", "");
    const [roomId, ghost, target] = [part("room"), part("ghost"), part("target")];
    const [server, tool] = [part("server"), part("tool")];
    const afterConsent: ConsentId | undefined = target === "" ? undefined : { roomId, ghost, target };
    const afterGrant = tool === "" ? undefined : { ghost, roomId, server, tool };
    const limit = ROWS_A_PAGE + 1;
    // First all consents, then all grants.
    const consents =
      afterGrant === undefined
        ? await new Consents(database).all({ limit, ...(afterConsent === undefined ? {} : { after: afterConsent }) })
        : [];
    const grants =
      consents.length > ROWS_A_PAGE
        ? []
        : await new ToolGrants(database).all({ limit, ...(afterGrant === undefined ? {} : { after: afterGrant }) });
    const shown = { consents: consents.slice(0, ROWS_A_PAGE), grants: grants.slice(0, ROWS_A_PAGE) };
    const isFirst = target === "" && tool === "";
    const signIns = isFirst ? await countSignIns(database) : new Map<string, number>();
    return { ...shown, signIns, next: nextOf(consents, grants, shown), isFirst };
  },
  ({ consents, grants, signIns, next, isFirst }, visit) => {
    const { title, lead, none, consentTitle, grantTitle, heads, signInTitle, signInHeads } =
      visit.words.views.agreements;
    const { after, first } = visit.words.paging;
    const here = `${visit.base}${visit.path}`;
    const columns = [...Object.values(heads), ""];
    return html`${heading(visit, title, lead)} ${consents.length + grants.length === 0 && empty(none)}
      ${
        consents.length > 0 &&
        html`<h2>${consentTitle}</h2>
          ${table(
            consentTitle,
            columns,
            consents.map((one) => consentRow(one, visit)),
          )}`
      }
      ${
        grants.length > 0 &&
        html`<h2>${grantTitle}</h2>
          ${table(
            grantTitle,
            columns,
            grants.map((one) => grantRow(one, visit)),
          )}`
      }
      ${
        signIns.size > 0 &&
        html`<h2>${signInTitle}</h2>
          ${table(
            signInTitle,
            Object.values(signInHeads),
            [...signIns].map(
              ([server, people]) =>
                html`<tr>
                  <td>${server}</td>
                  <td>${people}</td>
                </tr>`,
            ),
          )}`
      }
      <p class="pages">
        ${isFirst ? html`<span></span>` : html`<a class="button" href="${here}">${first}</a>`}
        ${next !== undefined && html`<a class="button" rel="next" href="${here}?${next.toString()}">${after}</a>`}
      </p>`;
  },
);

function nextOf(
  consents: readonly RoomDecision[],
  grants: readonly RoomGrant[],
  shown: Pick<ShownAgreements, "consents" | "grants">,
): URLSearchParams | undefined {
  const lastConsent = shown.consents.at(-1);
  if (consents.length > ROWS_A_PAGE && lastConsent !== undefined) {
    const { roomId: room, ghost, target } = lastConsent;
    return new URLSearchParams({ room, ghost, target });
  }
  const lastGrant = shown.grants.at(-1);
  if (grants.length <= ROWS_A_PAGE || lastGrant === undefined) return undefined;
  const { roomId: room, ghost, server, tool } = lastGrant;
  return new URLSearchParams({ room, ghost, server, tool });
}

function consentRow({ roomId, roomName, ghost, target, granted, by, at }: RoomDecision, visit: Visit): Html {
  const { agreed, declined, takeBack } = visit.words.views.agreements;
  return html`<tr>
    ${room(roomId, roomName)}
    <td class="mono">${ghost}</td>
    <td>${badge(granted ? agreed : declined, granted ? "wait" : "good")} ${target}</td>
    <td class="mono">${by}</td>
    <td>${since(visit, at)}</td>
    <td>${granted && decision(visit, "consent-withdraw", { room: roomId, ghost }, takeBack)}</td>
  </tr>`;
}

function grantRow({ roomId, roomName, ghost, server, tool, decision: made, by, at }: RoomGrant, visit: Visit): Html {
  const { allowed, forbidden, takeBack } = visit.words.views.agreements;
  return html`<tr>
    ${room(roomId, roomName)}
    <td class="mono">${ghost}</td>
    <td>${badge(made === "allowed" ? allowed : forbidden, made === "allowed" ? "wait" : "good")} ${server}: ${tool}</td>
    <td class="mono">${by}</td>
    <td>${since(visit, at)}</td>
    <td>${made === "allowed" && decision(visit, "grant-forget", { room: roomId, ghost, server, tool }, takeBack)}</td>
  </tr>`;
}

function room(roomId: string, name: string | undefined): Html {
  return html`<td>${name} <small class="mono">${roomId}</small></td>`;
}
