import type { Command, NamedCommand, Option, Options } from "./command.ts";

/** The options that every command takes. */
export const COMMON_OPTIONS = {
  config: { type: "string", short: "c", value: "FILE", meaning: "the configuration (default: config.yaml)" },
  help: { type: "boolean", short: "h", meaning: "show help for a command" },
  version: { type: "boolean", short: "v", meaning: "print the version" },
} as const;

/** Longer names have their meaning on the next line. */
const WIDEST = 22;

/** The help of several commands: the purpose of each, and its own options. */
export function overview(commands: readonly NamedCommand[]): string {
  const withOptions = commands.filter(({ command }) => Object.keys(command.options).length > 0);
  const parts = [
    "matrix-agents: AI models as end-to-end encrypted Matrix users on your own homeserver",
    "Usage: matrix-agents <command> [options]; matrix-agents help <command> tells more about it",
    listed(commands.map(({ name, command }) => [called(name, command), command.summary])),
    `Options:\n${listed(optionRows(COMMON_OPTIONS))}`,
    ...withOptions.map(({ name, command }) => `${name}:\n${listed(optionRows(command.options))}`),
  ];
  return `${parts.join("\n\n")}\n`;
}

/** The help of one command. */
export function helpOf({ name, command }: NamedCommand): string {
  const parts = [`matrix-agents ${name}: ${command.summary}`];
  const { arguments: forms = {}, options, examples = [] } = command;
  const calls = Object.keys(forms).map((form) => `  matrix-agents ${name} ${form}`.trimEnd());
  parts.push(calls.length === 0 ? `Usage: matrix-agents ${name} [options]` : `Usage:\n${calls.join("\n")}`);
  if (calls.length > 0) parts.push(`Arguments:\n${listed(Object.entries(forms))}`);
  const { config, help } = COMMON_OPTIONS;
  parts.push(`Options:\n${listed([...optionRows(options), ...optionRows({ config, help })])}`);
  if (examples.length > 0) parts.push(`Examples:\n${examples.map((example) => `  ${example}`).join("\n")}`);
  return `${parts.join("\n\n")}\n`;
}

/** A command's name, with its arguments where there is one form. */
function called(name: string, { arguments: forms = {} }: Command): string {
  const [form, ...more] = Object.keys(forms);
  return form === undefined || more.length > 0 ? name : `${name} ${form}`;
}

/** Each option in its typed form, with its meaning. */
export function optionRows(options: Options): (readonly [string, string])[] {
  return Object.entries(options).map(([name, option]) => [typed(name, option), option.meaning]);
}

function typed(name: string, option: Option): string {
  const short = option.short === undefined ? "" : `-${option.short}, `;
  return `${short}--${name}${option.type === "string" ? ` ${option.value}` : ""}`;
}

function listed(rows: readonly (readonly [string, string])[]): string {
  return rows
    .map(([head, meaning]) =>
      head.length > WIDEST ? `  ${head}\n${" ".repeat(WIDEST + 3)}${meaning}` : `  ${head.padEnd(WIDEST)} ${meaning}`,
    )
    .join("\n");
}
