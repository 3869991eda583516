"""Templates of the analyst: what they can do, what they cannot, and how a mistake is told."""

from __future__ import annotations

import re
import shutil
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import shop
from jinja2 import nodes

from segmenter import commands_report, texts
from segmenter.cli import main
from segmenter.errors import Refused
from segmenter.mail import summary
from segmenter.reports import pagecheck, reference, rendering, report, templating
from segmenter.reports.palette import PALETTE
from segmenter.result import Result

TEMPLATES = Path(__file__).parent.parent / "templates"
SAMPLE = Path(__file__).parent.parent / "workbook" / "sample.xlsx"


@cache
def result() -> Any:
    return shop.run(
        shop.people(120), strategy=shop.plan(["高价值客户", "", "", "生日礼券", "王五", "", "", "已完成30%"])
    )


def own(folder: Path, text: str, name: str = "own.html") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, text: str, **limits: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        rendering.render(own(folder, text), "zh", {"kpis": [{"label": "a"}], "title": "x"}, **limits)
    for lang in texts.LANGS:
        assert "\n" not in caught.value.message(lang)
    return caught.value


# What cannot be done --------------------------------------------------------------------------------------------------

PAYLOADS = """
{{ ''.__class__ }}
{{ ''.__class__.__mro__[1].__subclasses__() }}
{{ ''['__class__'] }}
{{ ''|attr('__class__') }}
{{ ''|attr('\\x5f\\x5fclass\\x5f\\x5f') }}
{{ [].__class__.__base__.__subclasses__() }}
{{ {}.__class__.__bases__[0] }}
{{ ().__class__.__mro__ }}
{{ title.__init__.__globals__ }}
{{ t.__globals__ }}
{{ t.__globals__['__builtins__'] }}
{{ t.__code__ }}
{{ t.__closure__ }}
{{ tell.__globals__.texts }}
{{ header.__globals__ }}
{{ header.__defaults__ }}
{{ link.__wrapped__ }}
{{ picture.__self__ }}
{{ picture.__func__.__globals__ }}
{{ range.__class__ }}
{{ dict.__subclasses__() }}
{{ namespace.__init__.__globals__ }}
{{ self.__init__.__globals__.__builtins__ }}
{{ self._TemplateReference__context }}
{{ self.__class__ }}
{{ cycler.__init__.__globals__.os.popen('id').read() }}
{{ joiner.__init__.__globals__ }}
{{ lipsum.__globals__['os'].popen('id') }}
{{ url_for.__globals__ }}
{{ get_flashed_messages.__globals__ }}
{{ config.items() }}
{{ request.application.__globals__ }}
{{ '{0.__class__.__mro__}'.format(1) }}
{{ '{x.__class__}'.format_map({'x': 1}) }}
{{ ('{0.__cl' ~ 'ass__}').format('') }}
{{ ['a']|map(attribute='__class__')|list }}
{{ ['a']|map('attr', '__class__')|list }}
{{ [title]|groupby('__class__') }}
{{ [1]|sum(attribute='__class__') }}
{{ kpis.append(1) }}
{{ kpis[0].update({'a': 1}) }}
{{ kpis.pop() }}
{{ ''|xmlattr }}
{% set x = ''.__class__ %}{{ x }}
{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}
{% import 'os' as os %}{{ os.system('id') }}
{% include '../../etc/passwd' %}
{% include '/etc/passwd' %}
{% extends '../x.html' %}
{{ title|safe }}
{{ Markup('<b>') }}
{% autoescape false %}{{ title }}{% endautoescape %}
{{ picture('../secret.png') }}
{{ picture('/etc/passwd') }}
{% do kpis.append(1) %}
""".strip().splitlines()


def test_there_are_forty_payloads() -> None:
    assert len(set(PAYLOADS)) >= 40


@pytest.mark.parametrize("payload", PAYLOADS)
def test_the_sandbox_holds(tmp_path: Path, payload: str) -> None:
    error = refusal(tmp_path, payload)
    assert error.key.startswith("template_")
    assert error.params["file"] == "own.html"
    assert error.params["line"] == 1


def test_an_undefined_dunder_shows_nothing(tmp_path: Path) -> None:
    """Where Jinja gives an undefined value instead of an error, the page would hold nothing of it."""
    page = rendering.render(own(tmp_path, "[{{ title.__class__ is defined }}]"), "zh", {"title": "x"})
    assert page == "[False]\n"


@pytest.mark.parametrize("name", ["../secret.html", ".secret.html", "secret.pem", "sub/x.html", "out.html"])
def test_only_files_right_beside_the_template_are_read(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "own"
    (folder / "sub").mkdir(parents=True)
    for path in (tmp_path / "secret.html", folder / ".secret.html", folder / "secret.pem", folder / "sub" / "x.html"):
        path.write_text("secret", encoding="utf-8")
    (folder / "out.html").symlink_to(tmp_path / "secret.html")
    error = refusal(folder, f"{{% include '{name}' %}}")
    assert error.key == "template_missing"
    assert error.value == name


def test_the_child_opens_no_other_file_no_socket_and_no_process(tmp_path: Path) -> None:
    """Past the sandbox there is a second wall: the audit hook of the child."""
    script = (
        "import sys, pathlib; from segmenter.reports import rendering; "
        f"rendering._confine(512 << 20, pathlib.Path({str(tmp_path)!r}));\n"
        "import {0}\ntry:\n    {1}\nexcept PermissionError:\n    print('held')"
    )
    import subprocess
    import sys

    for module, line in (
        ("os", "open('/etc/passwd')"),
        ("os", f"open({str(tmp_path / 'new')!r}, 'w')"),
        ("os", "os.remove('/tmp/nothing')"),
        ("os", "os.system('true')"),
        ("socket", "socket.create_connection(('127.0.0.1', 9))"),
        ("subprocess", "subprocess.run(['true'])"),
    ):
        command = [sys.executable, "-c", script.format(module, line)]
        said = subprocess.run(command, check=False, capture_output=True, text=True)
        assert said.stdout == "held\n", (line, said.stderr)


# Limits ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "keys"),
    [
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", {"template_slow"}),
        ("{{ 'x' * 50000000 }}", {"template_output"}),
        ("{{ 'x' * 4000000000 }}", {"template_memory"}),
        (
            "{% set n = namespace(a='x' * 10**6) %}{% for i in range(9999) %}{% set n.a = n.a ~ n.a %}{% endfor %}",
            {"template_memory"},
        ),
        ("{% for i in range(99999) %}{{ 'x' * 1000 }}{% endfor %}", {"template_output"}),
        ("{% include 'own.html' %}", {"template_fault", "template_slow"}),
        ("{{ 9 ** 99999999 }}", {"template_slow", "template_fault", "template_memory"}),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", {"template_fault"}),
    ],
)
def test_a_template_that_loops_or_fills_memory_is_ended(tmp_path: Path, template: str, keys: set[str]) -> None:
    begun = time.monotonic()
    assert refusal(tmp_path, template, seconds=4).key in keys
    assert time.monotonic() - begun < 8


def test_secrets_do_not_reach_the_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}
    real = rendering.subprocess.Popen

    def listen(*args: Any, **more: Any) -> Any:
        seen.update(more["env"])
        return real(*args, **more)

    monkeypatch.setenv("SEGMENTER_SMTP_PASSWORD", "hunter2")
    monkeypatch.setattr(rendering.subprocess, "Popen", listen)
    assert rendering.render(own(tmp_path, "{{ title }}"), "zh", {"title": "<x>"}) == "&lt;x&gt;\n"
    assert "hunter2" not in str(seen)


# Mistakes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "key", "line", "value"),
    [
        ("a\n{{ nothing }}", "template_name", 2, "nothing"),
        ("a\n\n{{ kpis[0].lable }}", "template_name", 3, "lable"),
        ("{% for x in kpis %}\n{{ x.label }}\n{{ x.more }}{% endfor %}", "template_name", 3, "more"),
        ("a\n{% if %}", "template_syntax", 2, None),
        ("{{ kpis ", "template_syntax", 1, None),
        ("a\n{{ 1|nonsense }}", "template_filter", 2, "nonsense"),
        ("\n\n{% include 'x.html' %}", "template_missing", 3, "x.html"),
        ("\n{{ title|safe }}", "template_forbidden", 2, "|safe"),
        ("\n{{ 1 / 0 }}", "template_fault", 2, ""),
        ("\n{{ t('no.such.text') }}", "template_name", 2, "report.no.such.text"),
    ],
)
def test_a_mistake_names_file_line_and_variable(
    tmp_path: Path, text: str, key: str, line: int, value: str | None
) -> None:
    error = refusal(tmp_path, text)
    assert (error.key, error.params["file"], error.params["line"]) == (key, "own.html", line)
    if value is not None:
        assert error.value == value
    assert "own.html" in error.message("zh")
    assert str(line) in error.message("en")


def test_the_nearest_name_is_proposed(tmp_path: Path) -> None:
    assert "最接近的是“kpis”" in refusal(tmp_path, "{{ kpi }}").message("zh")
    assert "最接近" not in refusal(tmp_path, "{{ wholly_unlike }}").message("zh")
    assert "最接近" not in refusal(tmp_path, "{{ label }}").message(
        "zh"
    )  # that is a name, but of something inside kpis


def test_a_mistake_in_an_included_file_names_that_file(tmp_path: Path) -> None:
    own(tmp_path, "\n{{ nothing }}", "part.html")
    error = refusal(tmp_path, "{% include 'part.html' %}")
    assert (error.params["file"], error.params["line"]) == ("part.html", 2)
    own(tmp_path, "\n\n{{ title|safe }}", "part.html")
    error = refusal(tmp_path, "{% include 'part.html' %}")
    assert (error.params["file"], error.params["line"]) == ("part.html", 3)


def test_on_the_command_line_it_is_one_sentence_and_exit_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = own(tmp_path, "\n{{ kpi }}")
    sample = str(Path(__file__).parent.parent / "workbook" / "sample.xlsx")
    out = tmp_path / "out.html"
    assert main(["report", sample, "-o", str(out), "--template", str(path)]) == 1
    said = capsys.readouterr().err.strip().splitlines()
    assert said[-1].startswith("模板own.html第2行：没有“kpi”")
    assert not out.exists()
    assert main(["template", "check", str(path), "--lang", "en"]) == 1
    assert main(["report", sample, "-o", str(tmp_path / "out.rtf")]) == 1


# What a page may hold -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bad",
    [
        "<script>1</script>",
        "<SCRIPT src=x>",
        "<img src='https://example.com/x.png'>",
        "<img src='data:image/svg+xml;base64,AAAA'>",
        "<p onclick='x'>",
        "<a href='javascript:alert(1)'>",
        "<a href=' java\tscript:alert(1)'>",
        "<a href='data:text/html,x'>",
        "<iframe></iframe>",
        "<link rel=stylesheet href='https://example.com'>",
        "<meta http-equiv=refresh content='0;url=https://example.com'>",
        "<base href='https://example.com'>",
        "<form action='https://example.com'>",
        "<style>@import 'x';</style>",
        "<style>p{background:url(https://example.com/x)}</style>",
        "<p style='background:url(//example.com)'>",
        "<object data='x'>",
        "<svg><foreignObject></foreignObject></svg>",
        "<svg><use href='https://example.com/x.svg#a'/></svg>",
    ],
)
def test_active_content_is_refused(tmp_path: Path, bad: str) -> None:
    with pytest.raises(Refused) as caught:
        pagecheck.harmless(f"<html>\n{bad}</html>", "own.html")
    assert caught.value.key == "template_page"
    assert caught.value.params["line"] == 2
    with pytest.raises(Refused):
        report.render(result(), "zh", own(tmp_path, bad))


def test_our_own_pages_pass_and_others_get_the_policy(tmp_path: Path) -> None:
    ours = report.render(result(), "zh")
    assert pagecheck.harmless(ours, "") == ours
    page = report.render(
        result(), "zh", own(tmp_path, "<html><head><title>x</title></head><body>{{ title }}</body></html>")
    )
    assert page.count(pagecheck.POLICY) == 1
    assert page.index(pagecheck.POLICY) < page.index("<title>")


def test_a_link_made_of_data_is_checked(tmp_path: Path) -> None:
    page = rendering.render(
        own(tmp_path, "{{ link(title) }} {{ link('https://x.com/a') }} {{ link('mailto:a@x.com') }}"),
        "zh",
        {"title": "javascript:alert(1)"},
    )
    assert page == "# https://x.com/a mailto:a@x.com\n"


# What can be done -----------------------------------------------------------------------------------------------------


def test_our_template_gives_the_same_page_through_the_child() -> None:
    assert report.render(result(), "zh", TEMPLATES / "report.html.j2") == report.render(result(), "zh")


def test_a_company_look_is_twenty_lines(tmp_path: Path) -> None:
    png = bytes.fromhex("89504e470d0a1a0a") + b"\0" * 20
    (tmp_path / "logo.png").write_bytes(png)
    text = (TEMPLATES / "company.html.j2").read_text(encoding="utf-8")
    assert len(re.sub(r"\{#.*?#\}", "", text, flags=re.DOTALL).strip().splitlines()) <= 20
    text = text.replace('"logo": ""', '"logo": picture("logo.png")').replace('"company": ""', '"company": "某公司<i>"')
    page = report.render(result(), "zh", own(tmp_path, text))
    assert '<img src="data:image/png;base64,iVBORw' in page
    assert "某公司&lt;i&gt;" in page
    assert "--accent:#8a1c3b" in page
    assert texts.say("report.section.appendix", "zh") in page


@pytest.mark.parametrize("content", [b"<svg/>", b"\xff\xd8\xff" + b"x" * 300_000])
def test_pictures_are_small_and_plain(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "logo.png").write_bytes(content)
    assert refusal(tmp_path, "{{ picture('logo.png') }}").key == "template_forbidden"


# The reference --------------------------------------------------------------------------------------------------------


@cache
def full() -> Result:
    """What the reference page shows: the sample with everything a report can speak of."""
    return commands_report.sample()


def used(name: str) -> set[str]:
    """Every name right after a variable of the data in a template: `kpis[].label` gives kpis and label."""
    env = templating.environment("zh")
    tree = env.parse((TEMPLATES / name).read_text(encoding="utf-8"))
    found = {node.attr for node in tree.find_all(nodes.Getattr)}
    return found - {"values", "items", "get", "first", "last", "index", "light", "dark", "colours", "logo", "company"}


@pytest.mark.parametrize(
    ("name", "context"),
    [
        ("report.html.j2", report.context),
        ("macros.html.j2", report.context),
        ("report.css.j2", report.context),
        ("mail.html.j2", summary.context),
        ("mail.txt.j2", summary.context),
    ],
)
def test_the_reference_lists_every_variable_the_templates_use(name: str, context: Any) -> None:
    listed = {one.name for one in reference.variables(context(full(), "zh"))}
    words = {part.removesuffix("[]") for one in listed for part in one.split(".")}
    known = words | {"fonts", *PALETTE, *templating.FUNCTIONS}
    assert used(name) <= known, used(name) - known


def test_every_top_level_variable_function_and_filter_is_explained(tmp_path: Path) -> None:
    context, mail = report.context(full(), "zh"), summary.context(full(), "zh")
    page = reference.page(full(), "en")
    for name in (*context, *mail, *templating.FUNCTIONS, *templating.FILTERS):
        assert f"<code>{name}</code>" in page
    assert {f"variable.{name}" for name in context} <= texts.keys()
    assert all({f"variable.{name}", f"mail_variables.{name}"} & texts.keys() for name in mail)
    assert set(templating.FUNCTIONS) == set(templating.environment("zh").globals)
    assert main(["template", "variables", "-o", str(tmp_path / "v.html")]) == 0
    assert "cards[].plan.owner" in (tmp_path / "v.html").read_text(encoding="utf-8")


def test_list_copy_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["template", "list"]) == 0
    said = capsys.readouterr().out
    for name in reference.TEMPLATES:
        assert name in said
        assert (TEMPLATES / name).is_file()
        copy = tmp_path / name
        assert main(["template", "copy", name, "-o", str(copy)]) == 0
        assert copy.read_bytes() == (TEMPLATES / name).read_bytes()
    assert main(["template", "copy", "report.html.j2", "-o", str(tmp_path / "report.html.j2")]) == 1
    assert main(["template", "copy", "nothing"]) == 1
    for name in ("report.html.j2", "company.html.j2", "report.docx", "mail.html.j2"):
        assert main(["template", "check", str(tmp_path / name)]) == 0, capsys.readouterr().err


def test_a_mail_template_is_told_by_what_it_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.html"
    for lang in texts.LANGS:
        path.unlink(missing_ok=True)
        assert main(["template", "copy", "mail.html.j2", "-o", str(path), "--lang", lang]) == 0
        assert f"segmenter mail --template {path}" in capsys.readouterr().out
        assert main(["template", "check", str(path), "--lang", lang]) == 0, capsys.readouterr().err
        assert f"segmenter mail --template {path}" in capsys.readouterr().out
    path.write_text(path.read_text(encoding="utf-8").replace("greeting }}", "greting }}"), encoding="utf-8")
    assert main(["template", "check", str(path)]) == 1
    assert "“greting”" in capsys.readouterr().err
    page = tmp_path / "page.html"
    page.write_text("{{ title }}: {{ goal }} {# the subject of a greeting #}", encoding="utf-8")
    assert main(["template", "check", str(page)]) == 0
    assert f"segmenter report --template {page}" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["good.xlsx", "r.pdf", "picture.png", "nothing"])
def test_what_is_no_template_is_told_as_such(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / name
    path.write_bytes(b"PK")
    for lang in texts.LANGS:
        assert main(["template", "check", str(path), "--lang", lang]) == 1
        said = capsys.readouterr().err
        assert str(path) in said and ".html.j2" in said and ".docx" in said
    assert "不是模板" not in said


@pytest.mark.parametrize(
    ("out", "name", "key"),
    [
        ("r.html", "own.xlsx", "not_template"),
        ("r.docx", "own.xlsx", "not_template"),
        ("r.html", "own.docx", "template_kind"),
        ("r.docx", "own.html.j2", "template_kind"),
        ("r.docx", "own.docx", "not_template"),  # a workbook by another name
    ],
)
def test_a_template_of_the_wrong_kind_is_told_without_a_line(
    tmp_path: Path, small_sample: Path, out: str, name: str, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(small_sample, tmp_path / name)
    for lang in texts.LANGS:
        command = ["report", str(small_sample), "-o", str(tmp_path / out), "--template", str(tmp_path / name)]
        assert main([*command, "--lang", lang]) == 1
        path = name if out.endswith("docx") and name.endswith("docx") else tmp_path / name
        assert capsys.readouterr().err.strip() == texts.say(f"error.{key}", lang, path=path)
    assert not (tmp_path / out).exists()
