import type { Colour } from "./colour.ts";
import type { Pixels } from "./png.ts";

/**
 * A shape by its signed distance: the distance of a point from its edge, negative inside. The canvas reaches from -1 to
 * 1 in both directions, with y downwards; the circle that clients cut out has the radius 1.
 */
export type Shape = (x: number, y: number) => number;

/** A square to paint on, with smooth edges. */
export class Canvas {
  readonly #size: number;
  readonly #rgb: Uint8Array;

  /** @param size its width and height in pixels. */
  constructor(size: number) {
    this.#size = size;
    this.#rgb = new Uint8Array(size * size * 3);
  }

  /** Paints a shape in one colour, or in a gradient from the canvas's top to its bottom. */
  fill(shape: Shape, top: Colour, bottom = top): void {
    const size = this.#size;
    for (let row = 0; row < size; row++) {
      const y = (2 * row + 1) / size - 1;
      const down = (row + 0.5) / size;
      for (let column = 0; column < size; column++) {
        const covered = Math.min(Math.max(0.5 - (shape((2 * column + 1) / size - 1, y) * size) / 2, 0), 1);
        if (covered === 0) continue;
        const at = (row * size + column) * 3;
        for (let channel = 0; channel < 3; channel++) {
          const colour = (top[channel] ?? 0) * (1 - down) + (bottom[channel] ?? 0) * down;
          const before = this.#rgb[at + channel] ?? 0;
          this.#rgb[at + channel] = Math.round(before + (colour - before) * covered);
        }
      }
    }
  }

  pixels(): Pixels {
    return { width: this.#size, height: this.#size, rgb: this.#rgb };
  }
}

export function circle(cx: number, cy: number, radius: number): Shape {
  return (x, y) => Math.hypot(x - cx, y - cy) - radius;
}

/** A box with round corners. */
export function box(cx: number, cy: number, halfWidth: number, halfHeight: number, radius: number): Shape {
  return (x, y) => {
    const dx = Math.abs(x - cx) - halfWidth + radius;
    const dy = Math.abs(y - cy) - halfHeight + radius;
    return Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0) - radius;
  };
}

/** A line with round ends. */
export function line(x1: number, y1: number, x2: number, y2: number, halfWidth: number): Shape {
  const length2 = (x2 - x1) ** 2 + (y2 - y1) ** 2;
  return (x, y) => {
    const along = Math.min(Math.max(((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length2, 0), 1);
    return Math.hypot(x - x1 - along * (x2 - x1), y - y1 - along * (y2 - y1)) - halfWidth;
  };
}

/** A part of a ring with round ends, symmetrical about its lowest point. */
export function smile(cx: number, cy: number, radius: number, degrees: number, halfWidth: number): Shape {
  const [endX, endY] = [Math.sin((degrees * Math.PI) / 180) * radius, Math.cos((degrees * Math.PI) / 180) * radius];
  return (x, y) => {
    const [dx, dy] = [Math.abs(x - cx), y - cy];
    const isBetween = dx * endY <= dy * endX;
    return (isBetween ? Math.abs(Math.hypot(dx, dy) - radius) : Math.hypot(dx - endX, dy - endY)) - halfWidth;
  };
}

/** A star of four points with hollow sides. */
export function spark(cx: number, cy: number, radius: number): Shape {
  return (x, y) => {
    const [dx, dy] = [Math.abs(x - cx) / radius, Math.abs(y - cy) / radius];
    // Far from the star, this avoids the costly powers.
    if (Math.max(dx, dy) > 1.1) return (Math.max(dx, dy) - 1) * radius;
    return ((dx ** 0.6 + dy ** 0.6) ** (1 / 0.6) - 1) * radius * 0.6;
  };
}

/** A shape mirrored at a height. */
export function flipped(shape: Shape, cy: number): Shape {
  return (x, y) => shape(x, 2 * cy - y);
}

/** The points of any of the shapes. */
export function union(...shapes: readonly Shape[]): Shape {
  return (x, y) => Math.min(...shapes.map((shape) => shape(x, y)));
}

/** A shape and its mirror image on the other side. */
export function mirrored(shape: Shape): Shape {
  return (x, y) => shape(Math.abs(x), y);
}
