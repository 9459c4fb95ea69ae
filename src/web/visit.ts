import type { Actor } from "../audit/audit-entry.ts";
import type { Language } from "../language/languages.ts";
import type { PageWords } from "../language/words.ts";
import type { Session } from "./sign-in/sign-ins.ts";
import type { Role } from "./role.ts";

/** A request of somebody who is signed in. */
export interface Visit {
  readonly session: Session;
  readonly actor: Actor;
  /** The present rights. */
  readonly role: Role;
  readonly language: Language;
  readonly words: PageWords;
  /** The path before each of the page's own. */
  readonly base: string;
  /** The page's own path, such as `/rooms`. */
  readonly path: string;
  readonly query: URLSearchParams;
}
