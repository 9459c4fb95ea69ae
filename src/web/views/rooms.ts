import type { PrivacySources, RoomPrivacy } from "../../privacy/room-privacy.ts";
import { privacyOfRoom } from "../../privacy/room-privacy.ts";
import { roomsOfGhosts } from "../../rooms/rooms-of-ghosts.ts";
import { badge, empty, heading, size } from "../elements.ts";
import { flowOf } from "../flow.ts";
import { html, type Html } from "../html.ts";
import type { Visit } from "../visit.ts";
import { defineView, EVERY } from "./view.ts";

const ROOMS_A_PAGE = 20;

/** The age of the requests that are shown, in days. */
const DAYS = 7;

/** A longer text is no room's id. */
const LONGEST_ID = 255;

interface ShownRooms {
  readonly rooms: readonly RoomPrivacy[];
  /** The last room's id, where there are more. */
  readonly next: string | undefined;
  readonly isFirst: boolean;
}

/** The rooms with agents, and where the words of each go. */
export const rooms = defineView(
  EVERY.while,
  async ({ database, privacy, botUserId }, { query }): Promise<ShownRooms> => {
    const after = (query.get("after") ?? "").slice(0, LONGEST_ID).toWellFormed().replaceAll("\0", "");
    const found = await roomsOfGhosts(database, { after, limit: ROOMS_A_PAGE + 1 });
    const shown = found.slice(0, ROOMS_A_PAGE);
    return {
      rooms: await Promise.all(shown.map((room) => describe(room, privacy, botUserId))),
      next: found.length > ROOMS_A_PAGE ? shown.at(-1)?.roomId : undefined,
      isFirst: after === "",
    };
  },
  ({ rooms: shown, next, isFirst }, visit) => {
    const { title, lead, none } = visit.words.views.rooms;
    const { after, first } = visit.words.paging;
    const here = `${visit.base}${visit.path}`;
    return html`${heading(visit, title, lead(DAYS))}
      ${
        shown.length === 0
          ? empty(none)
          : html`<ul class="cards wide">
              ${shown.map((room) => card(room, visit))}
            </ul>`
      }
      <p class="pages">
        ${isFirst ? html`<span></span>` : html`<a class="button" href="${here}">${first}</a>`}
        ${next !== undefined && html`<a class="button" rel="next" href="${here}?${new URLSearchParams({ after: next }).toString()}">${after}</a>`}
      </p>`;
  },
);

/** The bot answers without a model. */
function describe(
  { ghosts, ...room }: Parameters<typeof privacyOfRoom>[0],
  sources: PrivacySources,
  bot: string,
): Promise<RoomPrivacy> {
  return privacyOfRoom({ ...room, ghosts: ghosts.filter((ghost) => ghost !== bot) }, sources, DAYS);
}

function card(room: RoomPrivacy, visit: Visit): Html {
  const { encrypted, clear, sent, nothingSent, requests, policies, unnamed } = visit.words.views.rooms;
  return html`<li class="card">
    <header>
      <div>
        <h3>${room.name ?? unnamed}</h3>
        <small class="mono">${room.roomId}</small>
      </div>
      ${room.isEncrypted ? badge(encrypted, "good") : badge(clear, "wait")}
    </header>
    ${flowOf(room, visit)}
    <dl>
      <dt>${visit.words.views.rooms.policy}</dt>
      <dd>${policies[room.policy]}</dd>
      ${room.sent.map(
        ({ provider, host, requests: count, bytes }) =>
          html`<dt>${sent} ${provider} (${host})</dt>
            <dd>${requests(count)}, ${size(visit, bytes)}</dd>`,
      )}
    </dl>
    ${room.sent.length === 0 && html`<small>${nothingSent}</small>`} ${decisionsOf(room, visit)}
  </li>`;
}

function decisionsOf({ agents }: RoomPrivacy, visit: Visit): Html | undefined {
  const { agreed, declined, countsNoMore } = visit.words.views.rooms;
  const lines = agents.flatMap(({ ghost, decisions }) =>
    decisions.map(
      ({ target, granted, by, at, counts }) =>
        html`<div>
          ${badge(granted ? agreed : declined, granted ? "wait" : "good")}
          <small>
            <span class="mono">${ghost}</span> → ${target}, <span class="mono">${by}</span>,
            ${at.toISOString().slice(0, 10)} ${!counts && countsNoMore}
          </small>
        </div>`,
    ),
  );
  return lines.length === 0 ? undefined : html`<div>${lines}</div>`;
}
