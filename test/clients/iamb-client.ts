import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Desktop } from "./desktop.ts";
import type { Login } from "./scene.ts";

/** A person who uses iamb, which is built on matrix-rust-sdk, in a terminal. */
export class Iamb {
  readonly #desktop: Desktop;

  private constructor(desktop: Desktop) {
    this.#desktop = desktop;
  }

  /** Starts it in a terminal of its own, and logs in as it asks. */
  static async login(desktop: Desktop, login: Login): Promise<Iamb> {
    const settings = join(desktop.home, "config", "iamb");
    await mkdir(settings, { recursive: true });
    const profile = `[profiles.me]\nuser_id = "${login.userId}"\nurl = "${login.url}"\n`;
    await writeFile(
      join(settings, "config.toml"),
      `default_profile = "me"\n${profile}[settings]\nuser_gutter_width = 8\nusername_display = "displayname"\nlog_level = "warn"\n`,
    );
    const look = ["--geometry=104x30+40+40", "--hide-menubar", "--hide-scrollbar", "--font=JetBrains Mono 11"];
    await desktop.run("xfce4-terminal", ...look, "-x", "iamb");
    await desktop.waitSeen(/Please select login type/);
    await desktop.type("p");
    await desktop.keys("Return");
    await desktop.waitSeen(/[Pp]assword:/);
    await desktop.type(login.password);
    await desktop.keys("Return");
    await desktop.waitSeen(/Welcome to iamb!/);
    return new Iamb(desktop);
  }

  /** Accepts an invite to a room, which is open then. */
  async accept(name: string): Promise<void> {
    await this.#command("rooms");
    await this.#desktop.waitSeen(new RegExp(`${name} \\(Invited\\)`));
    await this.#desktop.keys("Return");
    await this.#desktop.waitSeen(/:invite accept/);
    await this.#command("invite accept");
    await this.#desktop.waitSeen(/accepted an invitation/);
  }

  /** Takes a picture of the terminal with iamb, without the window's frame. */
  async picture(path: string, words: RegExp): Promise<void> {
    await this.#desktop.picture(path, await this.#desktop.waitSeen(words));
  }

  async #command(command: string): Promise<void> {
    await this.#desktop.type(`:${command}`);
    await this.#desktop.keys("Return");
  }
}
