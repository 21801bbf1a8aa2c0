"""The comparison of runs as one self-contained page without scripts, external fonts or images."""

from textzoo.pipeline.comparison import Comparison
from textzoo.records.report.html import environment

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Comparison of {{ comparison.names | length }} runs</title>
<style>
:root { --ground: #fff; --text: #1b1f24; --faint: #59636e; --line: #d1d9e0; --best: #dff5e3; }
@media (prefers-color-scheme: dark) {
:root { --ground: #12161b; --text: #e4e8ec; --faint: #9aa4af; --line: #333b44; --best: #1d4429; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 70rem; background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; margin: 0 0 1rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); gap: .5rem 2rem; }
dt { font-weight: 600; } dd { margin: 0; color: var(--faint); font-size: .9rem; }
table { border-collapse: collapse; table-layout: fixed; width: 100%; margin-bottom: 1.5rem; }
th, td { padding: .25rem .5rem; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; }
th { font-weight: 600; }
th:first-child { width: 32%; padding-left: 0; text-align: left; font-weight: normal; }
td { font-variant-numeric: tabular-nums; }
.best { background: var(--best); font-weight: 600; } .best span::after { content: " *"; }
@media screen and (max-width: 40rem) {
tr { display: block; padding: .4rem 0; border-bottom: 1px solid var(--line); }
tr:first-child { display: none; }
th, td, th:first-child { display: flex; width: auto; justify-content: space-between; gap: 1rem; border: 0;
  padding: .1rem .4rem; }
td::before { content: attr(data-head); color: var(--faint); }
}
@media print {
:root { --ground: #fff; --text: #000; --faint: #444; --line: #bbb; --best: #e4f4e7; }
body { max-width: none; padding: 0; font-size: 9pt; }
tr, div { break-inside: avoid; } h2 { break-after: avoid; }
}
</style>
</head>
<body>
<h1>Comparison of {{ comparison.names | length }} runs</h1>
<dl>
{% for letter in comparison.letters %}
<div><dt>{{ letter }} &ensp; {{ comparison.names[loop.index0] | line }}</dt>
<dd>{{ comparison.facts[loop.index0] }}</dd></div>
{% endfor %}
</dl>
{% for title, rows in (("Differences of the configurations", comparison.configuration),
                       ("Figures, the best of each row marked", comparison.figures)) if rows %}
<h2>{{ title }}</h2>
{% for part in comparison.parts %}
<table>
<tr><th></th>{% for letter in comparison.letters[part] %}<th scope="col">{{ letter }}</th>{% endfor %}</tr>
{% for row in rows %}
<tr><th scope="row">{{ row.name | line }}</th>
{% for cell in row.cells[part] %}
{% set index = part.start + loop.index0 %}
<td data-head="{{ comparison.letters[index] }}"{% if index in row.best %} class="best"{% endif %}>
<span>{{ cell | line }}</span></td>
{% endfor %}
</tr>
{% endfor %}
</table>
{% endfor %}
{% endfor %}
</body>
</html>
"""


def page(comparison: Comparison) -> str:
    """Return the comparison as HTML; every text in it is escaped, as in report.html."""
    return environment().from_string(PAGE).render(comparison=comparison)
