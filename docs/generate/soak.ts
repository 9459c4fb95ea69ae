import { readFile } from "node:fs/promises";
import { shortNumber } from "../../test/bench/report/goals.ts";
import type { SoakResults } from "../../test/soak/soak.ts";
import { table } from "./table.ts";

/** Written by `npm run soak`, and copied here. */
const RESULTS = new URL("../performance/soak.json", import.meta.url);

/** A section of the page: a long run, and whether anything grew or was lost in it. */
export async function soakSection(): Promise<string> {
  const { machine, minutes, tally, visits, restarts, unloaded, trends, grown } = JSON.parse(
    await readFile(RESULTS, "utf8"),
  ) as SoakResults;
  const kills = restarts.filter(({ how }) => how === "kill").length;
  const rows = trends.map(({ what, unit, mean, growth, bound, because, isFlat }) => [
    what,
    `${shortNumber(mean)} ${unit}`,
    shortNumber(growth),
    `${shortNumber(bound)}: ${because}`,
    isFlat ? "flat" : "**grows**",
  ]);
  return `## A long run

\`npm run soak -- --minutes ${Math.floor(minutes)}\`, with a load of ${machine.load} on the machine when it began. Two people talked without a pause but for the rests, and
${visits} times somebody came with a new device, made a room, asked, left the room and logged out. The bridge was restarted ${restarts.length} times under that
talk, ${kills} of them by SIGKILL. At the end of ${unloaded} rests its agent was out of memory.

Of ${tally.asked} questions ${tally.once} were answered once; ${tally.lost} were lost, ${tally.twice} answered twice, and ${tally.undecryptable} events could not be decrypted.
The agent's cryptographic state (\`crypto_records\`), which is in memory while the agent is, grew by ${shortNumber((grown["crypto_records"] ?? 0) / visits / 1_000)} kB for each visit, the two
people's own rooms among them.

${table(["line through", "mean", "growth along it", "bound", ""], rows)}

![The course of a long run](images/performance/soak.svg)
`;
}
