"""Measures what pure label noise does to the ridgeless fit, and how well single modes are learnt.

The labels are noise of the variance 1 alone. The amplification is the test error on fresh noisy points, 1 + E f(x)^2:
where it tends to 1 overfitting is benign, to a finite number tempered, to infinity catastrophic (Mallinar et al. 2022).
For a spectrum i^-alpha the eigenframework says alpha: sum L_i^2 = (1 - 1/alpha) sum L_i = (1 - 1/alpha) n, so that
E0 = 1 / (1 - (1 - 1/alpha)). The features are

    gaussian     independent, as the theory has it,
    elliptical   the same, each point's features multiplied by a random factor exp(tau g - tau^2), g standard normal:
                 the kernel's eigenvalues are the same, but the features of a point are not independent,
    interval     those of the kernel min(x, x') on [0, 1], which has alpha = 2. In one dimension points see their two
                 neighbours only. The fit is the line through neighbouring points, which makes 5/3: 1 + the mean over
                 t in [0, 1] of t^2 + (1 - t)^2.

The learnability of mode i is the coefficient that a fit of phi_i gives to phi_i: lambda_i phi_i' K^-1 phi_i.
"""

import argparse
import json

import numpy as np

import experiment
import spectrum


def spectral(generator, samples, modes, exponent, spread, chosen):
    """The amplification of one draw, and the learnabilities of the chosen modes."""
    eigenvalues, ridge = spectrum.power_law(exponent, modes)
    features = generator.standard_normal((samples, modes))
    noise = generator.standard_normal(samples)
    scale = np.exp(spread * generator.standard_normal(samples) - spread**2)
    features *= scale[:, None]
    kernel = (features * eigenvalues) @ features.T
    kernel.flat[:: samples + 1] += ridge * scale**2
    targets = features[:, np.array(chosen) - 1]
    solved = np.linalg.solve(kernel, np.column_stack([noise, targets]))
    coefficients = eigenvalues * (features.T @ solved[:, 0])
    learnability = eigenvalues[np.array(chosen) - 1] * np.sum(targets * solved[:, 1:], axis=0)
    return 1 + coefficients @ coefficients, learnability


def interval(generator, samples):
    """The amplification of one draw: the fit is linear between the points, zero at 0 and constant after the last."""
    x = np.sort(generator.random(samples))
    noise = generator.standard_normal(samples)
    kernel = np.minimum.outer(x, x)
    f = np.concatenate([[0], kernel @ np.linalg.solve(kernel, noise)])
    f, steps = np.append(f, f[-1]), np.diff(np.concatenate([[0], x, [1]]))
    return 1 + np.sum(steps * (f[:-1] ** 2 + f[:-1] * f[1:] + f[1:] ** 2)) / 3


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--features", choices=["gaussian", "elliptical", "interval"], required=True)
    parser.add_argument("--alpha", type=float, required=True)
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--modes", type=int, required=True)
    parser.add_argument("--spread", type=float, required=True, help="tau of the elliptical features")
    parser.add_argument("--chosen", type=json.loads, required=True, help="the modes whose learnability is measured")
    parser.add_argument("--repeats", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--universe", required=True)
    parser.add_argument("--out", required=True, help="the .json to write: amplification, learnability [{mode, value}]")
    arguments = parser.parse_args()

    amplifications, learnabilities = [], []
    for repeat in range(arguments.repeats):
        name = arguments.universe, "kernel-ridge", "noise", arguments.features, arguments.alpha, arguments.seed, repeat
        generator = experiment.stream(*name)
        if arguments.features == "interval":
            amplifications.append(interval(generator, arguments.samples))
            continue
        spread = arguments.spread if arguments.features == "elliptical" else 0.0
        settings = arguments.samples, arguments.modes, arguments.alpha, spread, arguments.chosen
        amplification, learnability = spectral(generator, *settings)
        amplifications.append(amplification)
        learnabilities.append(learnability)
    means = np.mean(learnabilities, axis=0) if learnabilities else []
    metrics = {
        "amplification": np.mean(amplifications),
        "learnability": [{"mode": mode, "value": value} for mode, value in zip(arguments.chosen, means)],
    }
    experiment.write_json(arguments.out, metrics)


if __name__ == "__main__":
    main()
