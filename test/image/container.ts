import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Compose } from "../support/compose.ts";
import { startProcess, type Process } from "../support/process.ts";

/** Programs and files in place of an image: source on this machine, and target. */
export type Stand = readonly (readonly [from: string, to: string])[];

export interface ContainerOptions {
  readonly compose: Compose;
  /** Of docker/compose.yaml. */
  readonly service: string;
  /** The folder that holds compose.yaml, after setup.sh. */
  readonly docker: string;
  readonly user: string;
  readonly stand: Stand;
  readonly workdir?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly command: readonly string[];
}

/** Like an engine without privileges: no capabilities, no new ones, and only the named places writable. */
const SCRIPT = `
set -eu
root=$1; shift
mount -t tmpfs -o mode=755 tmpfs "$root"
cd "$root"
mkdir -p proc dev/shm etc usr
for name in bin lib lib64 sbin; do
  if [ -L /$name ]; then cp -P /$name $name; elif [ -d /$name ]; then mkdir $name; mount --rbind -o ro /$name $name; fi
done
mount --rbind /usr usr; mount -o remount,bind,ro usr
mount --rbind /proc proc
for name in null zero random urandom; do touch dev/$name; mount --bind /dev/$name dev/$name; done
mount -t tmpfs -o mode=1777,nosuid,nodev,noexec tmpfs dev/shm
for name in group ld.so.cache nsswitch.conf ssl nginx alternatives; do if [ -e /etc/$name ]; then cp -RL /etc/$name etc/ 2>/dev/null || :; fi; done
printf 'root:x:0:0::/:/bin/sh\\nsomebody:x:%s:%s::/:/bin/false\\n' "\${USERSPEC%:*}" "\${USERSPEC#*:}" > etc/passwd
echo '127.0.0.1 localhost synapse postgres ollama bridge element' > etc/hosts
# kind source target
while [ "$1" != -- ]; do
  kind=$1; from=$2; to=.$3; shift 3
  case $kind in
    tmpfs) mkdir -p "$to"; mount -t tmpfs -o mode=1777,nosuid,nodev,noexec tmpfs "$to" ;;
    *)
      if [ -d "$from" ]; then mkdir -p "$to"; else mkdir -p "\${to%/*}"; [ -e "$to" ] || touch "$to"; fi
      mount --bind "$from" "$to"
      if [ "$kind" = ro ]; then mount -o remount,bind,ro "$to"; fi ;;
  esac
done
shift
mount -o remount,ro "$root"
exec chroot "$root" /usr/bin/setpriv --reuid="\${USERSPEC%:*}" --regid="\${USERSPEC#*:}" --clear-groups \\
  --no-new-privs --bounding-set=-all --inh-caps=-all /usr/bin/env -i "$@"
`;

/** Starts a service of the compose file with its volumes, secrets, tmpfs and environment, without an engine. Needs root. */
export async function startContainer(folder: string, options: ContainerOptions): Promise<Process> {
  const { compose, docker, user, stand, workdir = "/", command } = options;
  const service = compose.services[options.service];
  if (service === undefined) throw new Error(`there is no service ${options.service}`);
  const root = join(folder, `root-${options.service}`);
  await mkdir(root, { recursive: true });
  const script = join(folder, "container.sh");
  await writeFile(script, SCRIPT);
  const mounts = [
    ...stand.map(([from, to]) => ["ro", from, to]),
    ...(service.secrets ?? []).map((name) => [
      "ro",
      join(docker, compose.secrets[name]?.file ?? ""),
      `/run/secrets/${name}`,
    ]),
    ...(service.volumes ?? []).map((volume) => {
      const [from = "", to = "", mode = "rw"] = volume.split(":");
      return [mode, join(docker, from), to];
    }),
    ...(service.tmpfs ?? []).map((to) => ["tmpfs", "tmpfs", to]),
  ];
  for (const [kind, from] of mounts) if (kind !== "tmpfs") await stat(from ?? "");
  const env = { PATH: "/image/bin:/usr/sbin:/usr/bin:/sbin:/bin", ...service.environment, ...options.env };
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return startProcess({
    command: "unshare",
    args: ["--mount", "--propagation", "private", "sh", script, root, ...mounts.flat(), "--"].concat(
      `--chdir=${workdir}`,
      variables,
      command,
    ),
    env: { USERSPEC: user },
  });
}
