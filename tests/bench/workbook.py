"""Turns the CSV file on stdin into a workbook as people make them: numbers, dates and texts, each once where it repeats."""

import csv
import datetime
import sys

from openpyxl import Workbook

book = Workbook()
sheet = book.active
rows = csv.reader(sys.stdin)
sheet.append(next(rows))
for invoice, issued, due, name, email, amount, message in rows:
    days = [datetime.date.fromisoformat(day) for day in (issued, due)]
    sheet.append([invoice, *days, name, email, float(amount.replace(",", "")), message])
book.save(sys.argv[1])
