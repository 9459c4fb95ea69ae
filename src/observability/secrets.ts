/** A secret that is shorter is part of too much else. */
const SHORTEST = 8;

/** What is written in a secret's place. */
export const HIDDEN = "[secret]";

/**
 * Takes secrets out of lines of the log, in whatever form they may stand there. Nothing of ours writes one; this is for what
 * a library, or a server's answer, may put into an error.
 */
export class Secrets {
  #forms: readonly string[] = [];

  constructor(secrets: readonly string[] = []) {
    this.add(secrets);
  }

  /** Hides these from now on too. Those before stay hidden: what was begun with them may yet fail. */
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
