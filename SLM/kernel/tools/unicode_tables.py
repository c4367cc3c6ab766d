"""Write runtime/unicode.h: which code points the pre-tokenizer of HF `tokenizers` takes for letters, numbers and white space.

The tables are asked of the library that the runtime must agree with, code point by code point.
Usage: python tools/unicode_tables.py > runtime/unicode.h
"""
from tokenizers import __version__, pre_tokenizers

level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
pieces = lambda s: len(level.pre_tokenize_str(s))

def kind(c):
    "A letter joins a letter, a number a number, anything else '!'; white space joins none of them"
    if pieces('a' + c) == 1: return 'letter'
    if pieces('1' + c) == 1: return 'number'
    return None if pieces('!' + c) == 1 else 'space'

runs = {'letter': [], 'number': [], 'space': []}
for p in range(0x110000):
    k = None if 0xd800 <= p < 0xe000 else kind(chr(p))
    if k is None: continue
    if runs[k] and runs[k][-1][1] == p - 1: runs[k][-1][1] = p
    else: runs[k].append([p, p])

print(f'// Made by tools/unicode_tables.py from tokenizers {__version__}. Runs of code points, first and last, in order.')
print('typedef struct { u32 first, last; } code_run;')
for k, rs in runs.items():
    print(f'\nstatic const code_run {k}_runs[{len(rs)}] = {{')
    cells = [f'{{0x{a:x}, 0x{b:x}}},' for a, b in rs]
    for i in range(0, len(cells), 6): print('    ' + ' '.join(cells[i:i + 6]))
    print('};')
