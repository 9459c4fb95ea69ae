import { execFile } from "node:child_process";
import { cp, lchown, mkdir, readdir, readFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { promisify } from "node:util";

/** The result of docker/Dockerfile, laid out in a folder. */
export interface Image {
  /** Its files; what comes from the base image is not among them. */
  readonly root: string;
  readonly workdir: string;
  readonly user: string;
  readonly env: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly healthcheck: readonly string[];
}

interface Stage {
  readonly root: string;
  workdir: string;
  user: string;
  readonly env: Record<string, string>;
  entrypoint: string[];
  command: string[];
  healthcheck: string[];
}

/**
 * Carries out the steps of a Dockerfile by hand, on this machine in place of the base image: each stage in a separate
 * folder, in which RUN starts in WORKDIR. It knows the instructions of ours, and throws for others.
 */
export async function buildImage(checkout: string, folder: string, log: (line: string) => void): Promise<Image> {
  const file = join(checkout, "docker/Dockerfile");
  const text = (await readFile(file, "utf8")).replace(/^#.*\n/gm, "").replaceAll("\\\n", " ");
  const ignored = (await readFile(`${file}.dockerignore`, "utf8"))
    .split("\n")
    .filter((line) => /^[^*!#]/.test(line))
    .map((line) => join(checkout, line));
  const stages = new Map<string, Stage>();
  let stage: Stage | undefined;
  for (const line of text.split("\n").filter((line) => line.trim() !== "")) {
    const [instruction, rest] = [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1).trim()];
    if (instruction === "FROM") {
      const name = / AS (\w+)$/.exec(rest)?.[1] ?? "image";
      stage = {
        root: join(folder, name),
        workdir: "/",
        user: "0:0",
        env: {},
        entrypoint: [],
        command: [],
        healthcheck: [],
      };
      stages.set(name, stage);
      await mkdir(stage.root);
      continue;
    }
    if (stage === undefined) throw new Error(`before FROM: ${line}`);
    switch (instruction) {
      case "WORKDIR":
        stage.workdir = rest;
        await mkdir(join(stage.root, rest), { recursive: true });
        break;
      case "COPY":
        await copy(rest.split(/\s+/), stage, stages, checkout, ignored);
        break;
      case "RUN":
        log(`RUN ${rest}`);
        await promisify(execFile)("sh", ["-euc", rest], { cwd: join(stage.root, stage.workdir), maxBuffer: 1e8 });
        break;
      case "ENV": {
        const [, name = "", value = ""] = /^(\w+)=(\S+)$/.exec(rest) ?? [];
        stage.env[name] = value;
        break;
      }
      case "USER":
        stage.user = rest;
        break;
      case "ENTRYPOINT":
        stage.entrypoint = JSON.parse(rest) as string[];
        break;
      case "CMD":
        stage.command = JSON.parse(rest) as string[];
        break;
      case "HEALTHCHECK":
        stage.healthcheck = JSON.parse(rest.slice(rest.indexOf("["))) as string[];
        break;
      case "LABEL":
      case "VOLUME":
      case "EXPOSE":
      case "STOPSIGNAL":
        break;
      default:
        throw new Error(`what to do with it is not known here: ${line}`);
    }
  }
  const image = stages.get("image");
  if (image === undefined) throw new Error("the Dockerfile ends in no image");
  return image;
}

async function copy(
  words: readonly string[],
  stage: Stage,
  stages: ReadonlyMap<string, Stage>,
  checkout: string,
  ignored: readonly string[],
): Promise<void> {
  const options = words.filter((word) => word.startsWith("--"));
  const names = words.filter((word) => !word.startsWith("--"));
  const target = names.pop() ?? "";
  const from = options.find((option) => option.startsWith("--from="))?.slice("--from=".length);
  const [uid, gid] = (options.find((option) => option.startsWith("--chown="))?.slice("--chown=".length) ?? "0:0")
    .split(":")
    .map(Number);
  const base = from === undefined ? checkout : (stages.get(from)?.root ?? "");
  for (const name of names) {
    const source = join(base, name);
    const to = join(stage.root, resolve(stage.workdir, target), target.endsWith("/") ? basename(name) : "");
    await mkdir(dirname(to), { recursive: true });
    await cp(source, to, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !ignored.some((one) => from === undefined && relative(one, path) === ""),
    });
    await own(to, uid ?? 0, gid ?? 0);
  }
}

async function own(path: string, uid: number, gid: number): Promise<void> {
  await lchown(path, uid, gid);
  const entries = await readdir(path, { recursive: true }).catch(() => []);
  for (const entry of entries) await lchown(join(path, entry), uid, gid);
}
