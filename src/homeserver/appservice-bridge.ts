import "./util-extend.ts";
import { AppServiceRegistration, Bridge, type Intent } from "matrix-appservice-bridge";
import type { Logger } from "../observability/log.ts";
import type { AgentsAppService } from "./app-service.ts";
import { redirectBridgeLogs } from "./bridge-log.ts";

/** A registration file as it was parsed, after `config/` has checked it. */
export type RawRegistration = Parameters<typeof AppServiceRegistration.fromObject>[0];

/** The running appservice. */
export interface RunningAppService {
  /** For intents, metrics and the other parts of the ecosystem. */
  readonly bridge: Bridge;
  readonly botIntent: Intent;
  /** Stops the listener and every timer; running requests may finish. */
  close(): Promise<void>;
}

/**
 * Runs matrix-appservice-bridge's `Bridge` on our own listener. It listens when this resolves; the homeserver may still
 * be away. Rejects when the port can't be listened on or the registration lacks a token. Events do not pass through
 * `Bridge`, because it can't report a failure to store one: they go to the appservice's own `onTransaction`.
 */
export async function startAppService(options: {
  readonly registration: RawRegistration;
  readonly homeserverUrl: string;
  readonly domain: string;
  readonly bindAddress: string;
  readonly port: number;
  readonly appService: AgentsAppService;
  readonly log: Logger;
}): Promise<RunningAppService> {
  const { appService, log } = options;
  redirectBridgeLogs(log);
  const registration = AppServiceRegistration.fromObject(options.registration);
  const bridge = new Bridge({
    registration,
    homeserverUrl: options.homeserverUrl,
    domain: options.domain,
    disableStores: true,
    logRequestOutcome: false,
    controller: {
      onEvent: () => undefined,
      onLog: (_text, isError) => {
        if (isError) log.warn("matrix-appservice-bridge reports an error");
      },
    },
  });
  try {
    await bridge.run(options.port, appService, options.bindAddress);
  } catch (error) {
    await bridge.close();
    throw error;
  }
  log.info({ address: options.bindAddress, port: appService.port }, "listening for the homeserver");
  return { bridge, botIntent: bridge.getIntent(), close: () => bridge.close() };
}
