import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { dump } from "js-yaml";
import { DOMAIN } from "../support/homeserver.ts";
import { requestAs } from "../support/matrix-request.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const AT_ONCE = 4;

/** People of Synapse who are in rooms and say nothing, without clients. An application service makes them. */
export class SilentMembers {
  /** For Synapse. */
  readonly registration: string;
  readonly #token: string;
  readonly #made = new Set<string>();

  private constructor(registration: string, token: string) {
    this.registration = registration;
    this.#token = token;
  }

  static async prepare(): Promise<SilentMembers> {
    const registration = join(await temporaryDirectory("members"), "registration.yaml");
    const token = randomBytes(24).toString("hex");
    const content = {
      id: "members",
      url: null,
      as_token: token,
      hs_token: randomBytes(24).toString("hex"),
      sender_localpart: "members",
      rate_limited: false,
      namespaces: { users: [{ exclusive: true, regex: "@member.*" }], aliases: [], rooms: [] },
    };
    await writeFile(registration, dump(content));
    return new SilentMembers(registration, token);
  }

  /** Their user ids. The same ones come again for the next room, unless it begins with another one. */
  ids(count: number, first = 0): string[] {
    return Array.from({ length: count }, (_, index) => `@member${first + index}:${DOMAIN}`);
  }

  /** Makes the missing ones, and lets them join a public room of the homeserver. */
  async join(homeserver: string, roomId: string, userIds: readonly string[]): Promise<void> {
    const request = requestAs(homeserver, this.#token);
    const left = userIds.values();
    const act = async (): Promise<void> => {
      for (const userId of left) {
        if (!this.#made.has(userId)) {
          const username = userId.slice(1, userId.indexOf(":"));
          const type = "m.login.application_service";
          await request("POST", "/v3/register", { type, username, inhibit_login: true });
          this.#made.add(userId);
        }
        await request("POST", `/v3/join/${encodeURIComponent(roomId)}?user_id=${encodeURIComponent(userId)}`, {});
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, act));
  }
}
