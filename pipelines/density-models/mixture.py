"""A mixture of Gaussians in the plane, whose posterior means under Gaussian noise are known.

    p(x) = sum_k w_k N(x; m_k, C_k),      z = x + s e,  e ~ N(0, I),      p_s(z) = sum_k w_k N(z; m_k, C_k + s^2 I).

With r_k(z), the probability of component k given z,

    E[x | z] = sum_k r_k(z) (m_k + C_k (C_k + s^2 I)^-1 (z - m_k)),

which is Tweedie's formula z + s^2 grad ln p_s(z). Points are rows, (N, 2).
"""

import json

import numpy as np


class Mixture:
    """Weights (K,), means (K, 2) and covariances (K, 2, 2), from the JSON text of the parameter."""

    def __init__(self, text):
        known = json.loads(text)
        self.weights = np.array(known["weights"], float)
        self.means = np.array(known["means"], float)
        self.covariances = np.array(known["covariances"], float)

    def draw(self, stream, count):
        """Points (count, 2)."""
        component = stream.choice(len(self.weights), size=count, p=self.weights)
        noise = stream.standard_normal((count, 2))
        roots = np.linalg.cholesky(self.covariances)
        return self.means[component] + np.einsum("nij,nj->ni", roots[component], noise)

    def covariance(self):
        """Of a point, (2, 2)."""
        centred = self.means - self.weights @ self.means
        return np.einsum("k,kij->ij", self.weights, self.covariances + centred[:, :, None] * centred[:, None, :])

    def responsibilities(self, points, noise=0.0):
        """ln p_s of the points (N,), and the probabilities of the components given them (N, K)."""
        logs = []
        for weight, mean, covariance in zip(self.weights, self.means, self.covariances):
            total = covariance + noise**2 * np.eye(2)
            away = points - mean
            form = np.einsum("ni,ij,nj->n", away, np.linalg.inv(total), away)
            logs.append(np.log(weight) - form / 2 - np.log(2 * np.pi) - np.log(np.linalg.det(total)) / 2)
        logs = np.stack(logs, axis=1)
        top = logs.max(axis=1, keepdims=True)
        shares = np.exp(logs - top)
        total = shares.sum(axis=1, keepdims=True)
        return (top + np.log(total))[:, 0], shares / total

    def posterior_mean(self, points, noise):
        """E[x | z] of the noisy points, (N, 2)."""
        shares = self.responsibilities(points, noise)[1]
        means = np.zeros_like(points)
        for share, mean, covariance in zip(shares.T, self.means, self.covariances):
            gain = covariance @ np.linalg.inv(covariance + noise**2 * np.eye(2))
            means += share[:, None] * (mean + (points - mean) @ gain.T)
        return means


def grid(text):
    """The noises of the parameter, from large to small, evenly spaced in the logarithm."""
    known = json.loads(text)
    return np.geomspace(known["from"], known["to"], known["count"])


def entropy(noises, errors):
    """The entropy in nats from the errors of denoising E|x - D(x + s e)|^2, by I-MMSE.

    With the signal-to-noise ratio g = 1/s^2 (Guo, Shamai, Verdu 2005, "Mutual information and minimum mean-square error
    in Gaussian channels"; Kong, Brekelmans, Ver Steeg 2023, "Information-theoretic diffusion"), in d = 2 dimensions,

        h(x) = d/2 ln(2 pi e) - 1/2 int_0^inf (d / (1 + g) - mmse(g)) dg.

    The integral is taken over ln g by Simpson's rule on an odd number of noises, evenly spaced in the logarithm, from
    large to small. Below the least g the integrand is constant to first order, above the largest it falls as g^-2. With
    the errors of a model the result is the model's bound on its cross entropy.
    """
    ratios = np.asarray(noises, float) ** -2
    difference = 2 / (1 + ratios) - np.asarray(errors, float)
    simpson = np.ones(len(ratios))
    simpson[1:-1:2], simpson[2:-1:2] = 4, 2
    whole = (simpson / 3) @ (difference * ratios) * np.log(ratios[-1] / ratios[0]) / (len(ratios) - 1)
    ends = difference[0] * ratios[0] + difference[-1] * ratios[-1]
    return float(np.log(2 * np.pi * np.e) - (whole + ends) / 2)
