"""Run the notebooks' lessons, each notebook in a process of its own, longest first.

A lesson is a code cell that asserts (`assert`, `test_...(`, `expect_fail`). Cells flagged with a `tst_flags` name of
settings.ini are skipped unless named in --flags. A lesson that cannot run prints `SKIPPED name: reason` and counts as skipped.
A failing cell stops its notebook. Ends with `N passed, N failed, N skipped`."""
import argparse, configparser, json, os, re, signal, subprocess, sys, tempfile, time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LESSON = re.compile(r'^\s*assert\b|\btest_[a-z_]+\(|\bexpect_fail\(', re.M)
SKIPPED = re.compile(r'^[\'"]?(SKIPPED \S.*?: .*?)[\'"]?$', re.M)
ANSI = re.compile(r'\x1b\[[0-9;]*m')
SECONDS = ROOT/'.venv'/'.notebook-seconds.json'   # how long each notebook took last time


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
    Path(result).write_text(json.dumps(done))


def start(path, args, skip, folder):
    "Start a worker process for notebook `path`"
    result = folder/f'{path.stem}.json'
    env = {'OMP_NUM_THREADS': '1', 'TOKENIZERS_PARALLELISM': 'false', 'HF_HUB_OFFLINE': '1', 'IN_TEST': '1', **os.environ}
    command = [sys.executable, __file__, '--one', str(path), '--result', str(result), '--skip', ','.join(sorted(skip))]
    if args.save: command.append('--save')
    log = open(folder/f'{path.stem}.log', 'w+')
    proc = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, start_new_session=True)
    return dict(path=path, proc=proc, result=result, log=log, began=time.time())


def stop(jobs):
    "End the workers and whatever they started"
    for job in jobs:
        try: os.killpg(job['proc'].pid, signal.SIGKILL)
        except ProcessLookupError: pass
        job['proc'].wait()


def report(job, timed_out, limit):
    "Print one notebook's lines; its (passed, failed, skipped)"
    seconds = time.time() - job['began']
    try: done = json.loads(job['result'].read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        job['log'].seek(0)
        why = f'stopped after the limit of {limit} s' if timed_out else f'died with exit {job["proc"].returncode}'
        done = dict(passed=0, skipped=[], unreached=0, failed=f'{why}\n{job["log"].read()[-3000:]}')
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
    with tempfile.TemporaryDirectory() as folder:
        try:
            while queue or jobs:
                while queue and len(jobs) < args.workers: jobs.append(start(queue.pop(), args, skip, Path(folder)))
                time.sleep(0.1)
                for job in list(jobs):
                    late = time.time() - job['began'] > args.limit
                    if job['proc'].poll() is None and not late: continue
                    stop([job])
                    jobs.remove(job)
                    if live: print('\r\x1b[K', end='')
                    row, took = report(job, late, args.limit)
                    rows.append(row)
                    job['log'].close()
                    if not row[1]: seconds[job['path'].stem] = round(took, 1)
                if live and jobs and time.time() - last > 1:
                    last = time.time()
                    running = ', '.join(f'{j["path"].stem} ({last-j["began"]:.0f} s)' for j in jobs)
                    print(f'\r\x1b[K[{len(rows)}/{len(paths)}] running {running}', end='', flush=True)
        except KeyboardInterrupt:
            stop(jobs)
            print('\ninterrupted: ' + ', '.join(j['path'].stem for j in jobs) + ' stopped, no notebook was written half')
            sys.exit(130)
    if SECONDS.parent.is_dir(): SECONDS.write_text(json.dumps(seconds, indent=1))
    return [sum(column) for column in zip(*rows)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('names', nargs='*', help='notebooks, by stem (all)')
    parser.add_argument('--flags', default='', help='flagged cells to run, e.g. slow,peers')
    parser.add_argument('--save', action='store_true', help='write outputs back into the notebooks')
    parser.add_argument('--workers', type=int, default=2, help='notebooks at a time')
    parser.add_argument('--limit', type=int, default=0, help='seconds a notebook may take (300; 3600 with --flags)')
    parser.add_argument('--one', type=Path, help=argparse.SUPPRESS)
    parser.add_argument('--result', help=argparse.SUPPRESS)
    parser.add_argument('--skip', default='', help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)   # what a lesson starts inherits this, and must end when told to
        return run_one(args.one, set(filter(None, args.skip.split(','))), args.save, args.result)
    config = configparser.ConfigParser(delimiters=['='])
    config.read(ROOT/'settings.ini')
    known, wanted = set(config['DEFAULT']['tst_flags'].split()), set(re.findall(r'\w+', args.flags))
    if wanted - known: parser.error(f'unknown flags {sorted(wanted-known)}; settings.ini has {sorted(known)}')
    if 'cuda' in wanted:
        import torch
        if not torch.cuda.is_available(): wanted -= {'cuda'}
    args.limit = args.limit or (3600 if wanted else 300)
    found = {p.stem: p for p in sorted((ROOT/'nbs').glob('*.ipynb')) if not p.name.startswith(('_', '.'))}
    missing = set(args.names) - set(found)
    if missing: parser.error(f'no notebook named {sorted(missing)} in nbs/')
    paths = [found[name] for name in args.names] or list(found.values())
    if not paths: parser.error('nbs/ holds no notebook')
    total = run_all(args, paths, known - wanted)
    print('{} passed, {} failed, {} skipped'.format(*total))
    return int(total[1] > 0)


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
