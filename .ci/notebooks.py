"""Run the notebooks' lessons, each notebook in a process of its own, longest first.

The processes are forks of this one, which has imported beforehand what most pages import; the library itself each imports anew.

A lesson is a code cell that asserts (`assert`, `test_...(`, `expect_fail`). Cells flagged with a `tst_flags` name of
settings.ini are skipped unless named in --flags. A lesson that cannot run prints `SKIPPED name: reason` and counts as skipped.
A failing cell stops its notebook. Ends with `N passed, N failed, N skipped`."""
import argparse, atexit, configparser, gc, importlib, json, os, re, shutil
import signal, subprocess, sys, tempfile, threading, time, traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LESSON = re.compile(r'^\s*assert\b|\btest_[a-z_]+\(|\bexpect_fail\(', re.M)
SKIPPED = re.compile(r'^[\'"]?(SKIPPED \S.*?: .*?)[\'"]?$', re.M)
ANSI = re.compile(r'\x1b\[[0-9;]*m')
SECONDS = ROOT/'.venv'/'.notebook-seconds.json'   # how long each notebook took last time
ENV = {'OMP_NUM_THREADS': '1', 'TOKENIZERS_PARALLELISM': 'false', 'HF_HUB_OFFLINE': '1', 'IN_TEST': '1'}
COMMON = ('torch', 'torch._dynamo', 'transformers.models.llama.modeling_llama', 'matplotlib.pyplot',
          'matplotlib_inline.backend_inline', 'execnb.shell')


def directives(source):
    "Names of the `#|` lines of a cell, and whether it is switched off"
    found = re.findall(r'^#\|\s*([\w-]+):?\s*(\S*)', source, re.M)
    return {name for name, _ in found}, ('eval', 'false') in found


def output_text(cell):
    "Everything a cell printed or showed as text"
    texts = []
    for out in cell.get('outputs', []):
        for text in (out.get('text'), out.get('data', {}).get('text/plain')):
            if text: texts.append(text if isinstance(text, str) else ''.join(text))
    return '\n'.join(texts)


def run_one(path, skip, save, result):
    "Run notebook `path` here; write what happened to the JSON file `result`"
    from execnb.nbio import read_nb, write_nb
    from execnb.shell import CaptureShell
    sys.path.insert(0, str(ROOT))
    os.chdir(path.parent)
    nb = read_nb(path)
    shell = CaptureShell(path=path.parent, mpl_format='png')
    done = dict(passed=0, skipped=[], failed='', unreached=0)
    heading = path.stem
    cells = [c for c in nb.cells]
    for i, cell in enumerate(cells):
        if cell.cell_type != 'code':
            found = re.search(r'^#+ (.+)$', cell.source, re.M)
            if found: heading = found[1]
            continue
        names, off = directives(cell.source)
        lesson = bool(LESSON.search(cell.source))
        if off: continue
        if names & skip:
            if lesson: done['skipped'].append(f'{path.stem}: {heading} ({", ".join(sorted(names & skip))})')
            continue
        cell.outputs = []
        shell.cell(cell)
        errors = [o for o in cell.outputs if o.output_type == 'error']
        if errors:
            trace = ANSI.sub('', '\n'.join(errors[0]['traceback']))
            done['failed'] = f'under "{heading}", cell {i}:\n{cell.source}\n\n{trace[-3000:]}'
            done['unreached'] = sum(bool(LESSON.search(c.source)) for c in cells[i+1:] if c.cell_type == 'code')
            break
        absent = SKIPPED.findall(output_text(cell))
        done['skipped'] += [f'{path.stem}: {heading}: {line}' for line in absent]
        done['passed'] += lesson and not absent
    if save and not done['failed']:
        partial = path.with_suffix('.partial')
        write_nb(nb, partial)
        os.replace(partial, path)
    result.write_text(json.dumps(done))


def preload():
    "Import what pages share, so that a fork need not; starts no thread and does not ask for a GPU"
    for name in COMMON: importlib.import_module(name)
    gc.collect()
    gc.freeze()   # no fork goes through these objects again


def start(path, args, skip, folder):
    "Start a process for notebook `path`"
    result, log = folder/f'{path.stem}.json', folder/f'{path.stem}.log'
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if not pid: be_worker(log, run_one, path, skip, args.save, result)
    return dict(path=path, pid=pid, result=result, log=log, began=time.time(), status=None)


def be_worker(log, work, *args):
    "In a fork: do `work` in a session of its own with output to the file `log`, then end as a program ends"
    status = 1
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)   # what a lesson starts inherits this, and must end when told to
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for fd in (1, 2): os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), fd)
        sys.argv[1:] = []
        work(*args)
        status = 0
    except BaseException: traceback.print_exc()
    finally:
        try:
            threading._shutdown()
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
        finally: os._exit(status)


def ended(job):
    "Whether a worker has ended; its process id stays taken until `stop`"
    return os.waitid(os.P_PID, job['pid'], os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def stop(jobs):
    "End the workers and whatever they started"
    for job in jobs:
        for kill in (os.killpg, os.kill):   # a worker just born has no group yet
            try: kill(job['pid'], signal.SIGKILL)
            except ProcessLookupError: pass
        job['status'] = os.waitstatus_to_exitcode(os.waitpid(job['pid'], 0)[1])


def report(job, timed_out, limit):
    "Print one notebook's lines; its (passed, failed, skipped)"
    seconds = time.time() - job['began']
    try: done = json.loads(job['result'].read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        why = f'stopped after the limit of {limit} s' if timed_out else f'died with exit {job["status"]}'
        said = job['log'].read_text(errors='replace') if job['log'].exists() else ''
        done = dict(passed=0, skipped=[], unreached=0, failed=f'{why}\n{said[-3000:]}')
    failed, skipped = bool(done['failed']), len(done['skipped'])
    state = 'FAILED' if failed else 'ok'
    print(f'{job["path"].stem:<18} {state:<6} {seconds:6.1f} s   {done["passed"]} passed, {int(failed)} failed, {skipped} skipped')
    for line in done['skipped']: print(f'    skipped {line}')
    if failed: print('    ' + done['failed'].replace('\n', '\n    '))
    if done['unreached']: print(f'    {done["unreached"]} lessons below it were not reached')
    sys.stdout.flush()
    return (done['passed'], int(failed), skipped), seconds


def run_all(args, paths, skip):
    "Run `paths` on `args.workers` processes; their counts, summed"
    try: seconds = json.loads(SECONDS.read_text())
    except (OSError, json.JSONDecodeError): seconds = {}
    queue = sorted(paths, key=lambda p: (seconds.get(p.stem, 30), p.stat().st_size))
    rows, jobs, last = [], [], 0
    live = sys.stdout.isatty()
    folder = Path(tempfile.mkdtemp())
    try:
        while queue or jobs:
            while queue and len(jobs) < args.workers: jobs.append(start(queue.pop(), args, skip, folder))
            time.sleep(0.1)
            for job in list(jobs):
                late = time.time() - job['began'] > args.limit
                if not ended(job) and not late: continue
                stop([job])
                jobs.remove(job)
                if live: print('\r\x1b[K', end='')
                row, took = report(job, late, args.limit)
                rows.append(row)
                if not row[1]: seconds[job['path'].stem] = round(took, 1)
            if live and jobs and time.time() - last > 1:
                last = time.time()
                running = ', '.join(f'{j["path"].stem} ({last-j["began"]:.0f} s)' for j in jobs)
                print(f'\r\x1b[K[{len(rows)}/{len(paths)}] running {running}', end='', flush=True)
    except KeyboardInterrupt:
        stop(jobs)
        print('\ninterrupted: ' + ', '.join(j['path'].stem for j in jobs) + ' stopped, no notebook was written half')
        sys.exit(130)
    finally: shutil.rmtree(folder, ignore_errors=True)
    if SECONDS.parent.is_dir(): SECONDS.write_text(json.dumps(seconds, indent=1))
    return [sum(column) for column in zip(*rows)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('names', nargs='*', help='notebooks, by stem (all)')
    parser.add_argument('--flags', default='', help='flagged cells to run, e.g. slow,peers')
    parser.add_argument('--save', action='store_true', help='write outputs back into the notebooks')
    parser.add_argument('--workers', type=int, default=2, help='notebooks at a time')
    parser.add_argument('--limit', type=int, default=0, help='seconds a notebook may take (300; 3600 with --flags)')
    args = parser.parse_args()
    config = configparser.ConfigParser(delimiters=['='])
    config.read(ROOT/'settings.ini')
    known, wanted = set(config['DEFAULT']['tst_flags'].split()), set(re.findall(r'\w+', args.flags))
    if wanted - known: parser.error(f'unknown flags {sorted(wanted-known)}; settings.ini has {sorted(known)}')
    if 'cuda' in wanted:
        ask = 'import torch; raise SystemExit(not torch.cuda.is_available())'   # a process that has asked forks no users of CUDA
        if subprocess.run([sys.executable, '-c', ask]).returncode: wanted -= {'cuda'}
    args.limit = args.limit or (3600 if wanted else 300)
    found = {p.stem: p for p in sorted((ROOT/'nbs').glob('*.ipynb')) if not p.name.startswith(('_', '.'))}
    missing = set(args.names) - set(found)
    if missing: parser.error(f'no notebook named {sorted(missing)} in nbs/')
    paths = [found[name] for name in args.names] or list(found.values())
    if not paths: parser.error('nbs/ holds no notebook')
    for name, value in ENV.items(): os.environ.setdefault(name, value)
    if len(paths) > 3 and 'cuda' not in wanted: preload()   # forks that use CUDA begin empty, to be sure of it
    total = run_all(args, paths, known - wanted)
    print('{} passed, {} failed, {} skipped'.format(*total))
    return int(total[1] > 0)


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
