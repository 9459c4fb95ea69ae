/** A secret that is shorter is part of too much else. */
const SHORTEST = 8;

/** The words that stand in the place of a secret. */
const HIDDEN = "[secret]";

/**
 * Takes secrets out of log lines, in whatever form they stand there. Our own code logs none; a library or a server's
 * answer may put one into an error.
 */
export class Secrets {
  #forms: readonly string[] = [];

  constructor(secrets: readonly string[] = []) {
    this.add(secrets);
  }

  /**
   * Hides these strings from now on as well. The earlier ones stay hidden: a call that was begun with them may still
   * fail.
   */
  add(secrets: readonly string[]): void {
    const forms = secrets
      .filter((secret) => secret.length >= SHORTEST)
      .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]);
    // The longest first: one may be a part of another.
    this.#forms = [...new Set([...this.#forms, ...forms])].sort((a, b) => b.length - a.length);
  }

  /** The line without them. */
  hide(line: string): string {
    return this.#forms.reduce((hidden, secret) => hidden.replaceAll(secret, HIDDEN), line);
  }
}
