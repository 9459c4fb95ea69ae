import type { BrowserContextOptions, Locator, Page } from "playwright-core";
import { closeBrowser, openBrowser } from "./browser.ts";
import { startDeployment, type Deployment, type DeploymentOptions } from "./deployment.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";
import { startOllamaServer, type OllamaServer } from "./ollama-server.ts";

/** A bridge that serves its page. */
export interface WebDeployment {
  readonly deployment: Deployment;
  readonly ollama: OllamaServer;
  /** The page's address, without a slash at its end. */
  readonly url: string;
  /** A link by `matrix-agents web login`. */
  link(...options: readonly string[]): Promise<string>;
  /** A browser, signed in, at the page's beginning. */
  signedIn(options?: BrowserContextOptions, ...login: readonly string[]): Promise<Page>;
  /** Stops all of it, and the browser. */
  stop(): Promise<void>;
}

/**
 * Starts a bridge with its page, an agent of an Ollama and the demo.
 *
 * @param web further settings of the page.
 * @param more further providers and agents.
 */
export async function startWebDeployment(
  { extraConfig = {}, ...options }: DeploymentOptions = {},
  web: object = {},
  more: { readonly providers?: object; readonly agents?: object } = {},
): Promise<WebDeployment> {
  const ollama = await startOllamaServer(["llama3.2:3b"]);
  const port = await freePort();
  const deployment = await startDeployment({
    providers: { demo: { type: "demo" }, ollama: { type: "ollama", url: ollama.url }, ...more.providers },
    agents: { demo: { provider: "demo" }, llama: { provider: "ollama", model: "llama3.2:3b" }, ...more.agents },
    ...options,
    extraConfig: {
      encryption: { verification: "operator" },
      memory: { summaries: false },
      web: { enabled: true, port, ...web },
      ...extraConfig,
    },
  });
  const link = async (...login: readonly string[]): Promise<string> => {
    const { stdout, stderr, code } = await deployment.command(["web", "login", ...login]);
    if (code !== 0) throw new Error(stderr);
    return stdout.trim();
  };
  return {
    deployment,
    ollama,
    url: `http://127.0.0.1:${port}`,
    link,
    signedIn: async (browser, ...login) => {
      const context = await openBrowser(browser);
      const page = await context.newPage();
      await page.goto(await link(...login));
      await page.getByRole("button").first().click();
      await page.waitForURL((url) => !url.pathname.endsWith("/sign-in"));
      return page;
    },
    stop: async () => {
      await closeBrowser();
      await deployment.stop();
      await ollama.close();
    },
  };
}

/** Presses the button of a decision. A page that has just changed takes no decision, so that nobody presses what moved there. */
export async function decideBy(button: Locator): Promise<void> {
  const page = button.page();
  await page.evaluate(`
    window.isSent = false;
    document.addEventListener("submit", (event) => (window.isSent ||= !event.defaultPrevented));
  `);
  await eventually("the decision to be sent", async () => {
    await button.click();
    // On the page that follows there is no such mark.
    return (await page.evaluate("window.isSent").catch(() => undefined)) !== false;
  });
}

/** A database that hangs, and then what waits for it, in ms. */
export const PATIENCE_MS = 45_000;

/** The words on an open page while the bridge says nothing. */
export function banner(page: Page): Locator {
  return page.getByText("The bridge does not answer. What you see may be old");
}

/** Waits until an open page shows a sign-in that was made now: it is told of changes. */
export async function assertGoesOn(web: WebDeployment, page: Page): Promise<void> {
  await banner(page).waitFor({ state: "hidden", timeout: PATIENCE_MS });
  const rows = await page.locator("tbody tr").count();
  await web.link();
  await eventually("the page to be told", async () => (await page.locator("tbody tr").count()) > rows, {
    timeoutMs: PATIENCE_MS,
  });
}
