import { randomInt } from "node:crypto";

/** Consonants that are not taken for one another, so that no code is a word. */
const LETTERS = "BCDFGHJKMNPQRSTVWXZ";

const LENGTH = 4;

const CODE = new RegExp(`^[${LETTERS}]{${LENGTH}}$`);

/** The letters by which people name a call that waits for them. */
export function newCode(): string {
  return Array.from({ length: LENGTH }, () => LETTERS.charAt(randomInt(LETTERS.length))).join("");
}

/** The code that somebody wrote, in capital or small letters; undefined where it can't be one. */
export function readCode(written: string): string | undefined {
  // Other letters may have one of these as their capital.
  if (written.length !== LENGTH || !/^[A-Za-z]+$/.test(written)) return undefined;
  const code = written.toUpperCase();
  return CODE.test(code) ? code : undefined;
}

/** The step of a turn's question about a call. Each question has a code of its own. */
export function questionStep(code: string): string {
  return `question.${code}`;
}
