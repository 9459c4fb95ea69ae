import { createHash } from "node:crypto";
import { box, Canvas, circle, flipped, line, mirrored, smile, spark, union, type Shape } from "./canvas.ts";
import { oklch, type Colour } from "./colour.ts";
import { encodePng } from "./png.ts";

/** Increased when the drawing changes, so that it is uploaded again. */
export const PORTRAIT_VERSION = 1;

/** Width and height, in pixels. */
const SIZE = 256;

/**
 * A picture of an agent: a robot's head with colours, shape, eyes, mouth and aerial made from the agent's name.
 * Everything important lies within the circle that clients cut out. The same name gives the same PNG.
 */
export function portrait(name: string): Buffer {
  const canvas = new Canvas(SIZE);
  draw(canvas, looksOf(name));
  return encodePng(canvas.pixels());
}

/** The features of robots, apart from their hue. */
export const TRAITS = {
  tone: ["bright", "deep"],
  head: ["box", "soft", "round", "tall", "wide"],
  face: ["screen", "open"],
  eyes: ["round", "tall", "happy", "square", "sparks", "visor"],
  mouth: ["smile", "line", "grin", "none"],
  aerial: ["ball", "two", "spark", "none"],
  ears: ["round", "bars", "none"],
} as const;

/** The looks of a robot. */
export type Looks = { readonly [Trait in keyof typeof TRAITS]: (typeof TRAITS)[Trait][number] } & {
  /** In degrees. */
  readonly hue: number;
};

/** The number of hues that people can tell apart. */
const HUES = 14;

/** The looks that a name gives. */
export function looksOf(name: string): Looks {
  const bytes = createHash("sha256").update(name).digest();
  const chosen = (place: number, choices: number): number => bytes.readUInt16BE(2 * place) % choices;
  const pick = <T>(place: number, choices: readonly [T, ...T[]]): T =>
    choices[chosen(place, choices.length)] ?? choices[0];
  return {
    hue: (chosen(0, HUES) * 360) / HUES,
    tone: pick(1, TRAITS.tone),
    head: pick(2, TRAITS.head),
    face: pick(3, TRAITS.face),
    eyes: pick(4, TRAITS.eyes),
    mouth: pick(5, TRAITS.mouth),
    aerial: pick(6, TRAITS.aerial),
    ears: pick(7, TRAITS.ears),
  };
}

/** The colours of some looks. */
export function paletteOf({ hue, tone, face }: Pick<Looks, "hue" | "tone" | "face">): {
  readonly top: Colour;
  readonly bottom: Colour;
  readonly shell: Colour;
  readonly shade: Colour;
  readonly face: Colour;
  readonly features: Colour;
} {
  const [top, bottom] = tone === "bright" ? [0.76, 0.62] : [0.54, 0.42];
  const shell = oklch(0.97, 0.015, hue);
  const dark = oklch(0.27, 0.06, hue);
  return {
    top: oklch(top, 0.14, hue),
    bottom: oklch(bottom, 0.15, hue + 15),
    shell,
    shade: oklch(0.86, 0.04, hue),
    face: face === "screen" ? dark : shell,
    features: face === "screen" ? oklch(0.88, 0.14, hue + 30) : dark,
  };
}

function draw(canvas: Canvas, looks: Looks): void {
  const { top, bottom, shell, shade, face, features } = paletteOf(looks);
  const { halfWidth, halfHeight, radius } = HEAD_SIZES[looks.head];
  const cy = looks.aerial === "none" ? 0.02 : 0.14;
  canvas.fill(() => -1, top, bottom);
  const ears = earsOf(looks.ears, halfWidth, cy);
  if (ears !== undefined) canvas.fill(mirrored(ears), shade);
  const aerial = aerialOf(looks.aerial, cy - halfHeight);
  if (aerial !== undefined) canvas.fill(aerial, shell);
  canvas.fill(box(0, cy, halfWidth, halfHeight, radius), shell, shade);
  if (looks.face === "screen") {
    const [width, height] = [halfWidth - FRAME, halfHeight - FRAME];
    canvas.fill(box(0, cy, width, height, Math.max(radius - FRAME, 0.08)), face);
  }
  for (const feature of featuresOf(looks, cy)) canvas.fill(feature, features);
}

/** The width of the frame around a screen. */
const FRAME = 0.11;

const HEAD_SIZES = {
  box: { halfWidth: 0.6, halfHeight: 0.5, radius: 0.14 },
  soft: { halfWidth: 0.6, halfHeight: 0.52, radius: 0.32 },
  round: { halfWidth: 0.57, halfHeight: 0.57, radius: 0.57 },
  tall: { halfWidth: 0.5, halfHeight: 0.58, radius: 0.26 },
  wide: { halfWidth: 0.67, halfHeight: 0.46, radius: 0.46 },
} as const;

function earsOf(ears: Looks["ears"], halfWidth: number, cy: number): Shape | undefined {
  switch (ears) {
    case "round":
      return circle(halfWidth, cy, 0.17);
    case "bars":
      return box(halfWidth + 0.06, cy, 0.09, 0.2, 0.09);
    case "none":
      return undefined;
  }
}

function aerialOf(aerial: Looks["aerial"], crown: number): Shape | undefined {
  switch (aerial) {
    case "ball":
      return union(line(0, crown, 0, crown - 0.2, 0.045), circle(0, crown - 0.24, 0.11));
    case "two":
      return mirrored(union(line(0.22, crown + 0.1, 0.34, crown - 0.14, 0.045), circle(0.34, crown - 0.16, 0.09)));
    case "spark":
      return union(line(0, crown, 0, crown - 0.14, 0.045), spark(0, crown - 0.28, 0.24));
    case "none":
      return undefined;
  }
}

function featuresOf({ eyes, mouth }: Looks, cy: number): Shape[] {
  const eyesAt = mouth === "none" ? cy : cy - 0.1;
  return [eyesOf(eyes, eyesAt), ...mouthOf(mouth, cy + 0.19)];
}

function mouthOf(mouth: Looks["mouth"], cy: number): Shape[] {
  switch (mouth) {
    case "smile":
      return [smile(0, cy - 0.14, 0.18, 55, 0.045)];
    case "line":
      return [line(-0.12, cy, 0.12, cy, 0.045)];
    case "grin": {
      const disc = circle(0, cy - 0.06, 0.16);
      return [(x, y) => Math.max(disc(x, y), cy - 0.06 - y)];
    }
    case "none":
      return [];
  }
}

function eyesOf(eyes: Looks["eyes"], cy: number): Shape {
  const dx = 0.2;
  switch (eyes) {
    case "round":
      return mirrored(circle(dx, cy, 0.115));
    case "tall":
      return mirrored(line(dx, cy - 0.07, dx, cy + 0.07, 0.085));
    case "happy":
      return mirrored(flipped(smile(dx, cy - 0.06, 0.11, 75, 0.05), cy));
    case "square":
      return mirrored(box(dx, cy, 0.1, 0.1, 0.03));
    case "sparks":
      return mirrored(spark(dx, cy, 0.19));
    case "visor":
      return box(0, cy, 0.3, 0.08, 0.08);
  }
}
