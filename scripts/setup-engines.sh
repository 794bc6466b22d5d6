#!/usr/bin/env bash
# Makes this Debian machine ready to run the tests: installs the sandbox engines that are missing, and starts dockerd
# when none answers. Run it as root. It does nothing on a machine that is ready.
#
# A dockerd started here runs until it is stopped: its process id is in .cache/dockerd.pid, its log in
# .cache/dockerd.log.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p .cache

say() { echo "setup-engines: $*"; }
fail() {
  say "$*" >&2
  exit 1
}

install_missing() {
  local packages=() entry
  for entry in dockerd:docker.io bwrap:bubblewrap debootstrap:debootstrap iptables:iptables git:git ps:procps \
    update-ca-certificates:ca-certificates flock:util-linux /usr/sbin/sshd:openssh-server; do
    command -v "${entry%%:*}" >/dev/null || packages+=("${entry##*:}")
  done
  if ((${#packages[@]} > 0)); then apt_install "${packages[@]}"; fi
  # Some Debian releases ship the client inside docker.io, others apart from it.
  if ! command -v docker >/dev/null; then apt_install docker-cli; fi
}

apt_install() {
  [[ $(id -u) == 0 ]] || fail "needs root to install: $*"
  command -v apt-get >/dev/null || fail "install these by hand, this is no Debian: $*"
  say "installing from apt: $*"
  {
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
  } >.cache/apt.log 2>&1 || {
    tail -n 20 .cache/apt.log >&2
    fail "apt-get failed; the whole log is in .cache/apt.log"
  }
}

docker_answers() { timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

# Whether the process id in file $1 is a living program called $2.
runs() {
  local id
  id=$(cat "$1" 2>/dev/null) && [[ -n $id && $(cat "/proc/$id/comm" 2>/dev/null) == "$2" ]]
}

# dockerd takes the word of a process id file for it: one left behind by a machine that went down, whose number another
# program has now, keeps dockerd from starting, or makes it wait for a containerd that is not there.
remove_stale_pid_files() {
  local entry file
  for entry in /var/run/docker.pid:dockerd /var/run/docker/containerd/containerd.pid:containerd; do
    file=${entry%%:*}
    if [[ -e $file ]] && ! runs "$file" "${entry##*:}"; then
      say "removing $file, left over from a ${entry##*:} that is gone"
      rm -f "$file"
    fi
  done
}

wait_for_docker() {
  local id=$1 deadline=$((SECONDS + 90))
  until docker_answers; do
    if ! kill -0 "$id" 2>/dev/null; then
      tail -n 30 .cache/dockerd.log >&2
      fail "dockerd ended; the whole log is in .cache/dockerd.log"
    fi
    if ((SECONDS >= deadline)); then
      tail -n 30 .cache/dockerd.log >&2
      fail "dockerd (process $id) did not answer within 90 s; the whole log is in .cache/dockerd.log"
    fi
    sleep 0.2
  done
}

start_docker() {
  if docker_answers; then
    say "docker answers: version $(docker version --format '{{.Server.Version}}')"
    return
  fi
  if [[ -n ${DOCKER_HOST:-} ]]; then fail "nothing answers at DOCKER_HOST=$DOCKER_HOST"; fi
  [[ $(id -u) == 0 ]] || fail "needs root to start dockerd"
  touch .cache/dockerd.log
  if runs /var/run/docker.pid dockerd; then
    say "waiting for the dockerd that is starting"
    wait_for_docker "$(cat /var/run/docker.pid)"
    return
  fi
  remove_stale_pid_files
  say "starting dockerd; its log is .cache/dockerd.log"
  setsid dockerd >.cache/dockerd.log 2>&1 </dev/null 9>&- &
  echo $! >.cache/dockerd.pid
  wait_for_docker "$(cat .cache/dockerd.pid)"
  say "docker answers: version $(docker version --format '{{.Server.Version}}')"
}

# Where root may not raise limits, as in many containers, Podman's defaults above the machine's own keep every container
# from starting.
set_up_podman() {
  local file=/etc/containers/containers.conf
  if ! grep -qs default_ulimits "$file" && [[ $(id -u) == 0 ]] && ! (ulimit -n 1048576) 2>/dev/null; then
    say "giving Podman's containers the limits of this machine in $file"
    mkdir -p "${file%/*}"
    grep -qs '^\[containers\]' "$file" || echo '[containers]' >>"$file"
    local files processes
    files=$(ulimit -Hn)
    processes=$(ulimit -Hu)
    # Podman's own default; the kernel may refuse a container what the machine's limit seems to allow.
    if [[ $processes == unlimited ]] || ((processes > 32768)); then processes=32768; fi
    sed -i "/^\[containers\]/a default_ulimits = [\"nofile=$files:$files\", \"nproc=$processes:$processes\"]" "$file"
  fi
  say "podman is installed: $(podman --version)"
}

install_missing
set_up_podman
# Two runs at once start one dockerd.
exec 9>.cache/setup-engines.lock
flock 9
start_docker
if bwrap --unshare-all --ro-bind / / true 2>.cache/bwrap.log; then
  say "bubblewrap works: $(bwrap --version)"
else
  fail "bubblewrap cannot make a sandbox on this machine: $(cat .cache/bwrap.log)"
fi
