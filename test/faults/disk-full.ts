import { execFile } from "node:child_process";
import { chmod, mkdir, open, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { startPostgres } from "../support/postgres.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { NotHere, type Scenario } from "./scenario.ts";
import { inWorld } from "./world.ts";

const run = promisify(execFile);

/** A separate disk for the database, in memory: filled to the last byte by a ballast file, and emptied again. */
export const diskFull: readonly Scenario[] = [
  {
    name: "disk full for PostgreSQL, for 5 s",
    async run() {
      const disk = await temporaryDirectory("disk");
      await run("mount", ["-t", "tmpfs", "-o", "size=600m,mode=0711", "tmpfs", disk]).catch((cause: unknown) => {
        throw new NotHere("needs the right to mount a disk of its own", { cause });
      });
      try {
        const folder = join(disk, "postgres");
        await mkdir(folder);
        await chmod(folder, 0o711);
        const postgres = await startPostgres({ folder });
        try {
          return await inWorld({ postgresUrl: postgres.adminUrl }, (world) =>
            world.duringTraffic(async () => {
              const ballast = join(disk, "ballast");
              await fill(disk, ballast);
              await sleep(5_000);
              await rm(ballast);
              // A full disk for its log ends PostgreSQL itself; its supervisor starts it again.
              await postgres.restart();
            }),
          );
        } finally {
          await postgres.stop();
        }
      } finally {
        await run("umount", ["-l", disk]);
      }
    },
  },
];

async function fill(disk: string, ballast: string): Promise<void> {
  const file = await open(ballast, "w");
  try {
    const block = Buffer.alloc(65_536);
    while ((await statfs(disk)).bavail > 0) {
      const isFull = await file.write(block).then(
        () => false,
        (error: unknown) => error instanceof Error && "code" in error && error.code === "ENOSPC",
      );
      if (isFull) break;
    }
  } finally {
    await file.close();
  }
}
