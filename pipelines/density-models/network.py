"""The denoiser of a diffusion model: a small network around which errors and inputs have unit size at every noise.

    D(z, s) = c_skip z + c_out F(c_in z, ln(s)/3),
    c_skip = v / (v + s^2),   c_out = s sqrt(v / (v + s^2)),   c_in = 1 / sqrt(v + s^2),

with v the variance of the data per direction and z measured from their mean (Karras, Aittala, Aila, Laine 2022,
"Elucidating the design space of diffusion-based generative models"). F has two hidden layers of tanh units,
3 -> width -> width -> 2, in single precision. Layers are the list W1 (3, n), b1, W2 (n, n), b2, W3 (n, 2), b3. Points
are rows, (N, 2); noises are (N, 1).
"""

import numpy as np


def start(stream, width):
    """Layers before training; F = 0, so that D is the best linear denoiser."""
    layers = [
        stream.standard_normal((3, width)),
        stream.standard_normal(width) / 2,
        stream.standard_normal((width, width)) * np.sqrt(2 / width),
        np.zeros(width),
        np.zeros((width, 2)),
        np.zeros(2),
    ]
    return [layer.astype(np.float32) for layer in layers]


def forward(layers, inputs):
    """The two hidden layers (N, n) and F (N, 2)."""
    first = np.tanh(inputs @ layers[0] + layers[1])
    second = np.tanh(first @ layers[2] + layers[3])
    return first, second, second @ layers[4] + layers[5]


def slopes(layers, inputs, wanted):
    """The gradient of mean |F - wanted|^2 in the layers."""
    first, second, output = forward(layers, inputs)
    signal = 2 * (output - wanted) / len(inputs)
    back = (signal @ layers[4].T) * (1 - second * second)
    deep = (back @ layers[2].T) * (1 - first * first)
    return [
        inputs.T @ deep, deep.sum(axis=0), first.T @ back, back.sum(axis=0), second.T @ signal, signal.sum(axis=0)
    ]


def scales(noise, variance):
    """c_skip, c_out and c_in of noises (N, 1)."""
    total = variance + noise**2
    return variance / total, noise * np.sqrt(variance / total), 1 / np.sqrt(total)


def inputs(noisy, noise, variance):
    """What F sees of noisy points, (N, 3)."""
    return np.concatenate([noisy * scales(noise, variance)[2], np.log(noise) / 3], axis=1, dtype=np.float32)


class Denoiser:
    """A trained denoiser, from the .npz that train.py writes: layers, mean, variance."""

    def __init__(self, path):
        with np.load(path) as arrays:
            self.layers = [arrays[f"layer{number}"] for number in range(6)]
            self.mean, self.variance = arrays["mean"], float(arrays["variance"])

    def __call__(self, noisy, noise):
        """D of noisy points, all with the same noise."""
        centred = noisy - self.mean
        noise = np.full((len(noisy), 1), float(noise))
        skip, out, _ = scales(noise, self.variance)
        return self.mean + skip * centred + out * forward(self.layers, inputs(centred, noise, self.variance))[2]
