import { randomUUID } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import type { Desktop, Item } from "./desktop.ts";
import type { Login } from "./scene.ts";

/** The hint in the field for new messages. */
const MESSAGE = "Write a message…";

const LIST_WIDTH = 300;

const TITLE = /^nheko \|/;

/**
 * There is no keyring here; moving things are hard to hit; and the list of rooms must be wide enough for a sentence.
 */
const SETTINGS = `[General]
run_without_secure_secrets_service=true
[user]
theme=light
reduced_motion=true
group_view=false
desktop_notifications=false
sidebar\\room_list_width=${LIST_WIDTH}
window\\tray=false
[window]
width=1120
height=640
`;

/** A person who uses nheko 0.11, as far as the accessibility bus shows its elements. */
export class Nheko {
  readonly #desktop: Desktop;

  private constructor(desktop: Desktop) {
    this.#desktop = desktop;
  }

  /** Starts it, and logs in on its own page. */
  static async login(desktop: Desktop, login: Login): Promise<Nheko> {
    const settings = join(desktop.home, "config", "nheko");
    await mkdir(settings, { recursive: true });
    await writeFile(join(settings, "nheko.conf"), SETTINGS);
    // A separate profile: nheko runs once for each, and the traces of a killed one count.
    await desktop.run("nheko", "--profile", randomUUID());
    const nheko = new Nheko(desktop);
    await desktop.press("LOGIN");
    // By keys only: the fields move while they are filled in.
    await desktop.press("Matrix ID");
    await desktop.type(login.userId);
    await desktop.keys("Tab");
    await desktop.type(login.password);
    // nheko asks for the server when discovery finds nothing at the user's domain.
    await desktop.waitSeen("server.my:8787");
    await desktop.keys("Tab", "Tab", "ctrl+a");
    await desktop.type(login.url);
    await desktop.keys("Tab");
    await desktop.press("LOGIN");
    return nheko;
  }

  /** Makes an identity with the dialog's proposals, and throws the recovery key away. */
  async setUpEncryption(): Promise<void> {
    await this.#desktop.waitSeen("Setup Encryption");
    await this.#desktop.press("OK");
    await this.#desktop.waitSeen(/^This is your recovery key/);
    await this.#desktop.press("OK");
  }

  /** Starts a direct chat, as its dialog proposes. Resolves when the room is open. */
  async startDirectChat(userId: string, name: string): Promise<void> {
    // "Start a new chat" has no name, and stands at the very left below the list; its menu's third entry is this.
    const { x, y, height } = await this.#desktop.waitSeen(TITLE);
    await this.#desktop.click({ x, y: y + height - 42, width: 60, height: 42 });
    await this.#desktop.keys("Down", "Down", "Down", "Return");
    const field = await this.#desktop.waitSeen("@user:server.tld");
    await this.#desktop.fill(field, userId);
    await this.#desktop.waitSeen(name);
    await this.#desktop.press("Start Direct Chat");
    await this.#desktop.press("Yes");
    await this.#desktop.waitSeen(MESSAGE);
    await this.#desktop.moveAway();
  }

  /** Waits until a room is in the list. */
  async waitRoom(name: string): Promise<Item> {
    const { x } = await this.#desktop.waitSeen(TITLE);
    return eventually(
      `${name} in the list`,
      async () =>
        (await this.#desktop.seen()).find(
          (item) => item.role === "label" && item.name === name && item.x < x + LIST_WIDTH,
        ),
      { timeoutMs: 60_000, intervalMs: 250 },
    );
  }

  /** Accepts an invite to a room that is in the list. */
  async accept(name: string): Promise<void> {
    await this.open(name);
    await this.#desktop.press("accept invite");
    await this.#desktop.waitSeen(MESSAGE);
    await this.#desktop.moveAway();
  }

  /** Opens a room of the list; one that is open would be closed. */
  async open(name: string): Promise<void> {
    await this.#desktop.click(await this.waitRoom(name));
    await this.#desktop.moveAway();
  }

  /** Sends a message in the open room. */
  async say(text: string): Promise<void> {
    await this.#desktop.click(await this.#desktop.waitSeen(MESSAGE));
    await this.#desktop.type(text);
    await this.#desktop.keys("Return");
  }

  /** Waits until the list shows this as the last message of a room, as far as there is space for it. */
  async waitSaid(words: RegExp): Promise<void> {
    await this.#desktop.waitSeen(words);
  }

  /** Asks a sender in the open room for a verification by emoji; resolves with the pictures. */
  async verify(name: string): Promise<string[]> {
    await this.#openProfile(name);
    await this.#desktop.press("Verify");
    await this.#desktop.press("Start verification");
    await this.#desktop.waitSeen("They match!");
    // Each has its name below it; there are no other labels with one letter.
    const labels = (await this.#desktop.seen()).filter(({ role }) => role === "label").map(({ name }) => name);
    return labels.filter((label) => /^\p{Emoji_Presentation}|\p{Emoji}\uFE0F$/u.test(label));
  }

  /** Confirms that the pictures are the same; resolves when nheko shows that the verification has succeeded. */
  async confirm(): Promise<void> {
    await this.#desktop.press("They match!");
    await this.#desktop.waitSeen(/Verification successful/);
    await this.#desktop.press("Close");
  }

  /** Takes a picture of its window, without the frame. */
  async picture(path: string): Promise<void> {
    await this.#desktop.picture(path, await this.#desktop.waitSeen(TITLE));
  }

  async #openProfile(name: string): Promise<void> {
    // The avatar beside their last message.
    const avatar = await eventually("something that was said", async () => {
      const items = await this.#desktop.seen();
      const said = items.findLastIndex((item) => item.role === "label" && item.name === name);
      return items.slice(0, said).findLast(({ width, height }) => width === 40 && height === 40);
    });
    await this.#desktop.click(avatar);
    await this.#desktop.moveAway();
  }
}
