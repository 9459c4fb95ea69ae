import { foreignPicture, pictureExtent } from "../providers/pictures.ts";
import { UnreadableFile } from "./unreadable-file.ts";

/** The most pixels of a picture over all its frames: 400 MB when drawn, a photo of today's largest sensors. */
const MOST_PIXELS = 100_000_000;
const MOST_FRAMES = 1_000;

/** The notices for pictures that no model accepts. */
export const FOREIGN = { heic: "heic", svg: "svg", other: "foreign_picture", none: "mislabelled" } as const;

/** The picture, if models can look at it. Throws {@link UnreadableFile}. */
export function pictureIn(bytes: Uint8Array): Uint8Array {
  const extent = pictureExtent(bytes);
  if (extent === undefined) throw new UnreadableFile(FOREIGN[foreignPicture(bytes) ?? "none"]);
  const { w, h, frames } = extent;
  if (w * h * frames > MOST_PIXELS || frames > MOST_FRAMES) throw new UnreadableFile("too_large");
  return bytes;
}
