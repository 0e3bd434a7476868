import json
import sys

with open(sys.argv[1]) as file:
    header, *rows = [line.strip().split(",") for line in file]
with open(sys.argv[2]) as file:
    curve = json.load(file)
errors = {}
for row in rows:
    cells = dict(zip(header, row))
    errors.setdefault(cells["width"], []).append(float(cells["test_error"]))
with open(sys.argv[3], "w") as file:
    file.write('<svg xmlns="http://www.w3.org/2000/svg">\n')
    for width, values in errors.items():
        file.write(f"<text>{width}: {sum(values) / len(values):.6f} ({len(values)}) {curve[width]:.6f}</text>\n")
    file.write("</svg>\n")
with open(sys.argv[4], "w") as file:
    json.dump({"peak": max(errors, key=lambda width: sum(errors[width]))}, file)
