// Loaded before the bridge (node --import): ends the process like a power failure when the step of CRASH_AT
// ("send.sent:2") is reached for that time.
import { subscribe } from "node:diagnostics_channel";

const [step, times = "1"] = (process.env.CRASH_AT ?? "").split(":");
let left = Number(times);

subscribe("matrix-agents.step", (message) => {
  if (message.step === step && --left === 0) process.kill(process.pid, "SIGKILL");
});
