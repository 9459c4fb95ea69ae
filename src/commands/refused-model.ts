import { mayHaveModel, noteRefusedModel } from "../answering/permitted-models.ts";
import type { Asked, CommandServices } from "./command.ts";

/** The reason why a room can't choose a model for an agent; undefined when it can. */
export async function refusedModel(
  services: Pick<CommandServices, "agents" | "permissions" | "provider" | "patience">,
  { ghost, message, agent, words }: Asked,
  model: string,
): Promise<string | undefined> {
  const provider = agent && services.provider(agent.provider);
  if (provider === undefined) return words.noProvider;
  try {
    const models = await services.patience.wait(provider.name, () => provider.models());
    const names = models.map(({ name }) => name);
    const who = { userId: message.sender, roomId: message.roomId, ghost: ghost.userId };
    const may = (name: string): boolean => mayHaveModel(services, who, { provider: provider.name, model: name });
    if (!names.includes(model) && !names.includes(`${model}:latest`)) {
      return words.noSuchModel(
        provider.name,
        models.flatMap(({ name, canChat }) => (canChat && may(name) ? [`\`${name}\``] : [])),
      );
    }
    if (may(model)) return undefined;
    noteRefusedModel(services, who, { provider: provider.name, model }, "command");
    return words.notYourModel(model);
  } catch (error) {
    ghost.log.warn({ provider: provider.name, error }, "the models could not be listed");
    return words.modelsUnknown(provider.name);
  }
}
