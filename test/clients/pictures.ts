// Makes the README's pictures, as people see an agent in their clients: node test/clients/pictures.ts [folder]
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inCheckout } from "../support/paths.ts";
import { startServices } from "../support/services.ts";
import { Desktop } from "./desktop.ts";
import { Iamb } from "./iamb-client.ts";
import { Nheko } from "./nheko-client.ts";
import { ensurePrograms, IAMB, NHEKO, type Programs } from "./programs.ts";
import { ROOM, Scene } from "./scene.ts";

const folder = process.argv[2] ?? inCheckout("docs/images");

function progress(line: string): void {
  console.error(line);
}

async function inNheko(scene: Scene, desktop: Desktop): Promise<void> {
  const alice = await scene.person("alice", "Alice");
  const nheko = await Nheko.login(desktop, alice);
  await nheko.setUpEncryption();
  const talk = await scene.invite(alice.userId, { inThread: true });
  await nheko.accept(ROOM);
  await talk();
  await nheko.waitSaid(/^Llama: Brown spots/);
  await nheko.picture(join(folder, "nheko.png"));
}

async function inIamb(scene: Scene, desktop: Desktop): Promise<void> {
  const carol = await scene.person("carol", "Carol");
  const talk = await scene.invite(carol.userId, { inThread: false });
  const iamb = await Iamb.login(desktop, carol);
  await iamb.accept(ROOM);
  await talk();
  await iamb.picture(join(folder, "iamb.png"), /burn what is\s+sick/);
}

/** Takes one, or says why not. */
async function take(client: Programs, picture: (scene: Scene, desktop: Desktop) => Promise<void>): Promise<void> {
  const missing = ensurePrograms(client, progress);
  if (missing !== undefined) {
    progress(`No picture: ${missing}`);
    process.exitCode = 1;
    return;
  }
  const scene = await Scene.start();
  try {
    const desktop = await Desktop.start();
    await picture(scene, desktop).finally(() => desktop.stop());
  } finally {
    await scene.stop();
  }
}

const temporary = await mkdtemp(join(tmpdir(), "matrix-agents-pictures-"));
await chmod(temporary, 0o711);
process.env["TMPDIR"] = temporary;
await mkdir(folder, { recursive: true });
const services = await startServices(progress);
try {
  await take(NHEKO, inNheko);
  await take(IAMB, inIamb);
} finally {
  await services.stop();
  await rm(temporary, { recursive: true, force: true });
}
