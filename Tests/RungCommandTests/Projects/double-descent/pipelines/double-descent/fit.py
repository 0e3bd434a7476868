import json
import sys

width, data, out = int(sys.argv[1]), sys.argv[2], sys.argv[3]
with open(data) as file:
    values = json.load(file)["values"]
scale = 1.0
weights = [scale * sum(values) / (i + 1) for i in range(width)]
with open(out, "w") as file:
    json.dump({"width": width, "weights": weights}, file)
