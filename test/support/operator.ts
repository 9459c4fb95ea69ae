import assert from "node:assert/strict";
import type { Deployment } from "./deployment.ts";
import { eventually } from "./eventually.ts";

/** One verification as the terminal shows it. */
interface Shown {
  readonly id: string;
  readonly words: string;
}

/** The person who runs the bridge, at a terminal: confirms or declines people's requests to the agents. */
export class Operator {
  readonly #deployment: Deployment;

  constructor(deployment: Deployment) {
    this.#deployment = deployment;
  }

  /** The output of `matrix-agents verify`. */
  async verifications(): Promise<string> {
    const { code, stdout, stderr } = await this.#deployment.command(["verify"], "", { terminal: true });
    assert.equal(code, 0, stderr);
    return stdout;
  }

  /** Waits until the terminal shows this of a person's request, and resolves with it. */
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

  /** Waits for the emoji of a person's verification, which must be these, in this order. Resolves with its id. */
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
