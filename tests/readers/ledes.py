"""What ledes-parser reads of the files named: for each, its line items as a JSON list."""

import json
import sys
import warnings

warnings.filterwarnings("ignore")
from ledes_parser import get_parser  # noqa: E402

NAMES = ["invoice_number", "client_id", "law_firm_matter_id", "invoice_date", "invoice_total", "line_item_total"]

parser = get_parser("LEDES98B")
read = []
for path in sys.argv[1:]:
    with open(path, encoding="ascii", newline="") as file:
        items = parser.parse(file.read())["line_items"]
    read.append([{name: str(item[name]) for name in NAMES} for item in items])
json.dump(read, sys.stdout)
