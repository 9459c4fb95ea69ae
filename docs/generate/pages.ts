import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import { agentCommands } from "./agent-commands.ts";
import { commandsReference } from "./commands.ts";
import { configurationReference } from "./configuration.ts";
import { metricsReference } from "./metrics.ts";
import { troubleshootingPage } from "./troubleshooting.ts";

/** A page of docs/ that is made of its source. */
export interface GeneratedPage {
  /** Absolute path. */
  readonly file: string;
  /** The page, formatted as all are. */
  readonly make: () => Promise<string>;
}

/** All such pages. */
export const GENERATED: readonly GeneratedPage[] = [
  page("../agent-commands.md", agentCommands),
  page("../commands.md", commandsReference),
  page("../configuration-reference.md", configurationReference),
  page("../metrics.md", metricsReference),
  page("../troubleshooting.md", troubleshootingPage),
];

function page(path: string, write: () => Promise<string>): GeneratedPage {
  const file = fileURLToPath(new URL(path, import.meta.url));
  return {
    file,
    make: async () => format(await write(), { ...(await resolveConfig(file)), parser: "markdown" }),
  };
}
