import { createHash, timingSafeEqual } from "node:crypto";

/** The verdict on the Authorization header of a request. */
export type TokenVerdict = "valid" | "missing" | "wrong";

/**
 * Makes the check of `Authorization: Bearer <hs_token>` (application-service API, "Authorization"). It compares
 * digests, so it takes the same time however much the tokens differ.
 */
export function createTokenCheck(token: string): (authorization: string | undefined) => TokenVerdict {
  const expected = digest(token);
  return (authorization) => {
    const presented = /^Bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
    if (presented === undefined) return "missing";
    return timingSafeEqual(digest(presented), expected) ? "valid" : "wrong";
  };
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
