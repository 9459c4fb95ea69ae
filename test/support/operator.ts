import assert from "node:assert/strict";
import type { Deployment } from "./deployment.ts";
import { eventually } from "./eventually.ts";

/** What the terminal shows of one verification. */
interface Shown {
  readonly id: string;
  readonly words: string;
}

/** The one who runs the bridge, at a terminal: confirms or declines what people ask of the agents. */
export class Operator {
  readonly #deployment: Deployment;

  constructor(deployment: Deployment) {
    this.#deployment = deployment;
  }

  /** What `matrix-agents verify` shows. */
  async verifications(): Promise<string> {
    const { code, stdout, stderr } = await this.#deployment.command(["verify"]);
    assert.equal(code, 0, stderr);
    return stdout;
  }

  /** Waits until it shows this of what somebody has asked for, and resolves with that. */
  async waitShown(userId: string, what: RegExp): Promise<Shown> {
    let terminal = "";
    const find = async (): Promise<Shown | undefined> => {
      terminal = await this.verifications();
      const [words] = terminal
        .split(/^(?=\d+: )/m)
        .filter((one) => one.includes(` ${userId} verifies `) && what.test(one));
      return words === undefined ? undefined : { id: words.slice(0, words.indexOf(":")), words };
    };
    return eventually(`${what} to be shown to the operator`, find, { instead: () => terminal });
  }

  /** Waits for the emoji of somebody's verification; they are to be these, in this order. Resolves with its id. */
  async waitSameEmoji(userId: string, emoji: readonly string[]): Promise<string> {
    assert.equal(emoji.length, 7);
    const { id, words } = await this.waitShown(userId, /\n {3}(?!They)/);
    let at = 0;
    for (const symbol of emoji) {
      at = words.indexOf(symbol, at);
      assert.notEqual(at, -1, `${emoji.join(" ")} in ${words}`);
      at += symbol.length;
    }
    return id;
  }

  async confirm(id: string): Promise<void> {
    const { code, stderr } = await this.#deployment.command(["verify", "confirm", id]);
    assert.equal(code, 0, stderr);
  }
}
