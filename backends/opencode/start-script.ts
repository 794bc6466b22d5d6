/** What the plugin writes into the folder of OpenCode's data once it runs: by then the database is there. */
export const readyFile = "ready";

/**
 * Becomes the CLI. Its arguments: the folder of OpenCode's data, then the CLI with its arguments. Of processes that
 * start side by side on an empty folder, each would make the database, and all but one would fail: the others wait until
 * the first one is ready or dead.
 */
export const startScript = `set -eu
data=$1
shift
mkdir -p "$data"
number=0
waits=0
until [ -e "$data/${readyFile}" ] || [ "$waits" -ge 300 ]; do
  lock=$data/first-$number
  if (set -C && echo $$ >"$lock") 2>/dev/null; then
    break
  fi
  first=$(cat "$lock")
  if [ -n "$first" ] && ! kill -0 "$first" 2>/dev/null; then
    number=$((number + 1))
  else
    sleep 0.1
    waits=$((waits + 1))
  fi
done
exec "$@"
`;
