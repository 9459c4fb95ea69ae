/** One of a few words. */
export interface Choice<T extends string = string> {
  readonly kind: "choice";
  readonly choices: readonly T[];
}

/** A number from 0 on, with at most three decimals. */
export interface NumberUpTo {
  readonly kind: "number";
  readonly most: number;
}

/** People's own words: `text` is in their language, a `name` names something defined elsewhere. */
export interface OwnWords {
  readonly kind: "text" | "name";
}

/** The possible values of a setting. */
export type Values = Choice | NumberUpTo | OwnWords;

/** The type of a setting's value. */
export type ValueOf<V extends Values> = V extends Choice<infer T> ? T : V extends NumberUpTo ? number : string;

/** Whether its values are people's own words. */
export function isOwnWords(values: Values): values is OwnWords {
  return values.kind === "text" || values.kind === "name";
}

/** A stored value; undefined when it is not a possible one. */
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
