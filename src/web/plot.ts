import { number } from "./elements.ts";
import { html, type Html } from "./html.ts";
import type { Visit } from "./visit.ts";

/** A day and a number. */
export interface DayPoint {
  /** As `2026-05-31`. */
  readonly day: string;
  readonly value: number;
}

const WIDTH = 720;
const HEIGHT = 160;
const BELOW = 20;
const ABOVE = 16;

/** The last days (UTC) up to `now`, the oldest first. */
export function daysBack(now: Date, days: number): string[] {
  return Array.from({ length: days }, (_, index) =>
    new Date(now.getTime() - (days - 1 - index) * 86_400_000).toISOString().slice(0, 10),
  );
}

/** A bar for each day. Each bar's number is in its title, and the largest beside the axis. */
export function plotOfDays(points: readonly DayPoint[], label: string, visit: Visit): Html {
  const most = Math.max(1, ...points.map(({ value }) => value));
  const step = WIDTH / Math.max(1, points.length);
  const ground = HEIGHT - BELOW;
  const bars = points.map(({ day, value }, index) => {
    const height = Math.round(((ground - ABOVE) * value) / most);
    return html`<rect
      class="bar"
      x="${round(index * step + step * 0.15)}"
      y="${ground - height}"
      width="${round(step * 0.7)}"
      height="${height}"
      rx="2"
    >
      <title>${day}: ${number(visit, value)}</title>
    </rect>`;
  });
  const [first] = points;
  const last = points.at(-1);
  return html`<svg class="plot" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">
    <line class="axis" x1="0" x2="${WIDTH}" y1="${ground}" y2="${ground}" />
    ${bars}
    <text x="0" y="11">${number(visit, most)}</text>
    <text x="0" y="${HEIGHT - 5}">${first?.day ?? ""}</text>
    <text x="${WIDTH}" y="${HEIGHT - 5}" text-anchor="end">${last?.day ?? ""}</text>
  </svg>`;
}

/** A part of the largest of several numbers, as a bar. The number itself stands beside it. */
export function bar(value: number, most: number): Html {
  const width = most <= 0 ? 0 : round((100 * value) / most);
  return html`<svg class="plot part" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
    <rect class="bar" width="${width}" height="6" />
  </svg>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
