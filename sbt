#!/bin/sh
# sbt: the launcher comes once through Maven, is checked by its SHA-256, and resolves from the
# local cache and Maven Central alone. Give it </dev/null where nobody can answer: on an error
# while loading it asks.
set -eu
v=1.13.0
sha=18d4a733eae2f70fd4d71a46e9da21d2eb7c9bf6ee85a67be9a9800e7c01403e
root=$(cd "$(dirname "$0")" && pwd)
dir="${XDG_CACHE_HOME:-$HOME/.cache}/sbt-launch"
jar="$dir/sbt-launch-$v.jar"

sha256() { if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi; }

if [ ! -f "$jar" ]; then
  command -v mvn >/dev/null || {
    echo "sbt's launcher comes through Maven, which is not on PATH: apt-get install maven" >&2
    exit 1
  }
  tmp=$(mktemp -d)
  trap 'rm -rf "$tmp"' EXIT
  mvn -q dependency:copy -Dartifact=org.scala-sbt:sbt-launch:$v -DoutputDirectory="$tmp" </dev/null
  got=$(sha256 "$tmp/sbt-launch-$v.jar" | cut -d' ' -f1)
  [ "$got" = "$sha" ] || {
    echo "sbt-launch-$v.jar has SHA-256 $got where $sha is expected: not used" >&2
    exit 1
  }
  mkdir -p "$dir"
  mv "$tmp/sbt-launch-$v.jar" "$jar.$$" && mv "$jar.$$" "$jar" # the last step is atomic
  rm -rf "$tmp"
  trap - EXIT
fi
exec "${JAVA_HOME:+$JAVA_HOME/bin/}java" -Xss4m -Xmx2g ${SBT_OPTS:-} \
  -Dsbt.override.build.repos=true -Dsbt.repository.config="$root/project/repositories" \
  -jar "$jar" "$@"
