/** A picture, sound or other file in the result of a call, without its content. */
export interface CallFile {
  /** By the content, not by the words of the tool's server. */
  readonly kind: "picture" | "sound" | "file";
  /** The MIME type, by the content. */
  readonly type: string;
  /** Safe to be shown, and to be a name on a disk. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
}

/** The most files of all results of a turn together, in number and in bytes. */
export const MOST_CALL_FILES = { count: 10, bytes: 20_971_520 } as const;

/** The place of a file: the step of its call, and its number in the result, from 0. */
export interface CallFilePlace {
  readonly step: number;
  readonly number: number;
}
