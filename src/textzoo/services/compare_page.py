"""The comparison of runs as one page that needs nothing else: no script, no font, no picture from elsewhere."""

from typing import TYPE_CHECKING

from textzoo.report.html import environment

if TYPE_CHECKING:
    from textzoo.services.compare import Comparison

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Comparison of {{ comparison.names | length }} runs</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1b1f24; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: .3rem .8rem; border-bottom: 1px solid #d5dae0; text-align: right; vertical-align: top; }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: #fff; }
td { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.best { background: #dff5e3; font-weight: 600; }
dt { font-weight: 600; } dd { margin: 0 0 .5rem 0; color: #57606a; }
@media print { body { margin: 0; max-width: none; } .wide { overflow: visible; } }
</style>
</head>
<body>
<h1>Comparison of {{ comparison.names | length }} runs</h1>
<dl>
{% for letter in comparison.letters %}
<dt>{{ letter }} &ensp; {{ comparison.names[loop.index0] | line }}</dt><dd>{{ comparison.facts[loop.index0] }}</dd>
{% endfor %}
</dl>
{% for title, rows in (("What differs in the configuration", comparison.configuration),
                       ("Figures, the best of a line marked", comparison.figures)) if rows %}
<h2>{{ title }}</h2>
<div class="wide"><table>
<tr><th></th>{% for letter in comparison.letters %}<th>{{ letter }}</th>{% endfor %}</tr>
{% for row in rows %}
<tr><td>{{ row.name | line }}</td>
{% for cell in row.cells %}
<td{% if loop.index0 in row.best %} class="best"{% endif %}>{{ cell | line }}</td>
{% endfor %}
</tr>
{% endfor %}
</table></div>
{% endfor %}
</body>
</html>
"""


def page(comparison: "Comparison") -> str:
    """The comparison as HTML; every text of it is escaped, as in report.html."""
    return environment().from_string(PAGE).render(comparison=comparison)
