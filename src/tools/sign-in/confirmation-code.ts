import { randomInt } from "node:crypto";

/** Letters and digits that nobody mistakes for each other. */
const SIGNS = "BCDFGHJKMNPQRSTVWXYZ23456789";
const LENGTH = 8;

/** A code that people copy from a page into a message: two groups of four signs. Few tries can't find it. */
export function newCode(): string {
  const signs = Array.from({ length: LENGTH }, () => SIGNS[randomInt(SIGNS.length)]).join("");
  return `${signs.slice(0, LENGTH / 2)}-${signs.slice(LENGTH / 2)}`;
}

/** Whether a text may be such a code, in small letters too, and with or without the hyphen. */
export function isCode(text: string): boolean {
  return /^[a-z2-9]{4}-?[a-z2-9]{4}$/i.test(text);
}

/** The one form of a code. */
export function codeOf(text: string): string {
  return text.replace("-", "").toUpperCase();
}
