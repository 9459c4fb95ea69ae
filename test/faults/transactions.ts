import { setTimeout as sleep } from "node:timers/promises";
import { jsonAnswer, type HttpProxy, type PassingAnswer, type PassingRequest } from "../support/http-proxy.ts";
import type { Scenario } from "./scenario.ts";
import { inWorld } from "./world.ts";

const isTransaction = (request: PassingRequest): boolean => request.url.includes("/transactions/");

/** Decides about a transaction; `end` is called when the traffic is over. */
interface Delivery {
  take(request: PassingRequest, proxy: HttpProxy, count: number): Promise<PassingAnswer | "hang up">;
  end?(proxy: HttpProxy): Promise<void>;
}

function deliver(name: string, delivery: Delivery): Scenario {
  return {
    name,
    run: () =>
      inWorld({ toDevicePush: true }, async (world) => {
        let count = 0;
        world.transactions.intercept = (request, proxy) =>
          isTransaction(request) ? delivery.take(request, proxy, ++count) : proxy.forward(request);
        await world.duringTraffic(() => sleep(4_000));
        world.transactions.intercept = (request, proxy) => proxy.forward(request);
        await delivery.end?.(world.transactions);
      }),
  };
}

/** Accepts every other transaction in place of the bridge and passes it on after the next one. */
function outOfOrder(): Delivery {
  let held: PassingRequest | undefined;
  const passOn = async (proxy: HttpProxy): Promise<void> => {
    const late = held;
    held = undefined;
    if (late !== undefined) await proxy.forward(late);
  };
  return {
    async take(request, proxy) {
      if (held === undefined) {
        held = request;
        return jsonAnswer(200, {});
      }
      const answer = await proxy.forward(request);
      await passOn(proxy);
      return answer;
    },
    end: passOn,
  };
}

/** Transactions that arrive in other orders than one by one, once each. */
export const transactions: readonly Scenario[] = [
  deliver("every transaction delivered twice", {
    async take(request, proxy) {
      await proxy.forward(request);
      return proxy.forward(request);
    },
  }),
  deliver("every transaction delivered twice at once", {
    async take(request, proxy) {
      const [answer] = await Promise.all([proxy.forward(request), proxy.forward(request)]);
      return answer;
    },
  }),
  deliver("transactions delivered out of order", outOfOrder()),
  deliver("every third transaction cut off half-way", {
    async take(request, proxy, count) {
      if (count % 3 !== 1) return proxy.forward(request);
      await proxy.forwardHalf(request);
      return "hang up";
    },
  }),
  deliver("every third transaction's answer lost", {
    async take(request, proxy, count) {
      const answer = await proxy.forward(request);
      return count % 3 === 1 ? "hang up" : answer;
    },
  }),
];
