// Loaded before the bridge by the soak: at each SIGUSR2 the process collects its garbage, so that what is left is what it
// keeps. By itself V8 collects so late that a flat process looks like a growing one for minutes.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");
// Last resort: also what is only cached, and its pages go back to the system.
process.on("SIGUSR2", () => collect({ type: "major", execution: "sync", flavor: "last-resort" }));
