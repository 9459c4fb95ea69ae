import { Assets } from "./assets.ts";
import { makeApp } from "./app.ts";
import { listenForBrowsers } from "./listener.ts";
import { LivePages } from "./live.ts";
import type { WebParts } from "./parts.ts";

/** The page, while it is served. */
export interface Web {
  readonly port: number;
  /** Ends it with its open pages. */
  close(): Promise<void>;
}

/** Serves the page. Throws ListenerFailure. */
export async function startWeb(
  parts: WebParts,
  address: { readonly bind: string; readonly port: number },
): Promise<Web> {
  const live = new LivePages();
  const listener = await listenForBrowsers(makeApp(parts, await Assets.read(), live), address, parts.log);
  return {
    port: listener.port,
    close: () => {
      live.stop();
      return listener.close();
    },
  };
}
