/** A value at a time, or at whatever else it is plotted over. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * The slope of the line of least squares through groups of points. Each group has a height of its own, and all have the
 * same slope: so a process that begins low after each restart does not hide that each of them grows. 0 where no two
 * points of a group have different places.
 */
export function slopeThrough(groups: readonly (readonly Point[])[]): number {
  let [covariance, variance] = [0, 0];
  for (const points of groups) {
    const [x, y] = [mean(points.map((point) => point.x)), mean(points.map((point) => point.y))];
    for (const point of points) {
      covariance += (point.x - x) * (point.y - y);
      variance += (point.x - x) ** 2;
    }
  }
  return variance === 0 ? 0 : covariance / variance;
}

/** The mean; 0 of none. */
export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
