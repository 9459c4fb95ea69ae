#!/bin/sh
# Makes FOLDER/matrix-agents_VERSION_all.deb of what `npm run build` has made: docker/debian/build.sh FOLDER [DIST]
set -eu
umask 022
[ $# -eq 1 ] || [ $# -eq 2 ] || {
  echo "Usage: docker/debian/build.sh FOLDER [DIST]" >&2
  exit 2
}
target=$(cd "$1" && pwd)
dist=${2:-$(dirname "$0")/../../dist}
dist=$(cd "$dist" && pwd)
cd "$(dirname "$0")/../.."
[ -f "$dist/main.js" ] || {
  echo "build.sh: there is no $dist/main.js; run npm run build first" >&2
  exit 1
}
here=docker/debian
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 0755 "$root"

program=$root/usr/lib/matrix-agents
mkdir -p "$program" "$root/usr/bin" "$root/etc/matrix-agents" "$root/usr/lib/systemd/system" "$root/usr/lib/sysusers.d" "$root/DEBIAN"
cp -R "$dist" "$program/dist"
cp -R migrations package.json config.schema.yaml config.example.yaml registration.yaml.example "$program"
# The pages that messages name.
find docs -name '*.md' | while read -r page; do
  mkdir -p "$program/$(dirname "$page")"
  cp "$page" "$program/$page"
done
# For debuggers; half of what the program weighs.
find "$program/dist" -name '*.map' -delete
chmod 0755 "$program/dist/main.js"
ln -s ../lib/matrix-agents/dist/main.js "$root/usr/bin/matrix-agents"

sed -e 's|/opt/matrix-agents/dist/|/usr/lib/matrix-agents/dist/|' \
  -e 's|^Documentation=.*|Documentation=file:/usr/share/doc/matrix-agents/README.Debian|' \
  docker/systemd/matrix-agents.service >"$root/usr/lib/systemd/system/matrix-agents.service"
cp $here/sysusers.conf "$root/usr/lib/sysusers.d/matrix-agents.conf"
# The paths of the unit: credentials in place of files, and its own folder for data.
sed -e 's|schema=\./|schema=file:///usr/lib/matrix-agents/|' \
  -e '/^ *#/s|\bdocs/|/usr/lib/matrix-agents/docs/|g' \
  -e 's|^\( *\)registration: .*|\1registration: /run/credentials/matrix-agents.service/registration.yaml|' \
  -e 's|^data_dir: .*|data_dir: /var/lib/matrix-agents|' \
  -e 's|^# encryption:$|encryption:|' \
  -e 's|^#   master_key_file: .*|  master_key_file: /run/credentials/matrix-agents.service/master_key|' config.example.yaml >"$root/etc/matrix-agents/config.yaml"
chmod 0640 "$root/etc/matrix-agents/config.yaml"
chmod 0750 "$root/etc/matrix-agents"

doc=$root/usr/share/doc/matrix-agents
mkdir -p "$doc"
cp $here/README.Debian "$doc"
ln -s ../../../lib/matrix-agents/docs "$doc/docs"
{
  cat $here/copyright
  echo
  cat NOTICE
} >"$doc/copyright"
{
  echo "matrix-agents ($version) unstable; urgency=medium"
  echo
  echo "  * See CHANGELOG.md of the project."
  echo
  echo " -- matrix-appservice-agents <maintainers@matrix-appservice-agents.invalid>  $(date -u -R -d "@${SOURCE_DATE_EPOCH:-0}")"
} | gzip -9 -n >"$doc/changelog.gz"

size=$(du -sk --exclude=DEBIAN "$root" | cut -f1)
sed -e "s/VERSION/$version/" -e "s/SIZE/$size/" $here/control >"$root/DEBIAN/control"
echo /etc/matrix-agents/config.yaml >"$root/DEBIAN/conffiles"
for script in postinst prerm postrm; do
  cp "$here/$script" "$root/DEBIAN/$script"
  chmod 0755 "$root/DEBIAN/$script"
done
dpkg-deb --root-owner-group -Zxz --build "$root" "$target/matrix-agents_${version}_all.deb"
