/** Points that are joined by a line. */
export interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** A plot of lines over an axis of sizes or of time. */
export interface Plot {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly Series[];
  /** Sizes grow by factors, so their axis is logarithmic (the default); time's is not. */
  readonly across?: "sizes" | "time";
}

const [WIDTH, HEIGHT] = [640, 360];
const BOX = { left: 64, right: 16, top: 40, bottom: 72 };
const COLOURS = ["#0b6e4f", "#c84630", "#2d5da1", "#8f5fbf"];
const STEPS = 4;

/** An SVG of it. The axis beside the lines begins at zero. */
export function svgOf({ title, x, y, series, across: kind = "sizes" }: Plot): string {
  const points = series.flatMap((line) => line.points);
  const axis = kind === "sizes" ? axisOfSizes(points.map((point) => point.x)) : axisOfTime(points.map((p) => p.x));
  const highest = roundedUp(Math.max(0, ...points.map((point) => point.y)));
  const inner = { width: WIDTH - BOX.left - BOX.right, height: HEIGHT - BOX.top - BOX.bottom };
  const across = (value: number): number => BOX.left + axis.at(value) * inner.width;
  const up = (value: number): number => BOX.top + (1 - value / highest) * inner.height;
  const bottom = BOX.top + inner.height;
  const steps = stepsTo(highest);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(WIDTH / 2, 22, title, 'text-anchor="middle" font-size="15"'),
    ...steps.flatMap((step) => [
      `<path d="M${at(BOX.left)} ${at(up(step))}H${WIDTH - BOX.right}" stroke="#ddd"/>`,
      text(BOX.left - 8, up(step) + 4, String(step), 'text-anchor="end"'),
    ]),
    ...axis.marks.map((mark) => text(across(mark), bottom + 18, String(mark), 'text-anchor="middle"')),
    text(BOX.left + inner.width / 2, bottom + 36, x, 'text-anchor="middle"'),
    text(8, BOX.top - 8, y, ""),
    ...series.flatMap(({ name, points }, index) => {
      const colour = COLOURS[index % COLOURS.length] ?? "#000";
      const sorted = points.toSorted((a, b) => a.x - b.x).map((point) => [across(point.x), up(point.y)] as const);
      const left = BOX.left + (inner.width / series.length) * index;
      return [
        `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${sorted.map(([px, py]) => `${at(px)},${at(py)}`).join(" ")}"/>`,
        ...(kind === "sizes"
          ? sorted.map(([px, py]) => `<circle cx="${at(px)}" cy="${at(py)}" r="3" fill="${colour}"/>`)
          : []),
        `<rect x="${at(left)}" y="${HEIGHT - 20}" width="10" height="10" fill="${colour}"/>`,
        text(left + 14, HEIGHT - 11, name, ""),
      ];
    }),
    "</svg>",
  ].join("\n");
}

/** An axis: its labelled values, and the place of a value on it, between 0 and 1. */
interface Axis {
  readonly marks: readonly number[];
  readonly at: (value: number) => number;
}

function axisOfSizes(values: readonly number[]): Axis {
  const marks = [...new Set(values)].toSorted((a, b) => a - b);
  const [least, most] = [Math.log(marks[0] ?? 1), Math.log(marks.at(-1) ?? 1)];
  return { marks, at: (value) => (most === least ? 0.5 : (Math.log(value) - least) / (most - least)) };
}

function axisOfTime(values: readonly number[]): Axis {
  const end = Math.max(0, ...values) || 1;
  const step = roundedUp(end / STEPS);
  const marks = Array.from({ length: Math.floor(end / step) + 1 }, (_, index) => Number((index * step).toFixed(3)));
  return { marks, at: (value) => value / end };
}

function stepsTo(end: number): number[] {
  return Array.from({ length: STEPS + 1 }, (_, step) => (end / STEPS) * step);
}

function text(x: number, y: number, words: string, more: string): string {
  const escaped = words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${at(x)}" y="${at(y)}" ${more}>${escaped}</text>`;
}

function at(value: number): string {
  return String(Number(value.toFixed(1)));
}

/** The next of 1, 2, 4, 5 or 10 times a power of ten, so that quarters of it are round. */
function roundedUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 4, 5, 8].find((factor) => factor * power >= value) ?? 10);
}
