"""count.py NAME=COMMAND ...: run each command, stream its output, and end with the sum of their counts.

A command that ends with `N passed, N failed, N skipped` adds those numbers; one that says nothing of the kind
counts as one check, by its exit status. The sum stands alone on the last line; exit 1 if anything failed."""
import os, re, signal, subprocess, sys, time

COUNTS = re.compile(r'^(\d+) passed, (\d+) failed, (\d+) skipped$')


def run(name, command):
    "Run `command`; its (passed, failed, skipped)"
    print(f'== {name}: {command}', flush=True)
    start, counts = time.time(), None
    proc = subprocess.Popen(command, shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            errors='replace', stdin=subprocess.DEVNULL, start_new_session=True, bufsize=1)
    try:
        for line in proc.stdout:
            found = COUNTS.match(line.strip())
            if found: counts = tuple(map(int, found.groups()))
            else: print(line, end='', flush=True)
        status = proc.wait()
    except KeyboardInterrupt:
        os.killpg(proc.pid, signal.SIGINT)
        try: print('\n' + proc.communicate(timeout=10)[0].strip(), flush=True)
        except (subprocess.TimeoutExpired, KeyboardInterrupt): os.killpg(proc.pid, signal.SIGKILL)
        print('interrupted', flush=True)
        sys.exit(130)
    passed, failed, skipped = counts or (int(status == 0), int(status != 0), 0)
    if status and not failed: failed = 1   # a command may not fail in silence
    print(f'== {name}: {passed} passed, {failed} failed, {skipped} skipped'
          f' (exit {status}, {time.time()-start:.0f} s)', flush=True)
    return passed, failed, skipped


def main(steps):
    "Run every step, also after a failure; exit status"
    rows = [run(*step.split('=', 1)) for step in steps]
    total = [sum(column) for column in zip(*rows)]
    print('{} passed, {} failed, {} skipped'.format(*total), flush=True)
    return int(total[1] > 0)


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
