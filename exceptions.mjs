// What `npm run check` lets pass until it is mended: the list only shrinks.

/** Folders and files in which a file of more than 400 lines or a function of more than 60 is being split. */
export const tooLong = ["src/turns/**", "src/providers/**", "src/documents/**", "src/config/load.ts", "quickstart/**"];

/** Files whose imports go round in a circle, as a regular expression. */
export const circles = "^$";

/** Files that import from a layer above their own, as a regular expression. */
export const upwards = "^$";
