"""Predicts the two constants of the leading order in 1/sqrt(n), and states the exponents. No trained network is used.

The kernel of n neurons is the mean of n independent kernels of one neuron,

    k(x, x') = phi(u) phi(u') + a^2 phi'(u) phi'(u') rho,   rho = <x, x'> / d,   (u, u') normal with correlation rho.

1. Fluctuation. E |Theta_start - Theta|^2 = (1/n) sum_ii' Var k(x_i, x_i'), exactly, at every width. With E a^4 = 3,

    E k^2 = E phi^2 phi'^2 + 2 rho E phi phi' (dphi dphi') + 3 rho^2 E (dphi dphi')^2    (phi' = phi(u') here),

in closed form for relu (arc-cosine kernels of the degrees 2, 1, 0; Cho & Saul 2009) and by Gauss-Hermite quadrature for
erf.

2. Gap in function space. To first order in D = Theta_start - Theta, gradient descent of K steps with the rate h ends at
a function that is off by (A = Theta / N on training points, B = Theta / N of test with training points, dA and dB the
same of D, g = A^-1 [1 - (1 - h A)^K] y)

    df = dB g - B A^-1 dA g + h B A^-1 V [C * (V' dA V)] V' y,
    C_ij = (p_i^K - p_j^K) / (p_i - p_j), C_ii = K p_i^(K-1),   p = 1 - h eigenvalue,   V the eigenvectors of A,

where * is the product by entries. df is linear in D, a mean over neurons: its mean square is 1/n of that of one neuron,
which is averaged over `neurons` random ones. The kernel's drift does not contribute at this order:

3. Drift. Each w_j moves by O(a_j / sqrt(n)), each a_j by O(1 / sqrt(n)). To first order, the kernel so changes by a
mean of n terms of the size 1/sqrt(n), each odd in a_j. With symmetric a_j they average out, and what is left is their
scatter, 1/n, as large as the second order: exponent -1 (Dyer & Gur-Ari 2020; Huang & Yau 2020). With a_j of one sign
they add up: -1/2, the rate of the general bounds (Jacot et al. 2018; Lee et al. 2019). A relu has no smooth first
order: the neurons whose kink crosses an input, about n * n^(-1/2) of them, change the kernel by O(1/n) each; with
random signs that adds up to sqrt(n^(1/2)) / n: exponent -3/4. In mean-field scaling weights move by O(1), and so does
the kernel: exponent 0 (Chizat et al. 2019).

The prediction is that for symmetric a_j in the NTK parameterisation, whatever the network: for the two others it is
what their departure from these assumptions is measured by.
"""

import argparse

import numpy as np

import experiment
import network

FLUCTUATION, GAP = -1 / 2, -1 / 2
DRIFT = {"erf": -1, "relu": -3 / 4}


def second_moment(name, rho):
    """E k^2 for one neuron's kernel at the correlations rho."""
    rho = np.clip(rho, -1, 1)
    if name == "relu":
        angle = np.arccos(rho)
        gates = (np.pi - angle) / (2 * np.pi)
        first = (np.sqrt(1 - rho**2) + (np.pi - angle) * rho) / (2 * np.pi)
        second = (3 * np.sqrt(1 - rho**2) * rho + (np.pi - angle) * (1 + 2 * rho**2)) / (2 * np.pi)
        return second + 2 * rho * first + 3 * rho**2 * gates
    nodes, weights = np.polynomial.hermite_e.hermegauss(48)
    weights = np.multiply.outer(weights, weights) / (2 * np.pi)
    u, v = np.meshgrid(nodes, nodes, indexing="ij")
    other = rho[..., None, None] * u + np.sqrt(1 - rho**2)[..., None, None] * v
    phi, slope = network.activation("erf", u)
    phi_other, slope_other = network.activation("erf", other)
    one, two = phi * phi_other, slope * slope_other * rho[..., None, None]
    return np.sum((one**2 + 2 * one * two + 3 * two**2) * weights, axis=(-2, -1))


def mean_square_gap(name, inputs, labels, rate, steps, neurons, universe):
    """E |df|^2 over one neuron's kernel, on the test points, and |f_kernel|^2 there."""
    count, dimension = len(labels), inputs.shape[1]
    points = inputs[:count]
    rho = inputs @ points.T / dimension
    theta = network.limit(name, rho)
    eigenvalues, vectors = np.linalg.eigh(theta[:count] / count)
    p = 1 - rate * eigenvalues
    rises = np.subtract.outer(p, p)
    np.fill_diagonal(rises, 1)
    powers = np.subtract.outer(p**steps, p**steps) / rises
    np.fill_diagonal(powers, steps * p ** (steps - 1))

    y = vectors.T @ labels
    g = vectors @ ((1 - p**steps) / eigenvalues * y)
    back = theta[count:] @ (vectors / eigenvalues) / count
    generator = experiment.stream(universe, "ntk", "quadrature", name)
    total, batch = 0.0, 1024
    for _ in range(neurons // batch):
        u = generator.standard_normal((batch, dimension)) @ inputs.T / np.sqrt(dimension)
        a = generator.standard_normal((batch, 1))
        phi, slope = network.activation(name, u)
        weighted = a * a * slope
        kernel = phi[:, :, None] * phi[:, None, :count] + weighted[:, :, None] * slope[:, None, :count] * rho
        kernel = (kernel - theta) / count
        test, train = kernel[:, count:] @ g, kernel[:, :count] @ g
        middle = ((vectors.T @ kernel[:, :count] @ vectors) * powers) @ y
        total += np.sum((test - train @ vectors @ back.T + rate * middle @ back.T) ** 2)
    expected = network.kernel_dynamics(theta, labels, rate, steps)[count:]
    return total / (neurons // batch * batch), expected @ expected


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", choices=network.NETWORKS, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--neurons", type=int, required=True, help="neurons that the gap's constant is averaged over")
    parser.add_argument("--universe", required=True)
    parser.add_argument("--data", required=True, help="the .npz that data.py wrote")
    parser.add_argument("--out", required=True, help="the .json to write: fluctuation, gap (times sqrt(n)), exponents")
    arguments = parser.parse_args()

    with np.load(arguments.data) as data:
        inputs, labels = data["inputs"], data["labels"]
    activation = network.NETWORKS[arguments.network][0]
    points = inputs[: len(labels)]
    rho = points @ points.T / points.shape[1]
    theta = network.limit(activation, rho)
    variance = second_moment(activation, rho) - theta**2
    settings = arguments.rate, arguments.steps, arguments.neurons, arguments.universe
    square, unit = mean_square_gap(activation, inputs, labels, *settings)
    prediction = {
        "fluctuation": np.sqrt(variance.sum()) / np.linalg.norm(theta),
        "gap": np.sqrt(square / unit),
        "exponents": {"fluctuation": FLUCTUATION, "gap": GAP, "drift": DRIFT[activation]},
    }
    experiment.write_json(arguments.out, prediction)


if __name__ == "__main__":
    main()
