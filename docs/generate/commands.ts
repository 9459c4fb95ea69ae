import type { NamedCommand } from "../../src/cli/command.ts";
import { loadCommands } from "../../src/cli/command-list.ts";
import { COMMON_OPTIONS, optionRows } from "../../src/cli/help.ts";
import { table } from "./table.ts";

/** docs/commands.md, made of src/cli/commands/. */
export async function commandsReference(): Promise<string> {
  const commands = await loadCommands(() => true);
  return `# Commands

<!-- Made of src/cli/commands/ by \`npm run docs\`; edit those. -->

Every command of \`matrix-agents\`; \`matrix-agents help COMMAND\` shows the same. A command's options come after its name. It
ends with 0 when all went well, with 1 when something outside of it did not, and with 2 when the command line, a setting or a key is
wrong ([which errors there are](troubleshooting.md#it-does-not-start), [the end of each command](exit-codes.md)).

${table(["option of every command", "meaning"], rowsOf(optionRows(COMMON_OPTIONS)))}

${commands.map(section).join("\n\n")}
`;
}

function section({ name, command }: NamedCommand): string {
  const { summary, arguments: forms = {}, options, examples = [] } = command;
  const parts = [`## \`${name}\``, `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`];
  const calls = Object.entries(forms).map(([form, meaning]) => [`${name} ${form}`, meaning] as const);
  if (calls.length > 0) parts.push(table(["call", "meaning"], rowsOf(calls)));
  const own = optionRows(options);
  if (own.length > 0) parts.push(table(["option", "meaning"], rowsOf(own)));
  if (examples.length > 0) parts.push(`\`\`\`sh\n${examples.join("\n")}\n\`\`\``);
  return parts.join("\n\n");
}

function rowsOf(pairs: readonly (readonly [string, string])[]): string[][] {
  return pairs.map(([head, meaning]) => [`\`${head}\``, meaning.replaceAll("<", "\\<")]);
}
