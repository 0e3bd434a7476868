"""The data sets of Benchmarks/store, made anew from fixed seeds. Run with an interpreter that has numpy:

    python store_data.py FOLDER quick|full

Writes into FOLDER: noise, weights, text, sparse, tree/, model-1.safetensors, model-2.safetensors, and facts.json with
what has to be known about them.
"""
import contextlib
import json
import os
import sys

MIB = 1 << 20
SIZES = {
    "quick": {"noise": 256 * MIB, "weights": 256 * MIB, "text": 256 * MIB, "sparse": 1024 * MIB, "files": 20_000,
              "width": 512},
    "full": {"noise": 2048 * MIB, "weights": 1024 * MIB, "text": 1024 * MIB, "sparse": 10_240 * MIB, "files": 100_000,
             "width": 1024},
}


def noise(numpy, path, size):
    """What does not compress: pictures, archives, encrypted data."""
    generator = numpy.random.default_rng(1)
    with open(path, "wb") as f:
        for _ in range(size // (16 * MIB)):
            f.write(generator.bytes(16 * MIB))


def gaussian(generator, numpy, count, sigma=0.02):
    return generator.standard_normal(count, dtype=numpy.float32) * numpy.float32(sigma)


def weights(numpy, path, size):
    """Parameters of a network as they lie in memory, without repetitions of any kind."""
    generator = numpy.random.default_rng(2)
    with open(path, "wb") as f:
        for _ in range(size // (16 * MIB)):
            f.write(gaussian(generator, numpy, 4 * MIB).tobytes())


def vocabulary(numpy, generator):
    """20,000 made-up words, the frequent ones short, and how often each is used (Zipf and Mandelbrot)."""
    onsets = "b br c d f g h l m n p pr r s st t th v w".split()
    vowels = "a e i o u ai ea ou".split()
    codas = ["", "", "", "n", "r", "s", "t", "nd", "ng"]
    words, seen = [], set()
    while len(words) < 20_000:
        syllables = 1 + min(3, len(words).bit_length() // 4)
        word = "".join(
            onsets[generator.integers(len(onsets))] + vowels[generator.integers(len(vowels))]
            + codas[generator.integers(len(codas))] for _ in range(syllables))
        if word not in seen:
            seen.add(word)
            words.append(word)
    frequency = 1 / (numpy.arange(len(words)) + 2.7)
    return words, numpy.cumsum(frequency / frequency.sum())


def prose(numpy, generator, words, cumulative):
    """About a MiB of sentences."""
    drawn = numpy.searchsorted(cumulative, generator.random(150_000)).tolist()
    ends = set((numpy.cumsum(generator.integers(4, 25, 15_000))).tolist())
    return "".join(words[word] + (".\n" if at in ends else " ") for at, word in enumerate(drawn)).encode()


def table(numpy, generator, start):
    """About a MiB of a table of measurements: CSV, one row for each step of a training run."""
    count = 15_000
    step = numpy.arange(start, start + count)
    loss = 2.5 / numpy.log(step + 3.0) + generator.normal(0, 0.01, count)
    accuracy = numpy.clip(1 - loss / 3 + generator.normal(0, 0.02, count), 0, 1)
    norm = generator.lognormal(0, 0.5, count)
    seconds = 0.113 * step + generator.random(count) * 0.02
    rows = zip(step.tolist(), loss.tolist(), accuracy.tolist(), norm.tolist(), seconds.tolist())
    return "".join("%d,train,%.6f,%.4f,%.5f,0.0003,%.3f\n" % row for row in rows).encode()


def text(numpy, path, size):
    """Half prose, half CSV, in blocks of some MiB."""
    generator = numpy.random.default_rng(3)
    words, cumulative = vocabulary(numpy, generator)
    done, block = 0, 0
    with open(path, "wb") as f:
        f.write(b"step,split,loss,accuracy,gradient_norm,learning_rate,seconds\n")
        while done < size:
            for _ in range(8):
                piece = prose(numpy, generator, words, cumulative) if block % 2 else table(numpy, generator, done // 64)
                piece = piece[: size - done]
                f.write(piece)
                done += len(piece)
            block += 1


def sparse(numpy, path, size):
    """Zeros but for 64 MiB of numbers around the middle, where a range of it will be read."""
    generator = numpy.random.default_rng(4)
    with open(path, "wb") as f:
        f.seek(size // 2 - 32 * MIB)
        for _ in range(4):
            f.write(gaussian(generator, numpy, 4 * MIB).tobytes())
        f.truncate(size)


def tree(path, files, sources):
    """Files of 4 KiB in a hundred folders: by turns numbers, text and noise."""
    with contextlib.ExitStack() as opened:
        handles = [opened.enter_context(open(source, "rb")) for source in sources]
        each = files // 100
        for folder in range(100):
            os.makedirs(f"{path}/class-{folder:02}")
            for number in range(each):
                index = folder * each + number
                handle = handles[index % len(handles)]
                handle.seek(index // len(handles) * 4096 + 64)
                with open(f"{path}/class-{folder:02}/sample-{number:04}.bin", "wb") as f:
                    f.write(handle.read(4096))


def models(numpy, first, second, width):
    """Two checkpoints of one transformer, in the safetensors format; returns how many bytes of tensors differ.

    A tenth of the tensors, chosen by lot until they are a tenth of the bytes, have gone on training; the others were
    frozen.
    """
    shapes = {"embed.weight": (16 * width, width)}
    for layer in range(20):
        for name in ("q", "k", "v", "o"):
            shapes[f"layers.{layer}.attention.{name}.weight"] = (width, width)
        shapes[f"layers.{layer}.feed.up.weight"] = (4 * width, width)
        shapes[f"layers.{layer}.feed.down.weight"] = (width, 4 * width)
        shapes[f"layers.{layer}.norm.weight"] = (width,)
    sizes = {name: 4 * int(numpy.prod(shape)) for name, shape in shapes.items()}
    generator = numpy.random.default_rng(5)
    chosen = set()
    for index in generator.permutation(len(shapes)):
        name = list(shapes)[index]
        # A tensor that would lead far beyond the tenth stays as it was.
        if sum(sizes[name] for name in chosen) + sizes[name] <= 0.105 * sum(sizes.values()):
            chosen.add(name)
    offset, table = 0, {}
    for name, shape in shapes.items():
        table[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [offset, offset + sizes[name]]}
        offset += sizes[name]
    with open(first, "wb") as one, open(second, "wb") as two:
        for file, step in ((one, 900), (two, 1000)):
            header = json.dumps({"__metadata__": {"step": str(step)}, **table}).encode()
            header += b" " * (-len(header) % 8)
            file.write(len(header).to_bytes(8, "little") + header)
        for name, shape in shapes.items():
            values = gaussian(generator, numpy, int(numpy.prod(shape)))
            one.write(values.tobytes())
            if name in chosen:
                values += gaussian(generator, numpy, values.size, sigma=0.001)
            two.write(values.tobytes())
    return sum(sizes[name] for name in chosen)


def main():
    import numpy
    where, form = sys.argv[1:]
    sizes = SIZES[form]
    noise(numpy, f"{where}/noise", sizes["noise"])
    weights(numpy, f"{where}/weights", sizes["weights"])
    text(numpy, f"{where}/text", sizes["text"])
    sparse(numpy, f"{where}/sparse", sizes["sparse"])
    tree(f"{where}/tree", sizes["files"], [f"{where}/{name}" for name in ("weights", "text", "noise")])
    changed = models(numpy, f"{where}/model-1.safetensors", f"{where}/model-2.safetensors", sizes["width"])
    with open(f"{where}/facts.json", "w") as f:
        json.dump({"changed": changed}, f)


if __name__ == "__main__":
    main()
