/** The part of each end that is always kept, in characters. */
const SHORTEST_END = 64;

/**
 * A text without its middle, so that it fits: its beginning and end stay, equally long.
 *
 * @param gap replaces the middle.
 * @param most the longest text that may fit, in characters: a longer one is not tried.
 */
export function keepingEnds(
  text: string,
  gap: string,
  { fits, most }: { readonly fits: (shorter: string) => boolean; readonly most: number },
): string {
  const keeping = (length: number): string => `${text.slice(0, length)}${gap}${text.slice(-length)}`.toWellFormed();
  let [low, high] = [SHORTEST_END, Math.min(Math.max(SHORTEST_END, most), Math.floor(text.length / 2))];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(keeping(middle))) low = middle;
    else high = middle - 1;
  }
  return text.length <= 2 * low ? text : keeping(low);
}
