"""The form of ST's login page, read without a browser."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

MAX_FORMS = 20
MAX_FIELDS = 200


@dataclass
class Form:
    """A form of a page: where it is sent, and the values of its fields by name."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Forms(HTMLParser):
    """Collects the forms of a page, and its visible text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.is_inside = False
        self.hidden = 0
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form" and len(self.forms) < MAX_FORMS:
            self.forms.append(Form(values.get("action", "")))
            self.is_inside = True
        elif tag == "input" and self.is_inside and len(self.forms[-1].fields) < MAX_FIELDS:
            self.forms[-1].fields[values.get("name", "")] = values.get("value", "")
        elif tag in ("script", "style"):
            self.hidden += 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.is_inside = False
        elif tag in ("script", "style"):
            self.hidden = max(0, self.hidden - 1)

    def handle_data(self, data: str) -> None:
        if not self.hidden and data.strip():
            self.texts.append(data.strip())


def login_form(page: str) -> Form | None:
    """Return the form that has the field `lt`, which marks ST's login form; None without one."""
    forms = read(page).forms
    return next((form for form in forms if form.action and form.fields.get("lt")), None)


def page_text(page: str) -> str:
    """Return the words of a page as one line."""
    return " ".join(" ".join(read(page).texts).split())


def read(page: str) -> Forms:
    forms = Forms()
    forms.feed(page)
    forms.close()
    return forms
