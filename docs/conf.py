"Sphinx configuration: MyST-NB shows stored outputs, formulas become MathML here, no page fetches anything"
import sys
from pathlib import Path
from docutils import nodes
from latex2mathml.converter import convert

sys.path.insert(0, str(Path(__file__).parent))

project = 'slm_nb'
author = 'the slm_nb authors'
copyright = '2026, the slm_nb authors'
extensions = ['myst_nb']
root_doc = 'index'
templates_path = []
html_theme = 'sphinx_book_theme'
html_title = 'slm_nb'
html_static_path = [str(Path(__file__).parent/'site.css')]
html_css_files = ['site.css']
html_favicon = str(Path(__file__).parent/'favicon.svg')
html_copy_source = html_show_sourcelink = html_use_index = False
html_context = {'default_mode': 'light'}
html_theme_options = dict(use_download_button=False, use_fullscreen_button=False, use_issues_button=False,
                          home_page_in_toc=False, navbar_persistent=[], article_header_end=['theme-switcher'],
                          show_navbar_depth=2, show_toc_level=1)
html_math_renderer = 'mathml'
nb_execution_mode = 'off'
nb_merge_streams = True
nb_render_markdown_format = 'myst'
nb_ipywidgets_js = {}
myst_enable_extensions = ['dollarmath', 'colon_fence', 'deflist', 'attrs_block']
myst_dmath_allow_digits = False
myst_heading_anchors = 3
suppress_warnings = ['myst.header', 'mystnb.unknown_mime_type']


def inline_math(self, node):
    self.body.append(convert(node.astext()))
    raise nodes.SkipNode


def block_math(self, node):
    self.body.append(f'<div class="math">{convert(node.astext(), display="block")}</div>')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer('mathml', inline_renderers=(inline_math, None), block_renderers=(block_math, None))
