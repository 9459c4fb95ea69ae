import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import { agentCommands } from "./agent-commands.ts";
import { commandsReference } from "./commands.ts";
import { configurationReference } from "./configuration.ts";
import { metricsReference } from "./metrics.ts";
import { notice } from "./notice.ts";
import { performancePage, performancePlots } from "./performance.ts";
import { troubleshootingPage } from "./troubleshooting.ts";

/** A file that is made of its source. */
export interface GeneratedPage {
  /** Absolute path. */
  readonly file: string;
  /** Its text; a page is formatted as all are. */
  readonly make: () => Promise<string>;
}

/** All such pages. */
export const GENERATED: readonly GeneratedPage[] = [
  page("../agent-commands.md", agentCommands),
  page("../commands.md", commandsReference),
  page("../configuration-reference.md", configurationReference),
  page("../metrics.md", metricsReference),
  page("../performance.md", performancePage),
  page("../troubleshooting.md", troubleshootingPage),
  { file: absolute("../../NOTICE"), make: notice },
  ...[...(await performancePlots())].map(([name, svg]) => ({
    file: absolute(`../images/performance/${name}`),
    make: () => Promise.resolve(svg),
  })),
];

function page(path: string, write: () => Promise<string>): GeneratedPage {
  const file = absolute(path);
  return {
    file,
    make: async () => format(await write(), { ...(await resolveConfig(file)), parser: "markdown" }),
  };
}

function absolute(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
