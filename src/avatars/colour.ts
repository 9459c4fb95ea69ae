/** Red, green and blue, 0 to 255. */
export type Colour = readonly [number, number, number];

/**
 * A colour as the eye sees it (OKLCH): colours of the same lightness look equally light in every hue. The chroma is
 * reduced until a screen can show the colour.
 *
 * @param lightness 0, black, to 1, white.
 * @param chroma 0, grey, to about 0.3.
 * @param hue in degrees.
 */
export function oklch(lightness: number, chroma: number, hue: number): Colour {
  for (let c = chroma; ; c -= 0.01) {
    const linear = toLinear(lightness, Math.max(c, 0), hue);
    if (c <= 0 || linear.every((value) => value >= 0 && value <= 1)) {
      return [encoded(linear[0]), encoded(linear[1]), encoded(linear[2])];
    }
  }
}

/** The contrast of two colours, 1 to 21 (WCAG 2 "contrast ratio"). */
export function contrast(one: Colour, other: Colour): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance([r, g, b]: Colour): number {
  return 0.2126 * decoded(r) + 0.7152 * decoded(g) + 0.0722 * decoded(b);
}

function toLinear(lightness: number, chroma: number, hue: number): Colour {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

function encoded(linear: number): number {
  const value = Math.min(Math.max(linear, 0), 1);
  return Math.round(255 * (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055));
}

function decoded(channel: number): number {
  const value = channel / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}
