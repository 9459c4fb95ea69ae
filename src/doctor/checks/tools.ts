import type { ToolServerConfig } from "../../config/config.ts";
import { counted } from "../../language/counted.ts";
import { hostOfServer } from "../../tools/tool-server.ts";
import { bad, good, unknown, type Check, type Finding } from "../check.ts";
import type { Patient } from "../patient.ts";
import { decideByRules, lookAtToolServer, type ToolServerSight } from "../tool-server-sight.ts";

/** Whether each tool server works. It is started, or reached, and asked only for its list of tools. */
export const tools: Check = {
  name: "tools",
  async run({ config, user, database }) {
    if (config.tools.size === 0) return [good("config.yaml names none")];
    return Promise.all([...config.tools].map(([name, server]) => lookAt(name, server, { user, database })));
  },
};

async function lookAt(
  name: string,
  config: ToolServerConfig,
  { user, database }: Pick<Patient, "user" | "database">,
): Promise<Finding> {
  if (config.type === "own") return good(`${name} has the bridge's own ${[...config.tools.keys()].join(", ")}`);
  const sight = await lookAtToolServer(name, config, user);
  switch (sight.kind) {
    case "untried":
      return unknown(`${name}: ${sight.reason}`);
    case "personal": {
      const people = database.kind === "read" ? database.records.state?.signIns.get(name) : undefined;
      const have = people === undefined ? "" : `; ${counted(people, "person has", "people have")}`;
      return good(`${name} (${config.locality}): people sign in at ${sight.issuer}${have}`);
    }
    case "failed":
      return bad(`${name} at ${hostOfServer(name, config)}: ${sight.reason}`, sight.mend);
    case "answered":
      return judgeTools(name, config, sight);
  }
}

/** The finding about a server that told its tools. */
function judgeTools(
  name: string,
  rules: ToolServerConfig,
  { tools: all, faulty, prompts }: Extract<ToolServerSight, { readonly kind: "answered" }>,
): Finding {
  const offered = all.filter((tool) => decideByRules(rules, tool).may !== "refuse");
  const more = faulty.length === 0 ? "" : `; ${faulty.length} more can't be used by models`;
  const answers = `${name} (${rules.locality}) answers`;
  const besides = rules.type !== "own" && rules.prompts && prompts.length > 0 ? `, and ${prompts.length} prompts` : "";
  if (offered.length > 0)
    return good(`${answers}, ${offered.length} of its ${all.length} tools are offered${besides}${more}`);
  return bad(
    `${answers}, but none of its tools (${all.length}) is offered: each is refused${more}`,
    `say which may be used in tools.${name}.tools: { NAME: ask }`,
  );
}
