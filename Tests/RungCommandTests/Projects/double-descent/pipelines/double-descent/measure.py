import json
import sys

with open(sys.argv[1]) as file:
    values = json.load(file)["values"]
with open(sys.argv[2]) as file:
    fit = json.load(file)
error = abs(sum(values) - sum(fit["weights"])) / (1 + abs(len(values) - fit["width"]))
with open(sys.argv[3], "w") as file:
    json.dump({"test_error": error}, file)
