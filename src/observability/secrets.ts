/** Shorter secrets are not hidden, because they occur in other words. */
const SHORTEST = 8;

/** Passwords that our own words hold: hiding them would take the command out of an advice, and would tell the password. */
const PUBLIC: ReadonlySet<string> = new Set(["matrix-agents", "matrix_agents", "postgres", "postgresql", "password"]);

/** The replacement for a secret. */
const HIDDEN = "[secret]";

/**
 * Removes secrets from log lines, in any encoding. Our own code logs none, but an error may hold one that a library or
 * a server's answer put there.
 */
export class Secrets {
  #forms: readonly string[] = [];

  constructor(secrets: readonly string[] = []) {
    this.add(secrets);
  }

  /** Also hides these strings from now on. Earlier ones stay hidden, because a call that used them may still fail. */
  add(secrets: readonly string[]): void {
    const forms = secrets
      .filter((secret) => secret.length >= SHORTEST && !PUBLIC.has(secret))
      .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]);
    // The longest come first, because one may be part of another.
    this.#forms = [...new Set([...this.#forms, ...forms])].sort((a, b) => b.length - a.length);
  }

  /** The line without them. */
  hide(line: string): string {
    return this.#forms.reduce((hidden, secret) => hidden.replaceAll(secret, HIDDEN), line);
  }
}
