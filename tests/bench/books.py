"""The workbooks the benches work on: the shipped template with seeded customers, 11 columns each.

`python books.py OUT ROWS [COUNT]` writes one workbook, or COUNT of them into the folder OUT. Texts are shared strings
and rows carry the style of the template's first data row, as Excel would save them.
"""

import random
import re
import sys
import zipfile
from pathlib import Path

TEMPLATE = Path(__file__).parents[2] / "workbook" / "template.xlsx"
SHEET, STRINGS = "xl/worksheets/sheet3.xml", "xl/sharedStrings.xml"
COLUMNS = "ABCDEFGHIJK"
"""ID, gender, age, region, occupation, orders, average order value, categories, channel, total, last order"""
LAST_DAY = 46203
"""2026-06-30 as Excel counts days"""
GENDERS = ("男", "女")
REGIONS = (
    "北京",
    "上海",
    "广州",
    "深圳",
    "杭州",
    "成都",
    "武汉",
    "南京",
    "西安",
    "重庆",
    "苏州",
    "天津",
    "长沙",
    "郑州",
    "青岛",
    "东莞",
    "宁波",
    "昆明",
)
JOBS = ("教师", "医生", "工程师", "会计", "销售经理", "公务员", "设计师", "学生", "自由职业", "律师", "护士", "厨师")
CATEGORIES = ("护肤品", "服装", "配饰", "食品", "家电", "图书", "母婴", "运动户外", "数码", "家居")
CHANNELS = ("线上电商", "线下门店", "社群")
PIECE = 1 << 14


def template():
    """The template's parts by name."""
    with zipfile.ZipFile(TEMPLATE) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def styles(sheet):
    """The style id of each of our columns in the template's first data row."""
    row = re.search(r'<row r="2"([^>]*)>(.*?)</row>', sheet)
    found = dict(re.findall(r'<c r="([A-Z]+)2" s="(\d+)"', row[2]))
    return row[1], [found[column] for column in COLUMNS]


def rows(count, first_string, sheet, dice, words):
    """The rows as XML, some thousands at a time. Text cells hold the number of their string: `words`, then the IDs."""
    attributes, s = styles(sheet)
    cell = '<c r="%s{r}" s="%s" t="s"><v>{%s}</v></c>'
    number = '<c r="%s{r}" s="%s"><v>{%s}</v></c>'
    kinds = (cell, cell, number, cell, cell, number, number, cell, cell, number, number)
    names = ("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k")
    form = f'<row r="{{r}}"{attributes}>' + "".join(
        kind % (column, style, name) for kind, column, style, name in zip(kinds, COLUMNS, s, names, strict=True)
    )
    form = (form + "</row>").format
    ids = first_string + len(words)
    place = {word: first_string + n for n, word in enumerate(words)}
    genders, regions, jobs = ([place[one] for one in each] for each in (GENDERS, REGIONS, JOBS))
    channels = [place[one] for one in CHANNELS]
    lists = [place[one] for one in words[len(GENDERS) + len(REGIONS) + len(JOBS) + len(CHANNELS) :]]
    for start in range(0, count, PIECE):
        piece = []
        for n in range(start, min(start + PIECE, count)):
            orders = min(int(dice.expovariate(0.22)), 40)
            price = round(dice.uniform(20, 900), 2)
            total = round(orders * price * (1 + 2 * dice.random()) + 0.01, 2)
            days = min(int(dice.expovariate(0.012)), 900) if orders == 0 else int(180 * dice.random())
            piece.append(
                form(
                    r=n + 2,
                    a=ids + n,
                    b=dice.choice(genders),
                    c=18 + int(53 * dice.random()),
                    d=dice.choice(regions),
                    e=dice.choice(jobs),
                    f=orders,
                    g=price,
                    h=dice.choice(lists),
                    i=dice.choice(channels),
                    j=total,
                    k=LAST_DAY - (days if n else 0),
                )
            )
        yield "".join(piece).encode()


def write(path, count, seed=1):
    """A workbook of `count` customers."""
    dice = random.Random(seed)
    parts = template()
    sheet, strings = parts[SHEET].decode(), parts[STRINGS].decode()
    first = strings.count("<si>")
    triples = ["、".join(dice.sample(CATEGORIES, 3)) for _ in range(60)]
    words = [*GENDERS, *REGIONS, *JOBS, *CHANNELS, *dict.fromkeys(triples)]
    before, _, rest = sheet.partition('<row r="2"')
    before = re.sub(r'<dimension ref="[^"]*"', f'<dimension ref="A1:W{count + 1}"', before)
    tables = [name for name in parts if name.startswith("xl/tables/") and b'displayName="Customers"' in parts[name]]
    parts[tables[0]] = parts[tables[0]].replace(b"A1:W2", f"A1:W{count + 1}".encode())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, data in parts.items():
            entry = zipfile.ZipInfo(name, (2026, 7, 1, 12, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=False) as part:
                if name == SHEET:
                    part.write(before.encode())
                    for piece in rows(count, first, sheet, dice, words):
                        part.write(piece)
                    part.write(rest.partition("</row>")[2].encode())
                elif name == STRINGS:
                    new = "".join(f"<si><t>{word}</t></si>" for word in words)
                    ids = "".join(f"<si><t>C{1000000 + n}</t></si>" for n in range(count))
                    unique, total = first + len(words) + count, first + 6 * count
                    head = re.sub(r'count="\d+" uniqueCount="\d+"', f'count="{total}" uniqueCount="{unique}"', strings)
                    part.write(head.replace("</sst>", new + ids + "</sst>").encode())
                else:
                    part.write(data)


def main():
    out, count = Path(sys.argv[1]), int(sys.argv[2])
    if len(sys.argv) > 3:
        out.mkdir(parents=True, exist_ok=True)
        for n in range(int(sys.argv[3])):
            write(out / f"book{n:04}.xlsx", count, seed=n)
    else:
        write(out, count)


if __name__ == "__main__":
    main()
