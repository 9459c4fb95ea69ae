/** A secret that is shorter is part of too much else. */
const SHORTEST = 8;

/** What is written in a secret's place. */
export const HIDDEN = "[secret]";

/**
 * Takes secrets out of lines of the log, in whatever form they may stand there. Nothing of ours writes one; this is for what
 * a library, or a server's answer, may put into an error.
 */
export function hideSecrets(secrets: readonly string[]): (line: string) => string {
  const forms = secrets
    .filter((secret) => secret.length >= SHORTEST)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
    // The longest first: one may be a part of another.
    .sort((a, b) => b.length - a.length);
  const unique = [...new Set(forms)];
  return (line) => unique.reduce((hidden, secret) => hidden.replaceAll(secret, HIDDEN), line);
}
