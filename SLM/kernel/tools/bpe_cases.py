"""Write tests/bpe_cases.h: texts, and the lengths of the pieces into which HF `tokenizers` cuts them.

Usage: python tools/bpe_cases.py > tests/bpe_cases.h
"""
import random
from tokenizers import __version__, pre_tokenizers

level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
texts = ['', ' ', '  ', '\n', 'a', ' a', '  a', '   a b', 'a  ', 'a \n b', '\t\tx', ' \n\n  y', "it's I'll we've you're I'd I'm don't", "'S 'sad ''s 's",
         " 's", "O'Reilly", 'PCI 8086:100e', 'x86_64', '3.14', 'a1b2', '½ ² Ⅷ ٣', 'naïve café', 'Ünïcode', '日本語 テスト', '한국어', 'русский текст',
         'العربية', 'हिन्दी', '👩‍💻 emoji 🎉🎉', 'a\u00a0b', 'a\u2003\u2003b', '\u3000x', '\u0085y', 'z\u200bz', 'e\u0301', '\ufeffbom', '\U00010330\U0001d7d8',
         '#include <stdio.h>', 'if (x != y) { return -1; }', '/dev/sda1', 'e-mail@example.org', '\x00\x01\x7f', '...   ...', '\r\n\r\n', ' \u2028 ', "'", "' ", "'l", '\u1680q']
chance = random.Random(0)
ranges = [(0x20, 0x7f), (0x20, 0x7f), (0x9, 0xe), (0xa0, 0x250), (0x370, 0x600), (0x900, 0xe00), (0x1680, 0x2070), (0x2150, 0x2190), (0x3000, 0x3100), (0x1f300, 0x1f650), (0x20, 0x110000)]
def character():
    while 0xd800 <= (c := chance.randrange(*chance.choice(ranges))) < 0xe000: pass
    return chr(c)
texts += [''.join(character() for _ in range(chance.randrange(1, 24))) for _ in range(200)]

print(f'// Made by tools/bpe_cases.py from tokenizers {__version__}: bytes of a text, and the bytes in each of its pieces.')
print('static const struct { const char *text; u32 size; u8 pieces[24], n; } bpe_cases[] = {')
for t in texts:
    sizes = [len(t[a:b].encode()) for _, (a, b) in level.pre_tokenize_str(t)]
    assert sum(sizes) == len(t.encode()) and len(sizes) <= 24
    print('    {"%s", %d, {%s}, %d},' % (''.join(f'\\{b:03o}' for b in t.encode()), len(t.encode()), ', '.join(map(str, sizes or [0])), len(sizes)))
print('};')
