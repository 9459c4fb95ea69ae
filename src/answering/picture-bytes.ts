import { foreignPicture, isDrawable, pictureExtent } from "../providers/pictures.ts";
import { UnreadableFile } from "./unreadable-file.ts";

/** The notices for pictures that no model accepts. */
export const FOREIGN = { heic: "heic", svg: "svg", other: "foreign_picture", none: "mislabelled" } as const;

/** The picture, if models can look at it. Throws {@link UnreadableFile}. */
export function pictureIn(bytes: Uint8Array): Uint8Array {
  const extent = pictureExtent(bytes);
  if (extent === undefined) throw new UnreadableFile(FOREIGN[foreignPicture(bytes) ?? "none"]);
  if (!isDrawable(extent)) throw new UnreadableFile("too_large");
  return bytes;
}
