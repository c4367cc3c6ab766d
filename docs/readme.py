"""Write README.md from nbs/index.ipynb: its prose and the tables its cells show, up to the cell that says `README ends`.

`--check` writes nothing and fails where README.md is out of date."""
import json, re, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTE = '<!-- Made from nbs/index.ipynb by `make readme`; edit that. -->\n\n'


def text(source): return source if isinstance(source, str) else ''.join(source)


def readme(notebook):
    "README text of the notebook at path `notebook`"
    parts = []
    for cell in json.loads(notebook.read_text())['cells']:
        if cell['cell_type'] == 'markdown':
            source = text(cell['source'])
            if '<!-- README ends -->' in source: break
            parts.append(source)
        for out in cell.get('outputs', []):
            shown = out.get('data', {}).get('text/markdown')
            if shown: parts.append(text(shown))
    body = '\n\n'.join(p.strip() for p in parts)
    body = re.sub(r'\]\((\w+\.ipynb)', r'](nbs/\1', body)   # links as seen from the top of the repository
    return NOTE + body.replace('](../', '](') + '\n'


def main():
    new, path = readme(ROOT/'nbs'/'index.ipynb'), ROOT/'README.md'
    old = path.read_text() if path.exists() else ''
    if '--check' in sys.argv:
        print('README.md is current' if new == old else 'README.md is out of date: run `make readme`')
        return int(new != old)
    if new != old: path.write_text(new)
    return 0


if __name__ == '__main__': sys.exit(main())
