import { eventually } from "../support/eventually.ts";
import { jsonAnswer, type PassingAnswer } from "../support/http-proxy.ts";
import type { FloodWorld } from "./world.ts";

export interface ToDevice {
  readonly sender: string;
  readonly type: string;
  readonly content: object;
}

/** As many as Synapse gives out at once. */
const AT_ONCE = 100;

/** The content that one `/sync` has beside the homeserver's. */
export interface Told {
  readonly events?: readonly ToDevice[];
  readonly changed?: readonly string[];
}

/** The answer to a `/sync` with more in it. */
export function telling(answer: PassingAnswer, { events = [], changed = [] }: Told): PassingAnswer {
  if (answer.status !== 200) return answer;
  const body = JSON.parse(answer.body.toString()) as {
    to_device?: { events?: unknown[] };
    device_lists?: { changed?: string[] };
  };
  return jsonAnswer(200, {
    ...body,
    to_device: { events: [...(body.to_device?.events ?? []), ...events] },
    device_lists: { ...body.device_lists, changed: [...(body.device_lists?.changed ?? []), ...changed] },
  });
}

/** To-device messages for an agent, given out by its `/sync` as by Synapse: sending them all would take minutes. */
export class ToDeviceFlood {
  #left: readonly ToDevice[] = [];

  constructor(world: FloodWorld, agent: string) {
    world.intercept = async (request, forward) => {
      const answer = await forward();
      const url = new URL(request.url, "http://localhost");
      if (!url.pathname.endsWith("/sync") || url.searchParams.get("user_id") !== agent) return answer;
      const events = this.#left.slice(0, AT_ONCE);
      if (events.length === 0) return answer;
      this.#left = this.#left.slice(AT_ONCE);
      return telling(answer, { events });
    };
  }

  send(messages: readonly ToDevice[]): void {
    this.#left = [...this.#left, ...messages];
  }

  /** Resolves when all have been handed out. */
  async taken(): Promise<void> {
    await eventually("the agent to have taken all in", () => this.#left.length === 0, { timeoutMs: 600_000 });
  }
}
