#!/bin/sh
# Installs the servers that the tests speak to, where this machine lets us; says what is missing where it does not.
missing=""
for pair in prometheus:prometheus prometheus-alertmanager:prometheus-alertmanager redis-server:redis-server jq:jq; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  # A policy that refuses starts: the tests start their own servers, on loopback, and end them.
  policy=/usr/sbin/policy-rc.d
  [ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy" && made=1; }
  # shellcheck disable=SC2086
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
  [ -n "$made" ] && rm -f "$policy"
else
  echo "servers for tests not installed (needs root and apt-get):$missing" >&2
  echo "on Debian: sudo apt-get install$missing" >&2
fi
exit 0
