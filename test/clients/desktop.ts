import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { eventually } from "../support/eventually.ts";
import { inCheckout } from "../support/paths.ts";
import { startProcess, type Process } from "../support/process.ts";
import { temporaryDirectory } from "../support/temporary.ts";

/** An element of a program's window, as accessibility shows it. */
export interface Item {
  readonly role: string;
  /** For a terminal, its whole content. */
  readonly name: string;
  /** Its description: for a field, a hint about its content. */
  readonly hint: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Programs open their windows slowly without a graphics card, on a machine with other work. */
const PATIENCE = { timeoutMs: 60_000, intervalMs: 250 };

/** A virtual screen with a home directory of its own, and with a person's eyes, hand and keys. */
export class Desktop {
  /** The home directory of its programs. */
  readonly home: string;
  readonly #screen: Process;
  readonly #session: Process;
  readonly #display: string;
  #asked: Promise<unknown> = Promise.resolve();

  private constructor(home: string, screen: Process, session: Process, display: string) {
    this.home = home;
    this.#screen = screen;
    this.#session = session;
    this.#display = display;
  }

  static async start(width = 1280, height = 800): Promise<Desktop> {
    const home = await temporaryDirectory("home");
    await mkdir(join(home, "run"), { mode: 0o700 });
    const screen = await startProcess({
      command: "Xvfb",
      args: ["-displayfd", "1", "-screen", "0", `${width}x${height}x24`, "-nolisten", "tcp", "-noreset"],
    });
    const number = await eventually("the screen", () => screen.stdout[0] ?? failed(screen), PATIENCE);
    const display = `:${number}`;
    const session = await startProcess({
      command: "dbus-run-session",
      // The system's Python, which has the packages of the accessibility bus.
      args: ["--", "/usr/bin/python3", inCheckout("test/clients/desktop.py")],
      env: {
        HOME: home,
        XDG_RUNTIME_DIR: join(home, "run"),
        XDG_CONFIG_HOME: join(home, "config"),
        XDG_DATA_HOME: join(home, "data"),
        XDG_CACHE_HOME: join(home, "cache"),
        DISPLAY: display,
        LANG: "C.UTF-8",
        QT_LINUX_ACCESSIBILITY_ALWAYS_ON: "1",
        QT_QUICK_BACKEND: "software",
        LIBGL_ALWAYS_SOFTWARE: "1",
      },
    });
    await eventually("the session", () => results(session)[0] ?? failed(session), PATIENCE);
    const desktop = new Desktop(home, screen, session, display);
    await desktop.run("openbox");
    return desktop;
  }

  /** Starts a program, whose output goes to a file of its name in the home. It ends with the desktop. */
  async run(program: string, ...args: readonly string[]): Promise<void> {
    await this.#ask({ cmd: "run", command: [program, ...args], log: join(this.home, `${program}.log`) });
  }

  /** The elements on the screen now, from below to above. */
  async seen(): Promise<readonly Item[]> {
    return (await this.#ask({ cmd: "seen" })) as Item[];
  }

  /** Waits until something of this name or hint is on the screen; the topmost. Throws NeverHappened. */
  async waitSeen(what: string | RegExp): Promise<Item> {
    let items: readonly Item[] = [];
    const isIt = (text: string): boolean => (typeof what === "string" ? text === what : what.test(text));
    return eventually(
      `${what} on the screen`,
      async () => {
        items = await this.seen();
        return items.findLast(({ name, hint }) => isIt(name) || isIt(hint));
      },
      { ...PATIENCE, instead: () => items.map(({ name }) => name).join(" | ") },
    );
  }

  /** Waits for an element of this name or hint that does not move, and clicks on it. Throws NeverHappened. */
  async press(what: string | RegExp): Promise<void> {
    let before: string | undefined;
    const item = await eventually(
      `${what} to stand still`,
      async () => {
        const now = await this.waitSeen(what);
        const still = JSON.stringify(now) === before;
        before = JSON.stringify(now);
        return still && now;
      },
      PATIENCE,
    );
    await this.click(item);
  }

  /** Clicks in the middle. */
  async click({ x, y, width, height }: Area): Promise<void> {
    const middle = [x + width / 2, y + height / 2].map((at) => String(Math.round(at)));
    await this.#xdotool("mousemove", ...middle, "click", "1");
  }

  /** Moves the mouse to a place without elements. */
  async moveAway(): Promise<void> {
    await this.#xdotool("mousemove", "2", "2");
  }

  /** Replaces a field's content, like somebody who clicks there and types. */
  async fill(field: Area, text: string): Promise<void> {
    await this.click(field);
    await this.keys("ctrl+a");
    await this.type(text);
  }

  async type(text: string): Promise<void> {
    await this.#xdotool("type", "--delay", "20", text);
  }

  async keys(...keys: readonly string[]): Promise<void> {
    await this.#xdotool("key", "--delay", "50", ...keys);
  }

  /** Takes a picture, as a PNG of at most 256 colours: of the whole screen or of a part. */
  async picture(path: string, area?: Area): Promise<void> {
    const crop = area === undefined ? [] : ["-crop", `${area.width}x${area.height}+${area.x}+${area.y}`, "+repage"];
    const command = ["-window", "root", ...crop, "-colors", "256", "-strip", `PNG8:${path}`];
    await promisify(execFile)("import", command, { env: { ...process.env, DISPLAY: this.#display } });
  }

  /** Ends the programs and the screen. */
  async stop(): Promise<void> {
    this.#session.write(JSON.stringify({ cmd: "end" }));
    await this.#session.exited;
    await this.#screen.stop();
  }

  async #xdotool(...args: readonly string[]): Promise<void> {
    await promisify(execFile)("xdotool", args, { env: { ...process.env, DISPLAY: this.#display } });
  }

  /** One after the other: answers carry no ids. */
  #ask(command: object): Promise<unknown> {
    const answer = this.#asked.then(async () => {
      const { length } = results(this.#session);
      this.#session.write(JSON.stringify(command));
      const next = (): string | undefined => results(this.#session)[length] ?? failed(this.#session);
      const line = await eventually("the session's answer", next, PATIENCE);
      return (JSON.parse(line) as { result: unknown }).result;
    });
    this.#asked = answer.catch(() => undefined);
    return answer;
  }
}

function results(session: Process): string[] {
  return session.stdout.filter((line) => line.startsWith('{"result"'));
}

/** Throws when it has ended. */
function failed(process: Process): undefined {
  if (process.exit() !== undefined) throw new Error(`the desktop has ended:\n${process.stderr.slice(-15).join("\n")}`);
  return undefined;
}
