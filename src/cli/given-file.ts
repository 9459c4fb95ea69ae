import { FileTooLarge, readBoundedFile } from "../config/bounded-file.ts";
import { fileFault } from "../observability/file-fault.ts";
import { UsageError } from "./usage-error.ts";

/** The text of a file that a person named. Throws FileFault, and UsageError where it has more than `most` bytes. */
export async function readGivenFile(file: string, most: number): Promise<string> {
  return readBoundedFile(file, most).catch((error: unknown) => {
    if (error instanceof FileTooLarge) throw new UsageError(`${file} is another file: it has ${error.message}`);
    throw fileFault(error, file, "read");
  });
}
