"""The supervisor: everything `make demo` starts, under one process.

``python -m apps.operations.supervisor demo [--once]`` starts the embedded servers,
migrates, sets up the demo tenants, then serves web, worker and beat until told to stop.

If the web process dies, everything stops with exit code 1. Worker and beat are restarted
after 1, 2, 4 ... seconds; five deaths in a row, each within a minute of its start, stop
everything too. Ctrl-C, SIGTERM and a closed terminal stop everything with exit code 0.
When the supervisor itself is killed, the kernel and a leash (`processes.Leash`) do it.

No Django here: it must be able to speak when settings cannot be read.
"""
