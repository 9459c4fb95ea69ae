import type { Plot } from "./plot.ts";

/**
 * The order of a curve: the exponent e with which y grows as x to the power of e, fitted to the points by least squares
 * of the logarithms. Undefined for fewer than two sizes, and where a value is not positive.
 */
export function orderOf(points: readonly { readonly x: number; readonly y: number }[]): number | undefined {
  if (points.some(({ x, y }) => x <= 0 || y <= 0)) return undefined;
  const logs = points.map(({ x, y }) => [Math.log(x), Math.log(y)] as const);
  const mean = (of: 0 | 1): number => logs.reduce((sum, log) => sum + log[of], 0) / logs.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const spread = logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  if (points.length < 2 || spread === 0) return undefined;
  return logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread;
}

/** A sentence for each line of a plot. */
export function growthOf({ x, series }: Plot): string[] {
  return series.flatMap(({ name, points }) => {
    const order = orderOf(points);
    const sizes = points.map((point) => point.x);
    if (order === undefined) return [];
    return [
      `${name}: grows with the power ${order.toFixed(2)} from ${Math.min(...sizes)} to ${Math.max(...sizes)} (${x})`,
    ];
  });
}
