import json
import sys

samples, noise = int(sys.argv[1]), float(sys.argv[2])
with open(sys.argv[3], "w") as file:
    json.dump({str(w): (1 + noise) / (1 + abs(samples - w)) for w in (10, 30, 90)}, file)
