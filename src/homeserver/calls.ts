import type { JsonObject } from "../matrix/json.ts";
import { asObject, asStrings, stringField } from "./answer.ts";
import type { Actor, CallOptions, HomeserverClient } from "./client.ts";
import { isUnrecognized, MatrixError, noneIfNotFound, UnexpectedAnswer } from "./errors.ts";
import { path } from "./path.ts";

/*
 * The calls about users: registration, profile and account data. room-calls.ts has the calls in rooms, device-calls.ts
 * those of devices. All throw HomeserverError, or the abort reason of `options.signal`.
 */

/** A user's profile; a field that is not set is undefined. */
export interface Profile {
  readonly displayName: string | undefined;
  readonly avatarUrl: string | undefined;
}

/** The homeserver's supported versions of the specification, e.g. `v1.11`. */
export async function versions(client: HomeserverClient, options?: CallOptions): Promise<readonly string[]> {
  const call = "GET versions";
  const answer = await client.request({ ...options, method: "GET", path: "/_matrix/client/versions" });
  const found = asStrings(asObject(answer, call)["versions"], call);
  if (found.length === 0) throw new UnexpectedAnswer(call, "the answer names no version");
  return found;
}

/** The user as which the homeserver sees our call; without `as`, the appservice's own sender. */
export async function whoami(client: HomeserverClient, as?: Actor, options?: CallOptions): Promise<string> {
  const answer = await client.request({ ...options, method: "GET", path: "/_matrix/client/v3/account/whoami", as });
  return stringField(answer, "user_id", "GET whoami");
}

/** Makes a user of our namespace. Returns whether it was made now; an existing user is fine. */
export async function register(
  client: HomeserverClient,
  localpart: string,
  options?: CallOptions,
): Promise<"made" | "existed"> {
  try {
    await client.request({
      ...options,
      method: "POST",
      path: "/_matrix/client/v3/register",
      body: { type: "m.login.application_service", username: localpart, inhibit_login: true },
    });
    return "made";
  } catch (error) {
    if (error instanceof MatrixError && error.errcode === "M_USER_IN_USE") return "existed";
    throw error;
  }
}

/** A user's profile as `as` may see it; undefined when there is no such user or profile. */
export async function getProfile(
  client: HomeserverClient,
  as: Actor,
  userId: string,
  options?: CallOptions,
): Promise<Profile | undefined> {
  const request = { ...options, method: "GET", path: path`/_matrix/client/v3/profile/${userId}`, as } as const;
  let answer: unknown;
  try {
    answer = await client.request(request);
  } catch (error) {
    // Synapse says M_UNKNOWN, not M_NOT_FOUND, of a local user who does not exist.
    if (error instanceof MatrixError && error.status === 404 && !isUnrecognized(error)) return undefined;
    throw error;
  }
  const { displayname, avatar_url } = asObject(answer, "GET profile");
  return {
    displayName: typeof displayname === "string" ? displayname : undefined,
    avatarUrl: typeof avatar_url === "string" && avatar_url !== "" ? avatar_url : undefined,
  };
}

/** Sets the user's own display name. */
export async function setDisplayName(
  client: HomeserverClient,
  as: Actor,
  displayName: string,
  options?: CallOptions,
): Promise<void> {
  await client.request({
    ...options,
    method: "PUT",
    path: path`/_matrix/client/v3/profile/${as.userId}/displayname`,
    body: { displayname: displayName },
    as,
  });
}

/** Sets the user's own avatar, an `mxc://` URI. */
export async function setAvatarUrl(
  client: HomeserverClient,
  as: Actor,
  avatarUrl: string,
  options?: CallOptions,
): Promise<void> {
  await client.request({
    ...options,
    method: "PUT",
    path: path`/_matrix/client/v3/profile/${as.userId}/avatar_url`,
    body: { avatar_url: avatarUrl },
    as,
  });
}

/** Sets a custom field of the user's own profile (spec "Profiles", MSC4133), or removes it where there is no value. */
export async function setProfileField(
  client: HomeserverClient,
  as: Actor,
  field: string,
  value: unknown,
  options?: CallOptions,
): Promise<void> {
  const request = { ...options, path: path`/_matrix/client/v3/profile/${as.userId}/${field}`, as } as const;
  if (value === undefined) await client.request({ ...request, method: "DELETE" });
  else await client.request({ ...request, method: "PUT", body: { [field]: value } });
}

/** Uploads media and returns its `mxc://` URI. */
export async function uploadMedia(
  client: HomeserverClient,
  as: Actor,
  media: { readonly bytes: Uint8Array; readonly contentType: string; readonly filename?: string },
  options?: CallOptions,
): Promise<string> {
  const answer = await client.request({
    ...options,
    method: "POST",
    path: "/_matrix/media/v3/upload",
    query: { filename: media.filename },
    body: media.bytes,
    contentType: media.contentType,
    as,
  });
  return stringField(answer, "content_uri", "POST upload");
}

/**
 * A server name has at most 230 bytes, and no other characters than these (spec "Server name"); the spec gives media
 * ids no length.
 */
const MXC = /^mxc:\/\/(?!\.{1,2}\/)([\w.:[\]-]{1,255})\/([\w-]{1,255})$/;
const LONGEST_MXC = 600;

/**
 * Downloads media, with the user's right to see it (spec "Content repository", authenticated since v1.11; a server from
 * before that gives it to anybody). Throws
 * AnswerTooLarge when it is larger than `maxBytes`, UnexpectedAnswer when `uri` is no `mxc://` URI.
 */
export async function downloadMedia(
  client: HomeserverClient,
  as: Actor,
  uri: string,
  { maxBytes, ...options }: CallOptions & { readonly maxBytes: number },
): Promise<Uint8Array> {
  const [, server, mediaId] = uri.length > LONGEST_MXC ? [] : (MXC.exec(uri) ?? []);
  if (server === undefined || mediaId === undefined) throw new UnexpectedAnswer("GET download", "no mxc:// URI");
  const request = { ...options, method: "GET", maxBytes, as } as const;
  try {
    return await client.requestBytes({
      ...request,
      path: path`/_matrix/client/v1/media/download/${server}/${mediaId}`,
    });
  } catch (error) {
    if (!isUnrecognized(error)) throw error;
    return client.requestBytes({ ...request, path: path`/_matrix/media/v3/download/${server}/${mediaId}` });
  }
}

/** The user's account data of a type; undefined when it was never set. */
export async function getAccountData(
  client: HomeserverClient,
  as: Actor,
  type: string,
  options?: CallOptions,
): Promise<JsonObject | undefined> {
  const answer = await noneIfNotFound(
    client.request({ ...options, method: "GET", path: accountDataPath(as, type), as }),
  );
  return answer === undefined ? undefined : asObject(answer, "GET account_data");
}

/** Sets the user's account data of a type. */
export async function putAccountData(
  client: HomeserverClient,
  as: Actor,
  type: string,
  content: object,
  options?: CallOptions,
): Promise<void> {
  await client.request({ ...options, method: "PUT", path: accountDataPath(as, type), body: content, as });
}

function accountDataPath(as: Actor, type: string): string {
  return path`/_matrix/client/v3/user/${as.userId}/account_data/${type}`;
}
