/** One of a few words. */
export interface Choice<T extends string = string> {
  readonly kind: "choice";
  readonly choices: readonly T[];
}

/** A number from 0 on, with three decimals at the most. */
export interface NumberUpTo {
  readonly kind: "number";
  readonly most: number;
}

/** Words of people's own: `text` is written in a language of theirs, a `name` is what something is called elsewhere. */
export interface OwnWords {
  readonly kind: "text" | "name";
}

/** What a setting can be. */
export type Values = Choice | NumberUpTo | OwnWords;

/** The type of such a value. */
export type ValueOf<V extends Values> = V extends Choice<infer T> ? T : V extends NumberUpTo ? number : string;

/** Whether people say what it is in words of their own. */
export function isOwnWords(values: Values): values is OwnWords {
  return values.kind === "text" || values.kind === "name";
}

/** The value that was stored; undefined when it is none of those that the setting can be. */
export function storedValue(values: Values, stored: string): string | number | undefined {
  switch (values.kind) {
    case "choice":
      return values.choices.find((choice) => choice === stored);
    case "number":
      return Number.isFinite(Number(stored)) ? Number(stored) : undefined;
    case "text":
    case "name":
      return stored;
  }
}
