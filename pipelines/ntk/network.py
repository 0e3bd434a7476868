"""The two-layer network, its tangent kernel, and the kernel's limit of infinite width.

    f(x) = s * sum_j a_j phi(<w_j, x> / sqrt(d)),   j = 1 ... n,   w_j ~ N(0, I_d),   a_j ~ N(0, 1),

with s = 1/sqrt(n) in the NTK parameterisation (Jacot et al. 2018) and s = 1/n in the mean-field one, where the learning
rate is n times larger. Either way the first step changes the function by the same kernel,

    Theta(x, x') = (1/n) sum_j [phi(u_j) phi(u'_j) + a_j^2 phi'(u_j) phi'(u'_j) <x, x'> / d],

with u_j = <w_j, x> / sqrt(d), u'_j = <w_j, x'> / sqrt(d).

The model that is trained is f - f_start (Chizat et al. 2019): it is zero at the start, so that kernel dynamics has no
randomness left. Inputs have the norm sqrt(d), so that u_j ~ N(0, 1).
"""

import numpy as np

import experiment

# the networks by name: activation, law of a_j, parameterisation
NETWORKS = {
    "erf": ("erf", "symmetric", "ntk"),
    "relu": ("relu", "symmetric", "ntk"),
    "relu-one-signed": ("relu", "positive", "ntk"),
    "erf-mean-field": ("erf", "symmetric", "mean-field"),
}


def activation(name, u):
    """phi(u) and phi'(u), in the precision of u.

    erf is Abramowitz & Stegun 7.1.26, right to 1.5e-7: it shares its exponential with the derivative.
    """
    if name == "relu":
        return np.maximum(u, 0), (u > 0).astype(u.dtype)
    size = np.abs(u)
    bell = np.exp(-size * size)
    t = 1 / (1 + 0.3275911 * size)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return np.copysign(1 - series * bell, u), 2 / np.sqrt(np.pi).astype(u.dtype) * bell


def start(network, width, copies, dimension, *name):
    """Weights of `copies` networks at the start, from the stream of a name: a (copies * width), w (the same, d)."""
    _, signs, _ = NETWORKS[network]
    generator = experiment.stream(*name)
    w = generator.standard_normal((copies * width, dimension), dtype=np.float32)
    a = generator.standard_normal(copies * width, dtype=np.float32)
    return (np.abs(a) if signs == "positive" else a), w


def outputs(network, a, w, inputs, width):
    """f at each input, for each copy: (inputs, copies)."""
    name, _, scaling = NETWORKS[network]
    phi, _ = activation(name, inputs @ w.T / np.sqrt(inputs.shape[1]))
    return (phi * a).reshape(len(inputs), -1, width).sum(axis=2) / (np.sqrt(width) if scaling == "ntk" else width)


def kernels(name, a, w, inputs, others, width):
    """The tangent kernels of the copies, Theta[copy, input, other]; `others` are the first of `inputs`."""
    count, dimension = inputs.shape
    rows = inputs @ w.T / np.sqrt(dimension)
    phi, slope = (values.reshape(count, -1, width).transpose(1, 0, 2) for values in activation(name, rows))
    weighted = slope * (a * a).reshape(-1, 1, width)
    features = phi @ phi[:, : len(others)].transpose(0, 2, 1)
    gates = weighted @ slope[:, : len(others)].transpose(0, 2, 1)
    return (features + gates * (inputs @ others.T / dimension)) / width


def limit(name, rho):
    """Theta of infinite width, for E a^2 = 1 and inputs of norm sqrt(d) with <x, x'> / d = rho (Cho & Saul 2009;
    Williams 1997):

        erf:  (2/pi) arcsin(2 rho / 3) + rho (4/pi) / sqrt(9 - 4 rho^2)
        relu: [sqrt(1 - rho^2) + 2 rho (pi - arccos rho)] / (2 pi)
    """
    rho = np.clip(rho, -1, 1)
    if name == "erf":
        return 2 / np.pi * np.arcsin(2 * rho / 3) + rho * 4 / np.pi / np.sqrt(9 - 4 * rho**2)
    return (np.sqrt(1 - rho**2) + 2 * rho * (np.pi - np.arccos(rho))) / (2 * np.pi)


def kernel_dynamics(theta, labels, rate, steps):
    """The function after gradient descent in function space, started from zero, by eigendecomposition.

    theta is (inputs, N), the first N inputs being the training points; the loss is |f - y|^2 / (2N). With A the N x N
    part of theta / N and B = theta / N,

        f_K = B A^-1 [1 - (1 - rate A)^K] y.
    """
    count = len(labels)
    eigenvalues, vectors = np.linalg.eigh(theta[:count] / count)
    learnt = 1 - (1 - rate * eigenvalues) ** steps
    return theta @ (vectors @ (learnt / eigenvalues * (vectors.T @ labels))) / count
