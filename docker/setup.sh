#!/bin/sh
# Makes what docker/compose.yaml starts from, in docker/local/: secrets (mode 0600), Synapse's settings, the registration,
# the bridge's config.yaml. Run again, it makes what is missing and overwrites nothing.
set -eu
umask 077

usage() {
  cat >&2 <<'END'
Usage: docker/setup.sh SERVER_NAME [URL]

  SERVER_NAME  the part of user ids after the colon, such as example.org; it can never be changed
  URL          where people's clients reach Synapse (default: http://localhost:8008)
END
  exit 2
}

fail() {
  echo "setup.sh: $1" >&2
  exit 1
}

case $# in 1 | 2) ;; *) usage ;; esac
server_name=$1
url=${2:-http://localhost:8008}
url=${url%/}
matches() { printf '%s\n' "$1" | grep -Eq "$2"; }
matches "$server_name" '^[A-Za-z0-9.-]{1,230}(:[0-9]{1,5})?$' || fail "no server name: $server_name"
matches "$url" '^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$' || fail "no address such as https://matrix.example.org: $url"

cd "$(dirname "$0")"
made=local
settings=$made/synapse/homeserver.yaml
if [ -e "$settings" ] && ! grep -Fqx "server_name: \"$server_name\"" "$settings"; then
  fail "docker/$settings is of another server; a server's name can't be changed"
fi
if [ $# -eq 2 ] && [ -e "$settings" ] && ! grep -Fqx "public_baseurl: \"$url/\"" "$settings"; then
  fail "the address is in files that are never overwritten: write public_baseurl: \"$url/\" into docker/$settings and \"base_url\": \"$url\" into docker/$made/element/config.json, then: docker compose -f docker/compose.yaml restart synapse element"
fi

# Whose the files are, as whom everything runs: in containers a file of mode 0600 is readable for its owner alone.
if [ "$(id -u)" -eq 0 ]; then user=10001:10001; else user=$(id -u):$(id -g); fi

# Writes standard input to a file, whole, unless there is one: `ln` refuses to replace.
keep() {
  if [ -e "$1" ]; then
    cat >/dev/null
    return
  fi
  cat >"$1.new"
  [ -s "$1.new" ] || fail "nothing to write to docker/$1"
  ln "$1.new" "$1"
  rm "$1.new"
  echo "made docker/$1"
}

random() { head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

fill() { sed -e "s|SERVER_NAME|$server_name|g" -e "s|PUBLIC_URL|$url|g" "$1"; }

for folder in secrets synapse/data postgres ollama bridge/config bridge/data element; do mkdir -p "$made/$folder"; done

s=$made/secrets
random | keep $s/postgres_password
printf '*:*:*:synapse:%s\n' "$(random)" | keep $s/synapse_database_passfile
printf 'postgres://agents:%s@postgres/agents\n' "$(random)" | keep $s/bridge_database_url
random | keep $s/synapse_registration_shared_secret
random | keep $s/synapse_macaroon_secret_key
random | keep $s/synapse_form_secret
printf 'ed25519 a_%.4s %s\n' "$(random)" "$(head -c 32 /dev/urandom | base64 | tr -d '=\n')" |
  keep $s/synapse_signing_key
random | keep $s/master_key
literal=$(printf '%s' "$server_name" | sed 's/\./\\./g')
keep $s/registration.yaml <<END
# Made by docker/setup.sh. Keep it secret: its tokens act as every agent.
id: agents
url: http://bridge:9993
as_token: $(random)
hs_token: $(random)
sender_localpart: agents-appservice
rate_limited: false
namespaces:
  users:
    - exclusive: true
      regex: '^@agent_.*:$literal\$'
    - exclusive: true
      regex: '^@agents:$literal\$'
  aliases: []
  rooms: []
receive_ephemeral: true
org.matrix.msc3202: true
END

fill synapse/homeserver.yaml | keep $settings
fill bridge/config.yaml | keep $made/bridge/config/config.yaml
fill element/config.json | keep $made/element/config.json
echo "CONTAINER_USER=$user" | keep .env

if [ "$(id -u)" -eq 0 ]; then chown -R "$(sed -n 's/^CONTAINER_USER=//p' .env)" $made; fi
echo "Next: docker compose -f docker/compose.yaml up --build --detach --wait"
