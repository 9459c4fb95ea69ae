// Standard output carries the protocol, so libraries must print to standard error. Imported before any of them.
import { Console } from "node:console";

globalThis.console = new Console(process.stderr);
