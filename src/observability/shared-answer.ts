/**
 * Lets callers at once, or soon after each other, share one answer or its failure, so that many who ask cost no more than one.
 *
 * @param ageMs the time for which an answer is given again, in ms.
 */
export function sharedAnswer<T>(ask: () => Promise<T>, ageMs: number): () => Promise<T> {
  let answer: Promise<T> | undefined;
  const forget = (): void => {
    answer = undefined;
  };
  return () => (answer ??= ask().finally(() => setTimeout(forget, ageMs).unref()));
}
