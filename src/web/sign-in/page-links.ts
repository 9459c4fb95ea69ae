import type { Actor } from "../../audit/audit-entry.ts";
import type { PageLink, PageLinks } from "../../commands/page-links.ts";
import { addressOf, signInLink } from "../address.ts";
import { roleOfUser, type RoleRules } from "../role.ts";
import { LINK_MINUTES, type SignIns } from "./sign-ins.ts";

/** Makes links for Matrix users, by the rights that the present configuration gives them. */
export function pageLinks(signIns: Pick<SignIns, "offer">, rules: RoleRules): PageLinks {
  return {
    linkFor: async (userId): Promise<PageLink> => {
      const { web } = rules.settings();
      if (web === undefined) return { kind: "off" };
      const role = roleOfUser(userId, rules);
      if (role === undefined) return { kind: "not yours" };
      const code = await signIns.offer(userId as Actor, role);
      return { kind: "link", link: signInLink(addressOf(web), code), minutes: LINK_MINUTES };
    },
  };
}
