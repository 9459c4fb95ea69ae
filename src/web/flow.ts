import type { RoomPrivacy } from "../privacy/room-privacy.ts";
import { html, type Html } from "./html.ts";
import type { Visit } from "./visit.ts";

/** The most agents that are drawn. */
const MOST_DRAWN = 12;

const ROW = 34;
const BOX = { width: 196, height: 26 } as const;
const AGENTS_AT = 60;
const PLACES_AT = 300;
const WIDTH = PLACES_AT + BOX.width;

/** A drawing of where the words of a room go: room → agent → model server. What leaves the network is dashed. */
export function flowOf({ agents }: Pick<RoomPrivacy, "agents">, visit: Visit): Html | undefined {
  const drawn = agents.slice(0, MOST_DRAWN);
  if (drawn.length === 0) return undefined;
  const { flow, unknownPlace } = visit.words.views.rooms;
  const height = drawn.length * ROW + 4;
  const middle = height / 2;
  const rows = drawn.map(({ ghost, destination }, index) => {
    const top = index * ROW + 4;
    const centre = top + BOX.height / 2;
    const place = destination === undefined ? unknownPlace : `${destination.provider} · ${destination.host}`;
    const cloud = destination?.locality === "cloud" ? "cloud" : "";
    return html`<path class="edge" d="M26 ${middle} C44 ${middle} 42 ${centre} ${AGENTS_AT} ${centre}" />
      ${box(AGENTS_AT, top, nameOf(ghost))}
      <path class="edge ${cloud}" d="M${AGENTS_AT + BOX.width} ${centre} H${PLACES_AT}" />
      ${box(PLACES_AT, top, place)}`;
  });
  const told = drawn.map(({ ghost, destination }) => `${nameOf(ghost)} → ${destination?.host ?? unknownPlace}`);
  return html`<svg
    class="plot flow"
    viewBox="0 0 ${WIDTH} ${height}"
    role="img"
    aria-label="${flow}: ${told.join(", ")}"
  >
    <circle cx="16" cy="${middle}" r="10" class="bar" />
    ${rows}
  </svg>`;
}

/** The longest text that fits a box, in characters. */
const LONGEST = 28;

function box(x: number, y: number, text: string): Html {
  const shown = text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
  return html`<g>
    <title>${text}</title>
    <rect x="${x}" y="${y}" width="${BOX.width}" height="${BOX.height}" rx="6" />
    <text x="${x + 10}" y="${y + 17}">${shown}</text>
  </g>`;
}

function nameOf(ghost: string): string {
  return ghost.slice(0, ghost.indexOf(":"));
}
