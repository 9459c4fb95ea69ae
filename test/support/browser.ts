import { existsSync } from "node:fs";
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions } from "playwright-core";
import { ensurePrograms } from "./debian.ts";

/** Where Debian and others put Chromium. */
const COMMANDS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Chromium asks its makers for news at each start, and root's needs this to start at all. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

let started: Promise<Browser> | undefined;

/**
 * A new browser without history. Debian's Chromium is installed where there is none and this is root's
 * process. Throws, with what to install, where there is still none.
 */
export async function openBrowser(options: BrowserContextOptions = {}): Promise<BrowserContext> {
  started ??= start();
  return (await started).newContext(options);
}

/** Closes the browser with all that was opened in it. */
export async function closeBrowser(): Promise<void> {
  await (await started)?.close();
  started = undefined;
}

async function start(): Promise<Browser> {
  const missing = ensurePrograms(
    { commands: ["chromium"], packages: ["chromium"] },
    (line) => console.error(line),
    () => (found() === undefined ? "chromium" : undefined),
  );
  const executablePath = found();
  if (executablePath === undefined) throw new Error(`the tests of the page need a browser: ${missing ?? ""}`);
  return chromium.launch({ executablePath, args: ARGUMENTS });
}

function found(): string | undefined {
  return COMMANDS.find((command) => existsSync(command));
}
