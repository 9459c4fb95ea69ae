// Standard output is for the protocol; whatever a library has to say goes to standard error. Imported before any of them.
import { Console } from "node:console";

globalThis.console = new Console(process.stderr);
