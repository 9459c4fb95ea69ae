import { reasonOfNetworkError } from "../observability/network-fault.ts";
import { HomeserverUnreachable, isUnknownToken, MatrixError, type HomeserverError } from "./errors.ts";

/** Why a call to the homeserver failed, in words for the admin. */
export function reasonOfHomeserverError(
  error: HomeserverError,
): `the homeserver ${"can't be reached: " | "refuses: " | "answers: "}${string}` {
  if (error instanceof HomeserverUnreachable) {
    return `the homeserver can't be reached: ${reasonOfNetworkError(error) ?? error.code}`;
  }
  if (!(error instanceof MatrixError)) return `the homeserver answers: ${error.message}`;
  if (isUnknownToken(error)) {
    return "the homeserver refuses: it does not know the registration's as_token: its copy has another one than ours (appservice.registration in config.yaml), or it has none; give it the same file, and restart it";
  }
  if (isOfOther(error)) {
    const call = error.message.slice(0, error.message.indexOf(": "));
    return `the homeserver answers: ${call}: HTTP ${error.status} without an error of Matrix`;
  }
  return `the homeserver refuses: ${error.message}`;
}

/** Whether a refusal is not in a homeserver's own words, as of a proxy. */
function isOfOther({ errcode, said }: MatrixError): boolean {
  return errcode === "M_UNKNOWN" && said === "";
}
