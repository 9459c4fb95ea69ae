import { destinationAsConfigured } from "../privacy/gate.ts";
import { DEMO_MODEL } from "../providers/demo.ts";
import type { ToolUser } from "../tools/tool-access.ts";
import type { Asked, CommandServices } from "./command.ts";
import { destinationOf } from "./destination-of-model.ts";

/** The agent of a command as a user of tools, for the command's author; undefined where it has no model server any more. */
export async function toolUserOf(
  services: Pick<CommandServices, "provider" | "privacy" | "patience">,
  { ghost, agent, message }: Asked,
): Promise<ToolUser | undefined> {
  const provider = agent && services.provider(agent.provider);
  if (agent === undefined || provider === undefined) return undefined;
  const { model = agent.model ?? DEMO_MODEL } = message.settings;
  return {
    ghost: ghost.userId,
    roomId: message.roomId,
    asker: message.sender,
    isFromAgent: false,
    isAuthentic: message.encrypted,
    agent: agent.name,
    model: (await destinationOf(services, provider, model)) ?? destinationAsConfigured(provider),
    encrypted: message.encrypted,
    steps: [],
    holdsPrompt: false,
  };
}
