import { FORMATS, type Format } from "../../src/config/formats.ts";
import { readSchema, settingsOf, type Schema, type Setting } from "./schema.ts";
import { table } from "./table.ts";

/** docs/configuration-reference.md, made of config.schema.yaml. */
export async function configurationReference(): Promise<string> {
  const settings = settingsOf(await readSchema());
  const sections = settings.filter(({ path }) => !path.includes("."));
  return `# Configuration reference

<!-- Made of config.schema.yaml by \`npm run docs\`; edit that. -->

This page lists every setting of config.yaml, the values that it takes, and its default. [configuration.md](configuration.md) explains what goes
beyond single settings, and [config.example.yaml](../config.example.yaml) is a file to start from. An unknown setting, or a value that a setting
can't take, keeps the bridge from starting; the bridge names all such mistakes at once.

${sections.map((section) => sectionOf(section, settings)).join("\n\n")}
`;
}

function sectionOf({ path, schema, isGroup, isRequired }: Setting, all: readonly Setting[]): string {
  const parts = all.filter((setting) => setting.path.startsWith(`${path}.`));
  const head = `## \`${path}\`\n\n${plain(schema.description)}${isRequired ? " Required." : ""}`;
  if (!isGroup) return `${head}\n\nTakes ${typeOf(schema)}. Default: ${defaultOf(schema, isRequired)}.`;
  const rows = parts.map((part) => [
    `\`${part.path}\``,
    part.isGroup ? GROUP : typeOf(part.schema),
    part.isGroup ? "" : defaultOf(part.schema, part.isRequired),
    [plain(part.schema.description), ...(part.types.length === 0 ? [] : [`For ${wordsOf(part.types)}.`])].join(" "),
  ]);
  return `${head}\n\n${table(["setting", "takes", "default", "meaning"], rows)}`;
}

/** Stands where a group takes no value of its own. */
const GROUP = "the settings below";

/** The values that a setting takes, with their bounds. */
function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return wordsOf([schema.const]);
  if (schema.enum !== undefined) return wordsOf(schema.enum);
  if (schema.patternErrorMessage !== undefined) return schema.patternErrorMessage;
  if (schema.format !== undefined) return plain(formatOf(schema.format).expected);
  if (schema.type === "array") return `a list, each of it ${typeOf(schema.items ?? {})}`;
  const words = TYPES[schema.type ?? ""];
  if (words === undefined) throw new Error(`a setting's type has no words yet: ${JSON.stringify(schema)}`);
  return `${words}${boundsOf(schema)}`;
}

const TYPES: Readonly<Record<string, string>> = {
  boolean: "`true` or `false`",
  integer: "a whole number",
  number: "a number",
  string: "a text",
};

function boundsOf({ minimum, maximum }: Schema): string {
  if (minimum === undefined) return maximum === undefined ? "" : ` up to ${maximum}`;
  return maximum === undefined ? ` from ${minimum}` : ` from ${minimum} to ${maximum}`;
}

function formatOf(name: string): Format {
  const format = Object.entries<Format>(FORMATS).find(([known]) => known === name)?.[1];
  if (format === undefined) throw new Error(`there is no format ${name}`);
  return format;
}

function defaultOf({ default: value }: Schema, isRequired: boolean): string {
  if (value === undefined) return isRequired ? "required" : "none";
  const shown = (one: unknown): string => `\`${typeof one === "string" ? one : JSON.stringify(one)}\``;
  if (!Array.isArray(value)) return shown(value);
  return value.length === 0 ? "an empty list" : value.map(shown).join(", ");
}

/** Plain text of the schema, as Markdown. */
function plain(text = ""): string {
  return text.replaceAll("<", "\\<").replaceAll("*", "\\*");
}

function wordsOf(values: readonly unknown[]): string {
  const words = values.map((value) => `\`${String(value)}\``);
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1) ?? ""}`;
}
