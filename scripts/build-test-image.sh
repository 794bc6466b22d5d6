#!/usr/bin/env bash
# Builds what the tests run: the agent CLIs in .cache/clis for sandboxes on this machine, and two Docker images.
#
#   playpen-test:<hash>, :latest       Debian, this machine's Node, npm, git, and the agent CLIs
#   playpen-test-bare:<hash>, :latest  the same without the CLIs
#
# No image registry is needed: the base comes from Debian's mirror through debootstrap, the CLIs come from npm. The hash
# covers everything that decides the content, so that a second run finds both images and does nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p .cache

say() { echo "build-test-image: $*"; }
fail() {
  say "$*" >&2
  exit 1
}

suite=bookworm
cli_pins=test/image/clis
clis=.cache/clis

hash_of() { sha256sum | cut -c1-12; }
node_identity=$(node -p '[process.version, process.platform, process.arch].join(" ")')
clis_hash=$({ cat "$cli_pins"/*.json && echo "$node_identity"; } | hash_of)
bare_hash=$({ cat scripts/build-test-image.sh && echo "$node_identity"; } | hash_of)
test_hash=$(echo "$clis_hash $bare_hash" | hash_of)
bare_image=playpen-test-bare:$bare_hash
test_image=playpen-test:$test_hash

has_image() { docker image inspect "$1" >/dev/null 2>&1; }

# The commands that the pinned packages bring, by which a machine that has them all is known.
commands=(claude codex copilot droid gemini opencode pi qwen)

# Made beside the old folder and put into its place at the end: a test that runs meanwhile finds one or the other.
install_clis() {
  [[ $(cat "$clis/.hash" 2>/dev/null) == "$clis_hash" ]] && return
  say "installing the agent CLIs from npm into $clis"
  local new=$clis.new
  rm -rf "$new"
  mkdir -p "$new"
  cp "$cli_pins"/*.json "$new"
  npm ci --prefix "$new" --no-audit --no-fund --loglevel=error
  drop_unused_opencode "$new/node_modules"
  check_clis "$new/node_modules/.bin"
  echo "$clis_hash" >"$new/.hash"
  rm -rf "$clis"
  mv "$new" "$clis"
}

# OpenCode brings a binary of 180 MB for processors with AVX2 and one for those without; its installation has linked one.
drop_unused_opencode() {
  local binary
  for binary in "$1"/opencode-*/bin/opencode; do
    [[ $binary -ef $1/opencode-ai/bin/opencode.exe ]] || rm -rf "$(dirname "$(dirname "$binary")")"
  done
}

check_clis() {
  local home command
  home=$(mktemp -d)
  for command in "${commands[@]}"; do
    # A home of its own: some write into it, and one looks for news of itself.
    HOME=$home COPILOT_AUTO_UPDATE=false FACTORY_AIRGAP_ENABLED=true timeout 60 "$1/$command" --version >/dev/null 2>&1 ||
      fail "the $command CLI does not run"
  done
  rm -rf "$home"
}

# The mirror this machine's own packages come from.
mirror() {
  local site
  site=$(apt-get indextargets --format '$(SITE) $(CODENAME) $(COMPONENT)' 2>/dev/null |
    awk -v suite="$suite" '$2 == suite && $3 == "main" { print $1; exit }')
  echo "${site:-http://deb.debian.org/debian}"
}

copy_node() {
  local root=$1 node npm library
  node=$(node -p process.execPath)
  npm=$(dirname "$(dirname "$(realpath "$(command -v npm)")")")
  [[ -f $npm/bin/npm-cli.js ]] || fail "npm is not where Node's own packages put it: $npm"
  install -D "$node" "$root/usr/local/bin/node"
  mkdir -p "$root/usr/local/lib/node_modules"
  cp -r "$npm" "$root/usr/local/lib/node_modules/npm"
  rm -rf "$root/usr/local/lib/node_modules/npm/"{docs,man}
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/local/bin/npx"
  # A Node that a distribution built may need libraries that the base lacks.
  for library in $(ldd "$node" | awk '$3 ~ /^\// { print $3 }'); do
    [[ -e $root$library || -e $root/usr$library ]] || install -D "$library" "$root$library"
  done
}

build_bare_image() {
  has_image "$bare_image" && return
  [[ $(id -u) == 0 ]] || fail "debootstrap needs root"
  local root=.cache/test-image-root
  rm -rf "$root"
  say "building $bare_image with debootstrap (about 40 s)"
  debootstrap --variant=minbase --include=ca-certificates,git,libstdc++6,procps "$suite" "$root" "$(mirror)" \
    >.cache/debootstrap.log 2>&1 || {
    tail -n 20 .cache/debootstrap.log >&2
    fail "debootstrap failed; the whole log is in .cache/debootstrap.log"
  }
  rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale}/*
  copy_node "$root"
  # npm inside a container reaches the registry through the same certificate authorities as npm here.
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  chroot "$root" useradd --uid 1000 --create-home --shell /bin/bash agent
  install -d -o 1000 -g 1000 "$root/workspace"
  tar -c --numeric-owner -C "$root" . | docker import \
    --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    --change 'ENV LANG=C.UTF-8' \
    --change 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt' \
    --change 'WORKDIR /workspace' \
    --change 'USER agent' \
    --change 'CMD ["/bin/bash"]' \
    - "$bare_image" >/dev/null
  rm -rf "$root"
}

# Adds the CLIs as one layer on top of the bare image, so that the two share everything else.
build_test_image() {
  has_image "$test_image" && return
  say "building $test_image"
  local target=usr/local/lib/agent-clis container
  container=$(docker create "$bare_image")
  trap "docker rm -f $container >/dev/null" EXIT
  # The links are made in the archive itself, relative, as npm would make them for a global installation.
  local links=.cache/test-image-links command
  rm -rf "$links"
  mkdir -p "$links/usr/local/bin"
  for command in "${commands[@]}"; do
    ln -s "../lib/agent-clis/node_modules/.bin/$command" "$links/usr/local/bin/$command"
  done
  # One archive keeps hard links: npm's packages of Claude Code and others hold their binaries under two names.
  tar -c --owner=0 --group=0 --numeric-owner --transform "s,^node_modules,$target/node_modules,S" \
    -C "$links" usr/local/bin -C "../clis" node_modules | docker cp - "$container:/"
  rm -rf "$links"
  docker commit --change 'ENV DISABLE_AUTOUPDATER=1' "$container" "$test_image" >/dev/null
  docker rm "$container" >/dev/null
  trap - EXIT
}

install_tags() {
  docker tag "$bare_image" playpen-test-bare:latest
  docker tag "$test_image" playpen-test:latest
  printf '{ "testImage": "%s", "bareImage": "%s" }\n' "$test_image" "$bare_image" >.cache/test-image.json
  say "ready: $test_image, $bare_image, $clis"
}

# Podman keeps its images by itself.
load_into_podman() {
  command -v podman >/dev/null || return 0
  local id
  id=$(docker image inspect --format '{{.Id}}' playpen-test-bare:latest)
  if [[ "sha256:$(podman image inspect --format '{{.Id}}' playpen-test-bare:latest 2>/dev/null)" != "$id" ]]; then
    say "loading the bare image into Podman"
    docker save playpen-test-bare:latest | podman load --quiet >/dev/null
  fi
}

# Two runs at once build once.
exec 9>.cache/build-test-image.lock
flock 9
install_clis
build_bare_image
build_test_image
install_tags
load_into_podman
