/** The form in which a count of days is shown. */
type DateForm = "date" | "time" | "date_time";

const DAY_MS = 86_400_000;

/**
 * The start of the count (ECMA-376, part 1, 18.17.4.1). The format's extra day in 1900 matters only before March and is
 * ignored.
 */
const EPOCH_1900 = Date.UTC(1899, 11, 30);
const EPOCH_1904 = Date.UTC(1904, 0, 1);

/** The last day of the year 9999. */
const LAST_DAY = 2_958_465;

/** Dates in a spreadsheet: numbers of days that a style shows as dates. */
export class SerialDates {
  readonly #forms: readonly (DateForm | undefined)[];
  readonly #epoch: number;

  /** @param styles the id of the number format for each cell style. */
  constructor(styles: readonly number[], formats: ReadonlyMap<number, string>, from1904: boolean) {
    this.#forms = styles.map((id) => builtIn(id) ?? formOf(formats.get(id) ?? ""));
    this.#epoch = from1904 ? EPOCH_1904 : EPOCH_1900;
  }

  /** The date in ISO 8601; undefined where the style shows the number. */
  shown(days: number, style: number): string | undefined {
    const form = this.#forms[style];
    if (form === undefined || days < 0 || days > LAST_DAY) return undefined;
    // Times are rounded: a millisecond less would be another minute.
    const at = new Date(this.#epoch + Math.round((days * DAY_MS) / 1_000) * 1_000).toISOString();
    const [date = "", time = ""] = at.slice(0, 19).split("T");
    if (form === "date") return date;
    if (form === "date_time") return `${date} ${time}`;
    // A duration may exceed a day.
    const hours = Math.floor(days) * 24 + Number(time.slice(0, 2));
    return `${String(hours).padStart(2, "0")}${time.slice(2)}`;
  }
}

/** Formats that every workbook has, in any language (ECMA-376, part 1, 18.8.30). */
function builtIn(id: number): DateForm | undefined {
  if (id === 22) return "date_time";
  if ((id >= 18 && id <= 21) || (id >= 45 && id <= 47) || (id >= 32 && id <= 35)) return "time";
  return (id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id === 36 || (id >= 50 && id <= 58) ? "date" : undefined;
}

/**
 * The parts of a date that a format shows, by its letters. Text in quotes, escaped letters, and colours or languages in
 * brackets do not count.
 */
function formOf(format: string): DateForm | undefined {
  const [first = ""] = format.slice(0, 1_000).split(";");
  const letters = first.replace(/"[^"]*"|\\.|_.|\*.|\[(?![hms]+\])[^\]]*\]|general/gi, "").toLowerCase();
  const isTime = /[hs]/.test(letters);
  const isDate = /[yd]/.test(letters) || (letters.includes("m") && !isTime);
  if (isDate) return isTime ? "date_time" : "date";
  return isTime ? "time" : undefined;
}
