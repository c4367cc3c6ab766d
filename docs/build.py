"""Render the notebooks into _docs/: by Quarto where it is installed, else by Sphinx + MyST-NB.

Nothing is run again: pages show the outputs stored in the notebooks. The sidebar is that of _quarto.yml for both."""
import json, os, re, shutil, subprocess, sys
from pathlib import Path
import yaml

ROOT = Path(__file__).resolve().parent.parent
PROC, SITE = ROOT/'_proc', ROOT/'_docs'
KINDS = {'note': 'note', 'tip': 'tip', 'important': 'important', 'warning': 'warning', 'caution': 'caution'}


def sidebar():
    "[(section, [page files])] of _quarto.yml; pages outside a section stand under ''"
    contents = yaml.safe_load((ROOT/'_quarto.yml').read_text())['website']['sidebar']['contents']
    return [('', [c]) if isinstance(c, str) else (c['section'], c['contents']) for c in contents]


def check_sidebar():
    "Stop where the sidebar and nbs/ disagree"
    listed = {p for _, pages in sidebar() for p in pages if p.endswith('.ipynb')}
    there = {p.name for p in (ROOT/'nbs').glob('*.ipynb') if not p.name.startswith(('_', '.'))}
    for name in sorted(there - listed): print(f'_quarto.yml: nbs/{name} is missing from the sidebar')
    for name in sorted(listed - there): print(f'_quarto.yml: the sidebar names {name}, which nbs/ does not hold')
    return listed == there


def text(source): return source if isinstance(source, str) else ''.join(source)


def callouts(md):
    "Quarto callouts become MyST admonitions"
    def fence(m):
        title = re.search(r'title="([^"]*)"', m[3])
        kind = KINDS.get(m[2], 'note')
        if title: return f'{m[1]}{{admonition}} {title[1]}\n:class: {kind}'
        return f'{m[1]}{{{kind}}}'
    return re.sub(r'^(:{3,}) *\{\.callout-(\w+)([^}]*)\}', fence, md, flags=re.M)


def links(md, pages, host):
    "Links of nbdev to its host become links between these pages, and so do links into the repository"
    def local(m):
        name = re.sub(r'`(.+)`', r'<code>\1</code>', m[1])
        return f'<a href="{pages.get(m[2], m[2])}.html{m[3]}">{name}</a>'
    md = re.sub(r'\[([^\]]+)\]\(' + re.escape(host) + r'/(\w+)\.html((?:#[\w.-]+)?)\)', local, md)
    return md.replace('](../CONTRIBUTING.md)', '](CONTRIBUTING.md)')


def defined(source):
    "Names that an exported cell defines, for the links to them"
    names = re.findall(r'^(?:def|class) (\w+)', source, re.M)
    return [n for n in names if not n.startswith('_')]


def fix_code(cell):
    "The cells that show code cell `cell` on a page"
    source = text(cell['source'])
    told = dict(re.findall(r'^#\| *([\w-]+):? *(.*)$', source, re.M))
    source = re.sub(r'^#\|.*\n?', '', source, flags=re.M).strip('\n')
    if told.get('include') == 'false' or told.get('eval') == 'false' and not cell.get('outputs') and not source: return []
    tags, before = [], []
    if 'code-summary' in told:
        tags.append('exports')
        ids = ''.join(f'<span id="{n.lower()}"></span>' for n in defined(source))
        if ids: before = [dict(cell_type='markdown', metadata={}, source=ids)]
    if told.get('echo') == 'false': tags.append('remove-input')
    if told.get('output') == 'false': tags.append('remove-output')
    outputs = cell.get('outputs', [])
    for out in outputs:
        out.pop('has_sd', None)
        if 'data' in out and 'image/png' in out['data']: out['data'].pop('text/plain', None)
    meta = {'tags': tags} if tags else {}
    title = re.search(r'''title\s*=\s*f?(['"])(.+?)\1''', source)
    if title: meta['mystnb'] = {'image': {'alt': title[2]}}
    return before + [dict(cell_type='code', metadata=meta, source=source, outputs=outputs, execution_count=None)]


def page(proc_file, pages, host):
    "The notebook that Sphinx reads for `proc_file`"
    original = json.loads((ROOT/'nbs'/proc_file.name).read_text())
    first = next(text(c['source']) for c in original['cells'] if c['cell_type'] == 'markdown')
    head = re.sub(r'((?:^> ?.*\n?)+)', lambda m: '{.promise}\n' + m[1], first, count=1, flags=re.M)
    cells = [dict(cell_type='markdown', metadata={}, source=head)]
    for cell in json.loads(proc_file.read_text())['cells']:
        if cell['cell_type'] == 'code': cells += fix_code(cell)
        elif cell['cell_type'] == 'markdown':
            source = text(cell['source'])
            if source.startswith('<!-- WARNING'): continue
            cells.append(dict(cell_type='markdown', metadata={}, source=callouts(links(source, pages, host))))
    if proc_file.stem == 'index': cells.append(dict(cell_type='markdown', metadata={}, source=toctree()))
    for i, cell in enumerate(cells): cell['id'] = f'c{i}'
    kernel = {'kernelspec': {'name': 'python3', 'display_name': 'python3', 'language': 'python'},
              'language_info': {'name': 'python'}}
    return json.dumps(dict(cells=cells, metadata=kernel, nbformat=4, nbformat_minor=5), indent=1)


def toctree():
    "The sidebar as Sphinx reads it"
    def block(section, names):
        rows = [Path(n).stem for n in names if (ROOT/'nbs'/n).exists() or n.endswith('.md')]
        return '\n'.join(['```{toctree}', ':hidden:', f':caption: {section}', '', *rows, '```'])
    return '\n\n'.join(block(s, names) for s, names in sidebar() if s)


def write(path, content):
    "Write where something changed, so that Sphinx renders again only what changed"
    if not path.exists() or path.read_text() != content: path.write_text(content)


def sphinx():
    "_proc/ to _docs/ by Sphinx"
    from nbdev.config import get_config
    cfg, source = get_config(), PROC/'.sphinx'
    host = cfg.doc_host + cfg.doc_baseurl
    files = [f for f in sorted(PROC.glob('*.ipynb')) if (ROOT/'nbs'/f.name).exists()]
    pages = {}
    for f in files:
        found = re.search(r'default_exp:? +([\w.]+)', (ROOT/'nbs'/f.name).read_text())
        pages[found[1] if found else f.stem] = f.stem
    source.mkdir(exist_ok=True)
    keep = {f.name for f in files} | {'CONTRIBUTING.md'}
    for old in source.iterdir():
        if old.name not in keep: old.unlink()
    for f in files: write(source/f.name, page(f, pages, host))
    write(source/'CONTRIBUTING.md', (ROOT/'CONTRIBUTING.md').read_text())
    command = [sys.executable, '-m', 'sphinx', '-q', '-W', '--keep-going', '-b', 'html', '-c', str(ROOT/'docs'),
               '-d', str(PROC/'.doctrees'), str(source), str(SITE)]
    status = subprocess.run(command).returncode
    if status: shutil.rmtree(PROC/'.doctrees', ignore_errors=True)   # the next run says it again
    return status


def quarto():
    "_proc/ to _docs/ by Quarto"
    for name in ('_quarto.yml', 'CONTRIBUTING.md', 'docs/site.css', 'docs/favicon.svg'): shutil.copy2(ROOT/name, PROC)
    status = subprocess.run(['quarto', 'render', str(PROC), '--no-execute']).returncode
    if status == 0:
        shutil.rmtree(SITE, ignore_errors=True)
        shutil.move(PROC/'_docs', SITE)
    return status


def main():
    os.chdir(ROOT)
    if not check_sidebar(): return 1
    from nbdev.serve import proc_nbs
    proc_nbs(n_workers=2)
    status = quarto() if shutil.which('quarto') else sphinx()
    if status == 0: print(f'{len(list(SITE.glob("*.html")))} pages in _docs/, start at _docs/index.html')
    return status


if __name__ == '__main__': sys.exit(main())
