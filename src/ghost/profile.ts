import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setAvatarUrl, setDisplayName, uploadMedia } from "../homeserver/calls.ts";
import type { HomeserverClient } from "../homeserver/client.ts";

/** How a ghost looks to people. */
export interface Profile {
  readonly displayName: string;
  /** Path of an image file that the configuration's check has read. */
  readonly avatar?: string;
}

/**
 * Sets display name and avatar where they differ from what was set last, and returns their fingerprint.
 *
 * @param last The fingerprint of what was set last.
 */
export async function setProfile(
  client: HomeserverClient,
  userId: string,
  profile: Profile,
  last: string | undefined,
): Promise<string> {
  const image = profile.avatar === undefined ? undefined : await readFile(profile.avatar);
  const fingerprint = createHash("sha256")
    .update(JSON.stringify([profile.displayName, image?.toString("base64") ?? null]))
    .digest("hex");
  if (fingerprint === last) return fingerprint;
  await setDisplayName(client, { userId }, profile.displayName);
  if (image !== undefined) {
    const media = { bytes: image, contentType: imageType(image) };
    await setAvatarUrl(client, { userId }, await uploadMedia(client, { userId }, media));
  }
  return fingerprint;
}

function imageType(image: Buffer): string {
  if (image.subarray(0, 4).toString("latin1") === "\x89PNG") return "image/png";
  if (image.subarray(0, 3).toString("latin1") === "GIF") return "image/gif";
  if (image.subarray(0, 4).toString("latin1") === "RIFF") return "image/webp";
  return "image/jpeg";
}
