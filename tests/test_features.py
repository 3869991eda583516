"""What other libraries lose from a workbook stands after a fill as it stood before, feature by feature: on a sheet of
somebody else, on the result sheet itself, and in the workbook. Every part that is not ours is the same byte for byte,
every relation and type is still listed, and the result sheet keeps all that stands around its rows.

Tested elsewhere: shapes, pictures, header pictures, charts and chart sheets, check boxes, rules of 2010, notes, hidden
sheets, names, custom properties (test_books_file, "foreign"); cached formula values and the calculation chain, Strict
files, prefixes, signatures, locks (test_books_file); tables, filters, validations, notes whose rows move
(test_books_lists); shared workbooks, damaged and hostile files (test_books_package).
"""

from typing import NamedTuple

import pytest
from bookshop import RFM_SHEET, book, frame, parts, repairs, rewritten, rfm, sheet_part
from lxml import etree

from segmenter.books.file import FileBook
from segmenter.books.package import Package
from segmenter.books.proof import verify
from segmenter.schema import CLEANING, RFM

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
MICROSOFT = "http://schemas.microsoft.com/office"
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml."
MS_TYPE = "application/vnd.ms-excel."
X14 = f'xmlns:x14="{MICROSOFT}/spreadsheetml/2009/9/main"'
XM = 'xmlns:xm="http://schemas.microsoft.com/office/excel/2006/main"'
X15 = f'xmlns:x15="{MICROSOFT}/spreadsheetml/2010/11/main"'
BOTH = f'xmlns="{MAIN}" xmlns:r="{OFFICE}"'
ORDER = (
    " sheetProtection protectedRanges scenarios autoFilter sortState dataConsolidate customSheetViews mergeCells "
    "phoneticPr conditionalFormatting dataValidations hyperlinks printOptions pageMargins pageSetup headerFooter "
    "rowBreaks colBreaks customProperties cellWatches ignoredErrors smartTags drawing legacyDrawing legacyDrawingHF "
    "drawingHF picture oleObjects controls webPublishItems tableParts extLst "
)
"""the elements of a sheet below its rows, in the order Excel wants"""


class Piece(NamedTuple):
    """A part and how its owner refers to it."""

    name: str
    """with {n} where two sheets each have their own"""
    relation: str
    kind: str
    data: bytes
    owner: str = "sheet"
    """sheet | workbook | package | the part before it in the feature's list"""


class Feature(NamedTuple):
    """What a workbook is given to have a feature; {id} is the relation to the first piece of that owner."""

    pieces: tuple[Piece, ...] = ()
    sheet: str = ""
    workbook: str = ""
    cell: str = ""
    """attributes and content of a cell beside the table"""


def xml(tag, inside="", namespace=MAIN):
    return (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<{tag} xmlns="{namespace}">{inside}</{tag}>'.encode()
    )


def sheet_ext(uri, inside):
    return f'<extLst xmlns="{MAIN}"><ext uri="{uri}" {X14} {XM} {X15}>{inside}</ext></extLst>'


BLOB = bytes(range(256)) * 3
DRAWING = '<xdr:wsDr xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing">%s</xdr:wsDr>'


def drawing(inside, *further):
    """A drawing with `inside`, and the parts it leads to."""
    first = Piece(
        "xl/drawings/drawing9{n}.xml",
        f"{OFFICE}/drawing",
        "application/vnd.openxmlformats-officedocument.drawing+xml",
        (DRAWING % inside).encode(),
    )
    return Feature((first, *further), f'<drawing {BOTH} r:id="{{id}}"/>')


def part(name, relation, kind, tag, inside="", owner="sheet", namespace=MAIN):
    return Piece(name, relation, kind, xml(tag, inside, namespace), owner)


CELL_TYPE = "application/vnd.ms-excel.rdrichvalue+xml"
FEATURES = {
    "sparklines": Feature(
        sheet=sheet_ext(
            "{05C60535-1F16-4fd2-B633-F4F36F0B64E0}",
            "<x14:sparklineGroups><x14:sparklineGroup><x14:sparklines><x14:sparkline><xm:f>Plan!A1:C1</xm:f>"
            "<xm:sqref>Z1</xm:sqref></x14:sparkline></x14:sparklines></x14:sparklineGroup></x14:sparklineGroups>",
        )
    ),
    "validations of 2010": Feature(
        sheet=sheet_ext(
            "{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}",
            '<x14:dataValidations count="1"><x14:dataValidation type="list"><x14:formula1><xm:f>Plan!$A$1:$A$3</xm:f>'
            "</x14:formula1><xm:sqref>Z1</xm:sqref></x14:dataValidation></x14:dataValidations>",
        )
    ),
    "slicers": Feature(
        (
            part(
                "xl/slicers/slicer{n}.xml", f"{MICROSOFT}/2007/relationships/slicer", MS_TYPE + "slicer+xml", "slicers"
            ),
            part(
                "xl/slicerCaches/slicerCache1.xml",
                f"{MICROSOFT}/2007/relationships/slicerCache",
                MS_TYPE + "slicerCache+xml",
                "slicerCacheDefinition",
                owner="workbook",
            ),
        ),
        sheet_ext(
            "{A8765BA9-456A-4dab-B4F3-ACF838C121DE}",
            f'<x14:slicerList><x14:slicer xmlns:r="{OFFICE}" r:id="{{id}}"/></x14:slicerList>',
        ),
        sheet_ext(
            "{BBE1A952-AA13-448e-AADC-164F8A28A991}",
            f'<x14:slicerCaches><x14:slicerCache xmlns:r="{OFFICE}" r:id="{{id}}"/></x14:slicerCaches>',
        ),
    ),
    "timelines": Feature(
        (
            part(
                "xl/timelines/timeline{n}.xml",
                f"{MICROSOFT}/2011/relationships/timeline",
                MS_TYPE + "timeline+xml",
                "t",
            ),
            part(
                "xl/timelineCaches/timelineCache1.xml",
                f"{MICROSOFT}/2011/relationships/timelineCache",
                MS_TYPE + "timelineCache+xml",
                "timelineCacheDefinition",
                owner="workbook",
            ),
        ),
        sheet_ext(
            "{7E03D99C-DC04-49d9-9315-930204A7B6E9}",
            f'<x15:timelineRefs><x15:timelineRef xmlns:r="{OFFICE}" r:id="{{id}}"/></x15:timelineRefs>',
        ),
        sheet_ext(
            "{D0CA8CA8-9F24-4464-BF8E-62219DCF47F9}",
            f'<x15:timelineCacheRefs><x15:timelineCacheRef xmlns:r="{OFFICE}" r:id="{{id}}"/></x15:timelineCacheRefs>',
        ),
    ),
    "pivot tables, caches and records": Feature(
        (
            part(
                "xl/pivotCache/pivotCacheDefinition1.xml",
                f"{OFFICE}/pivotCacheDefinition",
                TYPE + "pivotCacheDefinition+xml",
                "pivotCacheDefinition",
                '<cacheSource type="worksheet"><worksheetSource name="RfmSegments"/></cacheSource>',
                "workbook",
            ),
            part(
                "xl/pivotCache/pivotCacheRecords1.xml",
                f"{OFFICE}/pivotCacheRecords",
                TYPE + "pivotCacheRecords+xml",
                "pivotCacheRecords",
                owner="before",
            ),
            part(
                "xl/pivotTables/pivotTable{n}.xml",
                f"{OFFICE}/pivotTable",
                TYPE + "pivotTable+xml",
                "pivotTableDefinition",
                '<location ref="Z20:AA22"/>',
            ),
        ),
        workbook=f'<pivotCaches {BOTH}><pivotCache cacheId="1" r:id="{{id}}"/></pivotCaches>',
    ),
    "query tables and connections": Feature(
        (
            part("xl/queryTables/queryTable{n}.xml", f"{OFFICE}/queryTable", TYPE + "queryTable+xml", "queryTable"),
            part(
                "xl/connections.xml", f"{OFFICE}/connections", TYPE + "connections+xml", "connections", "", "workbook"
            ),
        )
    ),
    "data model": Feature(
        (
            Piece(
                "xl/model/item.data",
                f"{MICROSOFT}/2011/relationships/powerPivotData",
                "application/vnd.openxmlformats-officedocument.model+data",
                BLOB,
                "workbook",
            ),
        ),
        workbook=sheet_ext("{FCE2AD5D-F65C-4FA6-A056-5C36A1767C68}", "<x15:dataModel/>"),
    ),
    "external links": Feature(
        (
            part(
                "xl/externalLinks/externalLink1.xml",
                f"{OFFICE}/externalLink",
                TYPE + "externalLink+xml",
                "externalLink",
                "",
                "workbook",
            ),
        ),
        workbook=f'<externalReferences {BOTH}><externalReference r:id="{{id}}"/></externalReferences>',
    ),
    "custom XML": Feature(
        (
            Piece("customXml/item1.xml", f"{OFFICE}/customXml", "", b"<a xmlns='urn:x'>\r\n</a>", "workbook"),
            Piece(
                "customXml/itemProps1.xml",
                f"{OFFICE}/customXmlProps",
                "application/vnd.openxmlformats-officedocument.customXmlProperties+xml",
                b"<p/>",
                "before",
            ),
        )
    ),
    "XML maps and single cells": Feature(
        (
            part("xl/xmlMaps.xml", f"{OFFICE}/xmlMaps", "application/xml", "MapInfo", "", "workbook"),
            part(
                "xl/tables/tableSingleCells{n}.xml",
                f"{OFFICE}/tableSingleCells",
                TYPE + "tableSingleCells+xml",
                "singleXmlCells",
            ),
        )
    ),
    "threaded comments and persons": Feature(
        (
            part(
                "xl/threadedComments/threadedComment{n}.xml",
                f"{MICROSOFT}/2017/10/relationships/threadedComment",
                MS_TYPE + "threadedcomments+xml",
                "ThreadedComments",
                '<threadedComment ref="Z2" id="{1}" personId="{2}"><text>怎么了？</text></threadedComment>',
                namespace=f"{MICROSOFT}/spreadsheetml/2018/threadedcomments",
            ),
            part(
                "xl/persons/person.xml",
                f"{MICROSOFT}/2017/10/relationships/person",
                MS_TYPE + "person+xml",
                "personList",
                owner="workbook",
            ),
        )
    ),
    "form controls": Feature(
        (
            part(
                "xl/ctrlProps/ctrlProp{n}.xml", f"{OFFICE}/ctrlProp", MS_TYPE + "controlproperties+xml", "formControlPr"
            ),
            Piece(
                "xl/drawings/vmlDrawing9{n}.vml",
                f"{OFFICE}/vmlDrawing",
                "application/vnd.openxmlformats-officedocument.vmlDrawing",
                b"<xml xmlns:v='urn:schemas-microsoft-com:vml'><v:shape id='x'></v:shape></xml>",
            ),
        ),
        f'<controls {BOTH}><control shapeId="1025" r:id="{{id}}" name="x"/></controls>',
    ),
    "ActiveX": Feature(
        (
            part("xl/activeX/activeX{n}.xml", f"{OFFICE}/control", "application/vnd.ms-office.activeX+xml", "ocx"),
            Piece(
                "xl/activeX/activeX{n}.bin",
                f"{MICROSOFT}/2006/relationships/activeXControlBinary",
                "application/vnd.ms-office.activeX",
                BLOB,
                "before",
            ),
        ),
        f'<controls {BOTH}><control shapeId="1025" r:id="{{id}}" name="x"/></controls>',
    ),
    "OLE objects": Feature(
        (Piece("xl/embeddings/oleObject{n}.bin", f"{OFFICE}/oleObject", TYPE + "oleObject", BLOB),),
        f'<oleObjects {BOTH}><oleObject progId="P" shapeId="1" r:id="{{id}}"/></oleObjects>',
    ),
    "macros with a signature": Feature(
        (
            Piece(
                "xl/vbaProject.bin",
                f"{MICROSOFT}/2006/relationships/vbaProject",
                "application/vnd.ms-office.vbaProject",
                BLOB,
                "workbook",
            ),
            Piece(
                "xl/vbaProjectSignature.bin",
                f"{MICROSOFT}/2006/relationships/vbaProjectSignature",
                "application/vnd.ms-office.vbaProjectSignature",
                BLOB[::-1],
                "before",
            ),
        )
    ),
    "ribbon": Feature(
        (Piece("customUI/customUI14.xml", f"{MICROSOFT}/2007/relationships/ui/extensibility", "", b"<u/>", "package"),)
    ),
    "sensitivity label": Feature(
        (
            Piece(
                "docMetadata/LabelInfo.xml",
                f"{MICROSOFT}/2020/02/relationships/classificationlabels",
                "application/vnd.ms-office.classificationlabels+xml",
                b"<l/>",
                "package",
            ),
        )
    ),
    "web extensions": Feature(
        (
            Piece(
                "xl/webextensions/taskpanes.xml",
                f"{MICROSOFT}/2011/relationships/webextensiontaskpanes",
                "application/vnd.ms-office.webextensiontaskpanes+xml",
                b"<w/>",
                "package",
            ),
        )
    ),
    "printer settings": Feature(
        (
            Piece(
                "xl/printerSettings/printerSettings{n}.bin", f"{OFFICE}/printerSettings", TYPE + "printerSettings", BLOB
            ),
        ),
        f'<pageSetup {BOTH} paperSize="9" r:id="{{id}}"/>',
    ),
    "sheet background": Feature(
        (Piece("xl/media/back{n}.png", f"{OFFICE}/image", "image/png", BLOB),),
        f'<picture {BOTH} r:id="{{id}}"/>',
    ),
    "sheet properties": Feature(
        (Piece("xl/customProperty{n}.bin", f"{OFFICE}/customProperty", TYPE + "customProperty", BLOB),),
        f'<customProperties {BOTH}><customPr name="x" r:id="{{id}}"/></customProperties>',
    ),
    "named views": Feature(
        (
            part(
                "xl/namedSheetViews/namedSheetView{n}.xml",
                f"{MICROSOFT}/2019/04/relationships/namedSheetView",
                MS_TYPE + "namedsheetviews+xml",
                "namedSheetViews",
            ),
        )
    ),
    "custom views": Feature(
        sheet=f'<customSheetViews xmlns="{MAIN}"><customSheetView guid="{{1}}"/></customSheetViews>',
        workbook=f'<customWorkbookViews xmlns="{MAIN}"><customWorkbookView name="v" guid="{{1}}" '
        'windowWidth="1" windowHeight="1" activeSheetId="1"/></customWorkbookViews>',
    ),
    "protected ranges": Feature(
        sheet=f'<protectedRanges xmlns="{MAIN}"><protectedRange sqref="Z1:Z9" name="r"/></protectedRanges>'
    ),
    "scenarios": Feature(
        sheet=f'<scenarios xmlns="{MAIN}"><scenario name="s"><inputCells r="Z1" val="1"/></scenario></scenarios>'
    ),
    "consolidation": Feature(sheet=f'<dataConsolidate xmlns="{MAIN}" function="average"/>'),
    "ignored errors": Feature(
        sheet=f'<ignoredErrors xmlns="{MAIN}"><ignoredError sqref="Z1:Z9" numberStoredAsText="1"/></ignoredErrors>'
    ),
    "phonetic properties": Feature(sheet=f'<phoneticPr xmlns="{MAIN}" fontId="1"/>'),
    "phonetic runs": Feature(cell=' t="inlineStr"><is><t>東京</t><rPh sb="0" eb="2"><t>とうきょう</t></rPh></is>'),
    "rich text": Feature(cell=' t="inlineStr"><is><r><t>a</t></r><r><rPr><b/></rPr><t>b</t></r></is>'),
    "an empty text": Feature(cell=' t="str"><v/>'),
    "a number with 17 digits": Feature(cell="><v>0.30000000000000004</v>"),
    "dynamic arrays": Feature(
        (part("xl/metadata.xml", f"{OFFICE}/sheetMetadata", TYPE + "sheetMetadata+xml", "metadata", "", "workbook"),),
        cell=' cm="1"><f t="array" ref="Z2">_xlfn.SEQUENCE(1)</f><v>1</v>',
    ),
    "pictures in cells and data types": Feature(
        (
            part("xl/metadata.xml", f"{OFFICE}/sheetMetadata", TYPE + "sheetMetadata+xml", "metadata", "", "workbook"),
            part(
                "xl/richData/rdrichvalue.xml",
                f"{MICROSOFT}/2017/06/relationships/rdRichValue",
                CELL_TYPE,
                "rvData",
                owner="workbook",
            ),
            part(
                "xl/richData/richValueRel.xml",
                f"{MICROSOFT}/2022/10/relationships/richValueRel",
                MS_TYPE + "richvaluerel+xml",
                "richValueRels",
                owner="workbook",
            ),
            Piece("xl/media/cell1.png", f"{OFFICE}/image", "image/png", BLOB, "before"),
        ),
        cell=' t="e" vm="1"><v>#VALUE!</v>',
    ),
    "pictures in cells of WPS": Feature(
        (
            Piece(
                "xl/cellimages.xml",
                "http://www.wps.cn/officeDocument/2020/cellImage",
                "application/vnd.wps-officedocument.cellimage+xml",
                b"<c/>",
                "workbook",
            ),
        ),
        cell=' t="str"><f>DISPIMG("ID_1",1)</f><v>=DISPIMG("ID_1",1)</v>',
    ),
    "check boxes": Feature(
        (
            part(
                "xl/featurePropertyBag/featurePropertyBag.xml",
                f"{MICROSOFT}/2022/11/relationships/FeaturePropertyBag",
                MS_TYPE + "featurepropertybag+xml",
                "FeaturePropertyBags",
                owner="workbook",
            ),
        )
    ),
    "volatile dependencies": Feature(
        (
            part(
                "xl/volatileDependencies.xml",
                f"{OFFICE}/volatileDependencies",
                TYPE + "volatileDependencies+xml",
                "volTypes",
                owner="workbook",
            ),
        )
    ),
    "embedded fonts": Feature(
        (Piece("xl/fonts/font1.odttf", f"{OFFICE}/font", "application/x-fontdata", BLOB, "workbook"),)
    ),
    "SmartArt": drawing(
        '<xdr:absoluteAnchor><xdr:graphicFrame macro=""/></xdr:absoluteAnchor>',
        Piece(
            "xl/diagrams/data{n}.xml",
            f"{OFFICE}/diagramData",
            "application/vnd.openxmlformats-officedocument.drawingml.diagramData+xml",
            b"<d/>",
            "before",
        ),
    ),
    "groups and connectors": drawing("<xdr:absoluteAnchor><xdr:grpSp><xdr:cxnSp/></xdr:grpSp></xdr:absoluteAnchor>"),
    "new charts with style and colours": drawing(
        "<xdr:absoluteAnchor/>",
        Piece(
            "xl/charts/chartEx{n}.xml",
            f"{MICROSOFT}/2014/relationships/chartEx",
            "application/vnd.ms-office.chartex+xml",
            b"<c/>",
            "before",
        ),
        Piece(
            "xl/charts/style{n}.xml",
            f"{MICROSOFT}/2011/relationships/chartStyle",
            "application/vnd.ms-office.chartstyle+xml",
            b"<s/>",
            "before",
        ),
    ),
    "ink": drawing(
        "<xdr:absoluteAnchor/>",
        Piece("xl/ink/ink{n}.xml", f"{OFFICE}/customXml", "application/inkml+xml", b"<ink/>", "before"),
    ),
    "document tasks": Feature(
        (
            Piece(
                "xl/documenttasks/documenttask{n}.xml",
                f"{MICROSOFT}/2019/05/relationships/documenttask",
                "application/vnd.ms-excel.documenttasks+xml",
                b"<t/>",
            ),
        )
    ),
}
INDEX = {"[Content_Types].xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml"}


def rels_of(name):
    folder, _, last = name.rpartition("/")
    return f"{folder}/_rels/{last}.rels".lstrip("/")


def with_feature(path, feature):
    """The workbook with the feature on both of its sheets and in the workbook itself."""
    found = parts(path)
    changed = {}

    def tree(name, empty):
        return etree.fromstring(changed.get(name, found.get(name, empty)))

    def keep(name, root):
        changed[name] = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)

    def relate(owner, piece, target):
        name = rels_of(owner)
        root = tree(name, f'<Relationships xmlns="{PACKAGE}"/>'.encode())
        one = etree.SubElement(root, f"{{{PACKAGE}}}Relationship", Id=f"rIdX{len(root)}", Type=piece.relation)
        one.set("Target", f"/{target}")
        keep(name, root)
        return one.get("Id")

    for n, sheet in enumerate((sheet_part(path, "Plan"), sheet_part(path, RFM_SHEET)), 1):
        owners = {"sheet": sheet, "workbook": "xl/workbook.xml", "package": ""}
        ids = {}
        for piece in feature.pieces:
            target = piece.name.replace("{n}", str(n))
            if target not in changed:
                changed[target] = piece.data
                types = tree("[Content_Types].xml", b"")
                if piece.kind:
                    etree.SubElement(
                        types, f"{{{types.nsmap[None]}}}Override", PartName=f"/{target}", ContentType=piece.kind
                    )
                    keep("[Content_Types].xml", types)
                ids.setdefault(piece.owner, relate(owners[piece.owner], piece, target))
            owners["before"] = target
        root = tree(sheet, b"")
        if feature.sheet:
            new = etree.fromstring(feature.sheet.replace("{id}", ids.get("sheet", "")))
            tag = etree.QName(new).localname
            for old in root.findall(f"{{{MAIN}}}{tag}"):
                root.remove(old)
            later = [one for one in root if f" {etree.QName(one).localname} " in ORDER[ORDER.index(f" {tag} ") :]]
            later[0].addprevious(new) if later else root.append(new)
        if feature.cell:
            row = root.find(f".//{{{MAIN}}}row[@r='2']")
            row.append(etree.fromstring(f'<c xmlns="{MAIN}" r="Z2"{feature.cell}</c>'))
            row.attrib.pop("spans", None)
        keep(sheet, root)
        if feature.workbook and n == 1:
            root = tree("xl/workbook.xml", b"")
            root.append(etree.fromstring(feature.workbook.replace("{id}", ids.get("workbook", ""))))
            keep("xl/workbook.xml", root)
    return rewritten(path, changed)


def fill(path, out):
    with FileBook(path, out) as target:
        target.write(RFM, rfm(["1", "2", "3"]))
        target.write(CLEANING, frame(stage=["fill"], message=["x"]))


def listed(data):
    """What a list of types or relations holds, each as its attributes."""
    return {tuple(sorted(one.attrib.items())) for one in etree.fromstring(data)}


def around(data):
    """A sheet without its rows and its dimension."""
    head, _, rest = data.partition(b"<sheetData")
    start, end = head.find(b"<dimension"), head.find(b"/>", head.find(b"<dimension"))
    return head[:start] + head[end:], rest.partition(b"</sheetData>")[2]


@pytest.mark.parametrize("name", FEATURES)
def test_a_feature_outlives_a_fill(name, tmp_path):
    feature = FEATURES[name]

    def plan(workbook):
        workbook.add_worksheet("Plan").write_row(1, 0, ["a", 1, "=x"])

    path = with_feature(
        book(tmp_path / "before.xlsx", [(n, {}) for n in "123"], before=plan),
        feature,
    )
    out, again = tmp_path / "after.xlsx", tmp_path / "again.xlsx"
    fill(path, out)
    before, after = parts(path), parts(out)
    ours = sheet_part(path, RFM_SHEET)
    assert before.keys() <= after.keys()
    assert [one for one in before if one not in INDEX | {ours} and before[one] != after[one]] == []
    assert before[ours] != after[ours]
    assert around(before[ours]) == around(after[ours])
    for one in ("[Content_Types].xml", "xl/_rels/workbook.xml.rels"):
        assert listed(before[one]) <= listed(after[one])
    inside = [etree.tostring(one) for one in etree.fromstring(before["xl/workbook.xml"])]
    assert feature.workbook == "" or inside[-1] in [
        etree.tostring(one) for one in etree.fromstring(after["xl/workbook.xml"])
    ]
    if feature.cell:
        content = feature.cell.partition(">")[2].encode()
        assert [data.count(content) for data in (after[ours], after[sheet_part(out, "Plan")])] == [1, 1]
        assert feature.cell.partition(">")[0].encode() in after[ours]
    assert set(repairs(out)) <= set(repairs(path))
    assert verify(Package(path.read_bytes(), path), Package(out.read_bytes(), out)).ok
    fill(out, again)
    assert again.read_bytes() == out.read_bytes()
