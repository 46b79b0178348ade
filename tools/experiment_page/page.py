# SPDX-License-Identifier: MIT
"""The page: sections of text, figures and tables, with the command that repeats each; nothing is loaded from elsewhere."""
import html

STYLE = """
:root { color-scheme: light dark; --page: #fff; --ink: #1c1c1c; --rule: #ddd; --box: #f4f4f4;
  --one: #c65500; --two: #0069a8; --three: #00805c; --four: #7b3fa3; }
@media (prefers-color-scheme: dark) { :root { --page: #16181b; --ink: #e8e8e8; --rule: #3a3d42; --box: #22252a;
  --one: #ff9a55; --two: #6cb6f0; --three: #3fcf9f; --four: #c99bf0; } }
body { background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; max-width: 74rem; margin: 2rem auto;
  padding: 0 1rem; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 3rem; }
.figures { display: flex; flex-wrap: wrap; gap: .8rem; } .figures > svg { max-width: 100%; height: auto; }
svg text { fill: var(--ink); font-size: 12px; } svg .title { font-size: 14px; font-weight: 600; }
.grid { stroke: var(--rule); } .axis { stroke: var(--ink); fill: none; }
.line { fill: none; stroke-width: 2.2; stroke-linejoin: round; } .band { fill-opacity: .2; }
.line.one { stroke: var(--one); } .line.two { stroke: var(--two); } .line.three { stroke: var(--three); } .line.four { stroke: var(--four); }
.band.one, .bar.one { fill: var(--one); } .band.two, .bar.two { fill: var(--two); } .band.three, .bar.three { fill: var(--three); } .band.four, .bar.four { fill: var(--four); }
pre { background: var(--box); padding: .6rem .8rem; overflow-x: auto; font-size: 13px; border-radius: 4px; }
table { display: block; overflow-x: auto; border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; } th, td { padding: .2rem .8rem; text-align: right; white-space: nowrap; }
th { border-bottom: 1px solid var(--ink); } td { border-bottom: 1px solid var(--rule); }
th:first-child, td:first-child { text-align: left; }
"""


def table(head, rows):
    cells = "".join("<th>%s</th>" % html.escape(cell) for cell in head)
    body = "".join("<tr>%s</tr>" % "".join("<td>%s</td>" % html.escape(str(cell)) for cell in row) for row in rows)
    return "<table><tr>%s</tr>%s</table>" % (cells, body)


def section(title, words, figures, tables, command):
    return ("<section><h2>%s</h2><p>%s</p><div class=\"figures\">%s</div>%s<p>Repeat it:</p><pre>%s</pre></section>"
            % (html.escape(title), html.escape(words), "".join(figures), "".join(tables), html.escape(command)))


def duration(seconds):
    return "%.0f seconds" % seconds if seconds < 120 else "%.0f minutes" % (seconds / 60)


def page(about, sections):
    """about: rows of what the machine is."""
    return ('<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            "<title>clbn: experiments</title><style>%s</style></head><body><h1>clbn: experiments with batch normalization</h1>"
            "<p>Figures, numbers, and under each the command that repeats it.</p>%s%s</body></html>\n"
            % (STYLE, table(("machine", ""), about), "".join(sections)))
