"""Writes odd but valid workbooks into a folder, reads them again with openpyxl, and prints what it sees of each list as JSON."""

import datetime
import io
import json
import pathlib
import random
import re
import sys
import zipfile
from decimal import Decimal

from openpyxl import Workbook, load_workbook
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.styles import Font
from openpyxl.utils.datetime import CALENDAR_MAC_1904

BOOKS = 160
NAMES = {
    "invoice": ["Invoice Number", "Inv. #", "bill no", "INVOICE"],
    "due": ["Due Date", "due", "Payment due"],
    "name": ["Recipient Name", "Payer", "Bill to"],
    "email": ["Recipient Email", "E-Mail", "e-mail address"],
    "amount": ["Amount", "Balance due", "AMOUNT\nDUE"],
    "message": ["Custom Message", "Memo", "note"],
}
TEXTS = ["Jane Roe", "Jörg Müller & Söhne", "<b> \"quoted\" 'x'", "東京 法律", "two\nlines", "  blanks  ", "🎉 paid?", "&amp; as it stands", "]]>", "00124"]
DATES = ["yyyy-mm-dd", "d/m/yy", "mm/dd/yyyy", "[$-409]d\\-mmm\\-yyyy;@", "m/d/yy h:mm", "dddd, mmmm d"]


def amount(chance):
    cents = chance.choice([chance.randrange(1, 100), chance.randrange(1, 10_000_000), chance.randrange(1, 10**11)])
    written = chance.choice([cents / 100, cents * 0.01, cents / 100, Decimal(cents) / 100])
    # A sum of many, off by some binary fractions.
    return sum([0.1] * chance.randrange(2, 60)) if chance.random() < 0.2 else written


def invoice(chance, cell):
    kind = chance.randrange(4)
    cell.value = [chance.randrange(1, 10**6), f"INV-{chance.randrange(10**5)}", float(chance.randrange(1, 10**14)), None][kind]
    if kind == 0 and chance.random() < 0.5:
        cell.number_format = chance.choice(["00000", "0000000", "000-000"])


def message(chance, cell):
    text = chance.choice(TEXTS)
    if chance.random() < 0.3:
        cell.value = CellRichText("plain, ", TextBlock(InlineFont(b=True), text.strip()), " & plain")
    else:
        cell.value = chance.choice([text, text, None, True])


def due(chance, cell):
    day = datetime.date(1990, 1, 1) + datetime.timedelta(days=chance.randrange(30_000))
    cell.value = chance.choice([day, day, datetime.datetime.combine(day, datetime.time()), day.isoformat(), None])
    if isinstance(cell.value, datetime.date):
        cell.number_format = chance.choice(DATES)


def write(seed):
    chance = random.Random(seed)
    book = Workbook()
    if chance.random() < 0.3:
        book.epoch = CALENDAR_MAC_1904
    sheet = book.active
    sheet.title = "List"
    if chance.random() < 0.5:
        book.create_sheet("Notes", chance.randrange(2)).append(["Name", "Ask Dana", 5])
    if chance.random() < 0.3:
        hidden = book.create_sheet("Old")
        hidden.append([names[0] for names in NAMES.values()])
        hidden.sheet_state = chance.choice(["hidden", "veryHidden"])
    line = 1
    for _ in range(chance.randrange(4)):
        sheet.cell(line, 1 + chance.randrange(3), chance.choice(["Open invoices", 2026, None]))
        line += 1
    columns = list(NAMES) + [None] * chance.randrange(3)
    chance.shuffle(columns)
    for at, column in enumerate(columns, 1):
        sheet.cell(line, at, chance.choice(NAMES[column]) if column else chance.choice([None, "Colour", 7]))
    for _ in range(chance.randrange(1, 12)):
        line += 1
        for at, column in enumerate(columns, 1):
            cell = sheet.cell(line, at)
            if column == "invoice":
                invoice(chance, cell)
            elif column == "due":
                due(chance, cell)
            elif column == "name":
                cell.value = chance.choice(TEXTS)
            elif column == "email":
                cell.value = f"p{line}@example.com"
            elif column == "amount":
                cell.value = amount(chance)
                cell.number_format = chance.choice(["General", "#,##0.00", "0.0", "$#,##0.00;[Red]($#,##0.00)"])
            elif column == "message":
                message(chance, cell)
            else:
                cell.value = chance.choice([None, "red", 3.25, datetime.date(2026, 6, 30), "=1+1"])
    for _ in range(chance.randrange(3)):
        line += chance.randrange(1, 5)
        sheet.cell(line, 2).font = Font(bold=True)
    raw = io.BytesIO()
    book.save(raw)
    return raw


def pack(raw, path, seed):
    """As other programs pack it: stored, with large sizes, without places, with other names."""
    chance = random.Random(-seed - 1)
    method = chance.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    bare, renamed, large = chance.random() < 0.2, chance.random() < 0.2, chance.random() < 0.3
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(path, "w", method) as new:
        for name in old.namelist():
            part = old.read(name)
            if bare and name.startswith("xl/worksheets/sheet"):
                # The places of rows whose rows and cells all are there: what follows the order needs none.
                part = re.sub(rb'<row r="\d+"', b"<row", part)
            if renamed and name.startswith("xl/_rels/"):
                part = part.replace(b"/xl/worksheets/", b"worksheets/")
            with new.open(zipfile.ZipInfo(name) if method == zipfile.ZIP_STORED else name, "w", force_zip64=large) as into:
                into.write(part)


def text(cell):
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, (int, float)):
        digits = str(int(value))
        zeros = cell.number_format
        digits = digits.zfill(zeros.count("0")) if set(zeros) <= {"0", "-"} else digits
        return f"{digits[:-3]}-{digits[-3:]}" if "-" in zeros else digits
    return str(value).strip()


def day(value):
    if isinstance(value, datetime.datetime):
        value = value.date()
    return value if value is None or isinstance(value, str) else value.isoformat()


def read(path):
    sheet = load_workbook(path, data_only=True)["List"]
    known = {name: column for column, names in NAMES.items() for name in names}
    rows, header = [], None
    for cells in sheet.iter_rows():
        names = [cell.value for cell in cells]
        if header is None:
            found = {known[name]: at for at, name in enumerate(names) if name in known}
            header = found if len(found) == len(NAMES) else None
            continue
        cell = {column: cells[at] for column, at in header.items()}
        if all(value is None for value in names):
            continue
        rows.append(
            {
                "line": cells[0].row,
                "invoice": text(cell["invoice"]),
                "due": day(cell["due"].value),
                "name": text(cell["name"]),
                "email": text(cell["email"]),
                "minor": round(Decimal(repr(float(cell["amount"].value))) * 100),
                "message": text(cell["message"]),
            }
        )
    return rows


folder = pathlib.Path(sys.argv[1])
seen = {}
for seed in range(BOOKS):
    path = folder / f"{seed}.xlsx"
    pack(write(seed), path, seed)
    seen[str(path)] = read(path)
json.dump(seen, sys.stdout)
