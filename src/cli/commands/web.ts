import { addressOf, signInLink } from "../../web/address.ts";
import { LINK_MINUTES, SignIns } from "../../web/sign-in/sign-ins.ts";
import { atDatabase } from "../at-database.ts";
import { defineCommand } from "../command.ts";
import { operator } from "../operator.ts";
import { UsageError } from "../usage-error.ts";

/**
 * Tells where the page is, or makes a link to it. Returns 0, or 1 where the page is switched off. Throws UsageError, ConfigError,
 * and the error of opening the database.
 */
export const command = defineCommand({
  summary: "tell where the page for whoever runs the bridge is, or make a link that signs you in to it",
  arguments: {
    "[show]": "tell its address",
    login: "print a link that works once",
  },
  options: {
    look: { type: "boolean", meaning: "with login: whoever uses the link may look, and not decide" },
  },
  examples: ["matrix-agents web login"],
  run({ config: file, look }, [verb = "show", ...more]) {
    if ((verb !== "show" && verb !== "login") || more.length > 0) {
      throw new UsageError("web tells the page's address; web login prints a link that signs you in");
    }
    if (look && verb !== "login") throw new UsageError("--look is for web login only");
    return atDatabase(file, async ({ config: { web }, database }) => {
      if (web === undefined) {
        process.stderr.write(
          `the page is switched off: set web.enabled to true in ${file}, and start the bridge again\n`,
        );
        return 1;
      }
      const address = addressOf(web);
      if (verb === "show") {
        process.stdout.write(`${address.url}/\nmatrix-agents web login prints a link that signs you in\n`);
        return 0;
      }
      const code = await new SignIns(database).offer(operator(), look ? "look" : "decide");
      process.stdout.write(`${signInLink(address, code)}\n`);
      process.stderr.write(`The link works once, within ${LINK_MINUTES} minutes.\n`);
      return 0;
    });
  },
});
