import { startDeployment, type Deployment } from "../support/deployment.ts";
import { DOMAIN } from "../support/homeserver.ts";
import { requestAs } from "../support/matrix-request.ts";
import { startOllamaServer, type OllamaServer } from "../support/ollama-server.ts";
import type { User } from "../support/user.ts";

const ANSWER = `Brown spots with **yellow rings** point to *early blight*. What helps:

1. Take off the lowest leaves, and water the soil, not the plant.
2. Mulch, so that rain does not splash spores up.
3. Next year, plant them in another bed.

If the spots are grey and spread within days, it may be *late blight*: then act today, and burn what is sick.`;

export const ROOM = "Garden club";

export interface Login {
  readonly url: string;
  readonly userId: string;
  readonly password: string;
}

/** An encrypted group in which Bob asks Llama, for a picture of another member's view. */
export class Scene {
  readonly deployment: Deployment;
  readonly #ollama: OllamaServer;
  readonly #bob: User;

  private constructor(deployment: Deployment, ollama: OllamaServer, bob: User) {
    this.deployment = deployment;
    this.#ollama = ollama;
    this.#bob = bob;
  }

  static async start(): Promise<Scene> {
    const ollama = await startOllamaServer();
    ollama.install("llama3.2:3b", { answer: () => ANSWER, firstTokenMs: 2_000, tokenMs: 30 });
    const deployment = await startDeployment({
      providers: { ollama: { type: "ollama", url: ollama.url } },
      agents: { llama: { provider: "ollama", model: "llama3.2:3b", display_name: "Llama" } },
      synapse: { extraConfig: { default_room_version: "11" } },
    });
    const bob = await deployment.user("js-sdk", "bob");
    await setName(bob, "Bob");
    return new Scene(deployment, ollama, bob);
  }

  /** Somebody with a name, who has not logged in anywhere. */
  async person(localpart: string, name: string): Promise<Login> {
    const login = { url: this.deployment.synapse.url, userId: `@${localpart}:${DOMAIN}`, password: "a password" };
    await this.deployment.synapse.registerUser(localpart, login.password);
    const session = await requestAs(login.url, "")<{ access_token: string }>("POST", "/v3/login", {
      type: "m.login.password",
      identifier: { type: "m.id.user", user: login.userId },
      password: login.password,
    });
    const request = requestAs(login.url, session.access_token);
    await setName({ request, userId: login.userId }, name);
    await request("POST", "/v3/logout", {});
    return login;
  }

  /**
   * Makes the room with Llama in it, and invites somebody; resolves with a function that has the two others talk, in a
   * thread or not.
   */
  async invite(userId: string, { inThread }: { readonly inThread: boolean }): Promise<() => Promise<void>> {
    const agent = this.deployment.agent("llama");
    const roomId = await this.#bob.createRoom({ name: ROOM, invite: [agent, userId] });
    await this.#bob.waitMember(roomId, agent);
    return () => this.#talk(roomId, userId, agent, inThread);
  }

  async #talk(roomId: string, userId: string, agent: string, inThread: boolean): Promise<void> {
    await this.#bob.waitMember(roomId, userId);
    const first = await this.#bob.sendText({
      roomId,
      body: "The tomatoes get brown spots again. Any ideas? 🍅",
      mentions: [],
    });
    const asked = "what could it be, and what do I do?";
    await this.#bob.send(roomId, {
      msgtype: "m.text",
      body: `Llama: ${asked}`,
      format: "org.matrix.custom.html",
      formatted_body: `<a href="https://matrix.to/#/${agent}">Llama</a>: ${asked}`,
      "m.mentions": { user_ids: [agent] },
      ...(inThread ? { "m.relates_to": threadOf(first) } : {}),
    });
    await this.#bob.waitMessage({ roomId, sender: agent, where: ({ body }) => body.endsWith(ANSWER.slice(-20)) });
  }

  async stop(): Promise<void> {
    await this.deployment.stop();
    await this.#ollama.close();
  }
}

function threadOf(root: string): object {
  return { rel_type: "m.thread", event_id: root, is_falling_back: true, "m.in_reply_to": { event_id: root } };
}

/** Gives a person a display name, which rooms that are made later show. */
async function setName(user: Pick<User, "request" | "userId">, displayname: string): Promise<void> {
  await user.request("PUT", `/v3/profile/${encodeURIComponent(user.userId)}/displayname`, { displayname });
}
