/** A copy in random order. A process that is restarted again and again must not begin with the same ones each time. */
export function inRandomOrder<T>(all: readonly T[]): T[] {
  return all
    .map((one) => ({ one, place: Math.random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ one }) => one);
}
