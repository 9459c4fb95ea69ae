/** The known name that a misspelt one most likely means; undefined when none is similar. */
export function nearName(name: string, known: readonly string[]): string | undefined {
  const [best] = known
    // A name of any other length has too many letters to insert or to drop, however long it is.
    .filter((candidate) => Math.abs(candidate.length - name.length) <= mostMistakes(candidate))
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  return best !== undefined && best.distance <= mostMistakes(best.candidate) ? best.candidate : undefined;
}

function mostMistakes(candidate: string): number {
  return Math.max(1, candidate.length / 3);
}

/** The smallest number of letters to insert, drop, replace or swap with their neighbour (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(row, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped =
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(before, j - 2) + 1 : Infinity;
      next.push(Math.min(at(row, j) + 1, at(next, j - 1) + 1, replaced, swapped));
    }
    [before, row] = [row, next];
  }
  return at(row, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}
