/**
 * Makes the session's home ready and becomes the CLI. Its arguments: home, the folder shared by all sessions, the first
 * letters of the session to take up (or nothing), whether the project is trusted (`yes`, `no`, `unless-configured`), how
 * many MCP servers the session has; then the CLI with its arguments.
 */
export const startScript = `set -eu
home=$1 shared=$2 resumed=$3 trust=$4 servers=$5
shift 5

# A session's settings are its own, but any session may take up the history of another.
for name in tmp history; do
  mkdir -p "$shared/$name"
  [ -L "$home/.gemini/$name" ] || ln -s "$shared/$name" "$home/.gemini/$name"
done

# A session that is loaded in the minute of its file's name is overwritten first: the name is given another minute.
if [ -n "$resumed" ]; then
  for file in "$shared"/tmp/*/chats/session-*-"$resumed".jsonl; do
    kept="\${file%/*}/session-2000-01-01T00-00-$resumed.jsonl"
    [ ! -e "$file" ] || [ -e "$kept" ] || mv "$file" "$kept"
  done
fi

if [ "$trust" = unless-configured ]; then
  trust=yes
  found=
  [ ! -e "$PWD/.gemini/settings.json" ] || found=$PWD/.gemini/settings.json
  folder=$PWD
  while :; do
    [ ! -e "$folder/.gemini/.env" ] || found=$folder/.gemini/.env
    [ -n "$folder" ] || break
    folder=\${folder%/*}
  done
  if [ -n "$found" ]; then
    trust=no
    if [ "$servers" -gt 0 ]; then
      echo "Error: $found may run commands that nobody is asked about, so the project is not trusted, and then Gemini CLI starts no MCP servers. Remove the file, leave out the servers, or trust the project by the option trustProject" >&2
      exit 1
    fi
  fi
fi
if [ "$trust" = yes ]; then GEMINI_CLI_TRUST_WORKSPACE=true; else GEMINI_CLI_TRUST_WORKSPACE=false; fi
export GEMINI_CLI_TRUST_WORKSPACE
exec "$@"
`;
