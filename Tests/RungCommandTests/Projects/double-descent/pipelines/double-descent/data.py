import json
import sys

samples, noise, seed, out = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
values, state = [], 12345 + seed
for _ in range(samples):
    state = (state * 1103515245 + 12345) % 2**31
    values.append(state / 2**31 + noise * (state % 7))
with open(out, "w") as file:
    json.dump({"values": values}, file)
