"""Power-law spectra, and the eigenframework's prediction for a spectrum.

A kernel k(x, x') = sum_i lambda_i phi_i(x) phi_i(x') with orthonormal eigenfunctions, a teacher sum_i v_i phi_i and
label noise of the variance s2 are given. Kernel ridge regression on n samples with the ridge delta, (K + delta) c = y,
has, if the features phi_i behave like independent Gaussians (Bordelon et al. 2020; Canatar et al. 2021; Simon et al.
2023; it is also the omniscient risk estimate of linear ridge regression), with the effective regularisation kappa

    sum_i L_i + delta / kappa = n,   L_i = lambda_i / (lambda_i + kappa)           the learnability of mode i,
    E0 = n / (n - sum_i L_i^2)                                                      the overfitting coefficient,
    test error = E0 [sum_i (1 - L_i)^2 v_i^2 + s2],

the test error being the mean squared error on noisy labels of fresh points.

Spectra here are lambda_i = i^-alpha and teachers v_i^2 = i^-(1 + s), of which `modes` are kept. The infinitely many
modes beyond are replaced by what they do when they are many more than the samples: to the kernel matrix they add the
sum of their eigenvalues times the identity, a ridge, and to the labels an error with the sum of their v_i^2 as variance.
"""

import numpy as np


def power_law(exponent, modes):
    """i^-exponent for the first modes, and the sum over all others (Euler-Maclaurin to the first correction)."""
    i = np.arange(1, modes + 1, dtype=float)
    return i**-exponent, (modes + 0.5) ** (1 - exponent) / (exponent - 1)


def effective_regularisation(eigenvalues, samples, ridge):
    """kappa, by bisection of its logarithm: the left side of its equation falls with it."""

    def excess(logarithm):
        kappa = np.exp(logarithm)
        return np.sum(eigenvalues / (eigenvalues + kappa)) + ridge / kappa - samples

    low, high = np.log(1e-30), np.log((np.sum(eigenvalues) + ridge) / samples)
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return np.exp(low)


def eigenframework(eigenvalues, samples, ridge):
    """The learnabilities L_i and the overfitting coefficient E0."""
    kappa = effective_regularisation(eigenvalues, samples, ridge)
    learnability = eigenvalues / (eigenvalues + kappa)
    return learnability, samples / (samples - np.sum(learnability**2))


def teacher(name, exponents, noise, modes):
    """v_i of a teacher, and the variance of everything in its labels that the modes do not hold.

    `rough` and `smooth` are noiseless with their exponents s; `noisy` is `rough` with label noise.
    """
    squares, beyond = power_law(1 + exponents["smooth" if name == "smooth" else "rough"], modes)
    return np.sqrt(squares), beyond + (noise**2 if name == "noisy" else 0)


TEACHERS = ["rough", "smooth", "noisy"]
