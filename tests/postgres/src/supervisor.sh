# Runs a Postgres cluster while the standard input of this script is open.
#
# Arguments: the folder of Postgres's programs, the folder of the cluster, lines to add to postgresql.conf, the options
# of the server, and `temporary` or `kept`. Prints `ready` once the server accepts connections. The standard input ends
# when the process that started the script closes it, or when that process ends in any way, for example by SIGKILL.
bin=$1 dir=$2 settings=$3 options=$4 lifetime=$5

control() {
  "$bin/pg_ctl" -D "$dir/data" -s "$@"
}

no_sync='' stop_mode=fast
if [ "$lifetime" = temporary ]; then
  no_sync=--no-sync stop_mode=immediate
fi

make_cluster() {
  "$bin/initdb" $no_sync --locale=C --encoding=UTF8 -A trust -U postgres -D "$dir/data" &&
    printf '%s\n' "$settings" >>"$dir/data/postgresql.conf"
}

# An earlier supervisor that was killed may have left a server running. Such a server is stopped first. It is not an
# error if there is none.
{ [ -f "$dir/data/PG_VERSION" ] || make_cluster; } &&
  { control -m immediate stop 2>/dev/null || true; } &&
  control -w -t 600 -l "$dir/log" -o "$options" start &&
  echo ready &&
  cat >/dev/null
control -m "$stop_mode" stop
if [ "$lifetime" = temporary ]; then
  rm -rf "$dir"
fi
