#!/bin/sh
# sbt: the launcher comes once from Maven Central, is checked by its SHA-256, and resolves from the
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
  tmp=$(mktemp -d)
  trap 'rm -rf "$tmp"' EXIT
  if command -v mvn >/dev/null; then
    mvn -q dependency:copy -Dartifact=org.scala-sbt:sbt-launch:$v -DoutputDirectory="$tmp" </dev/null
  else
    "${PYTHON:-python3}" -c 'import sys, urllib.request; urllib.request.urlretrieve(*sys.argv[1:])' \
      "https://repo1.maven.org/maven2/org/scala-sbt/sbt-launch/$v/sbt-launch-$v.jar" \
      "$tmp/sbt-launch-$v.jar"
  fi
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
