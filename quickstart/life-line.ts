// Preloaded into every child: standard input is a pipe whose other end the parent holds. It closes when the parent is
// gone, even by SIGKILL, and the child and all it started then end as if they had been asked to.
import { isMainThread } from "node:worker_threads";

const GRACE_MS = 15_000;

if (isMainThread) {
  process.stdin.once("close", () => {
    setTimeout(() => process.kill(0, "SIGKILL"), GRACE_MS).unref();
    // 0 is the process group, of which a child is the leader.
    process.kill(0, "SIGTERM");
  });
  process.stdin.on("error", () => process.stdin.destroy());
  process.stdin.resume();
  // The pipe alone must not keep a child running that has finished.
  if ("unref" in process.stdin) process.stdin.unref();
}
