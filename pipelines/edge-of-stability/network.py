"""The network of this experiment: its loss, gradient and Hessian-vector product, written out by hand.

A fully connected tanh network with layers of the sizes d = s_0, s_1, ..., s_L = classes, all parameters in one flat
vector:

    a_0 = x,   z_l = a_{l-1} W_l + b_l,   a_l = tanh(z_l) for l < L,   f(x) = z_L.

The loss over n samples with one-hot labels y is

    squares   (1/2n) sum_i |f(x_i) - y_i|^2,
    entropy   -(1/n) sum_i log softmax(f(x_i))[class of i].

The Hessian-vector product follows Pearlmutter, "Fast exact multiplication by the Hessian", Neural Computation 6 (1994):
the derivative of the gradient in a direction v, R{g} = d/dr g(w + r v) at r = 0, by the forward and the backward pass
differentiated once more. It costs about three gradients and is exact.
"""

import numpy as np


class Network:
    def __init__(self, sizes, loss):
        if loss not in ("squares", "entropy"):
            raise ValueError(f"no such loss: {loss}")
        self.sizes, self.loss = list(sizes), loss
        self.count = sum((i + 1) * o for i, o in zip(self.sizes, self.sizes[1:]))

    def layers(self, flat):
        """Views [(W_l, b_l), ...] into a flat vector: W_l is (s_{l-1}, s_l), b_l is (s_l,)."""
        views, at = [], 0
        for i, o in zip(self.sizes, self.sizes[1:]):
            views.append((flat[at : at + i * o].reshape(i, o), flat[at + i * o : at + (i + 1) * o]))
            at += (i + 1) * o
        return views

    def initial(self, random, gain):
        """Weights N(0, gain^2 / fan-in), biases zero."""
        flat = np.zeros(self.count)
        for weights, _ in self.layers(flat):
            weights[:] = gain / np.sqrt(weights.shape[0]) * random.standard_normal(weights.shape)
        return flat

    def _forward(self, layers, inputs):
        activations = [inputs]
        for weights, bias in layers[:-1]:
            activations.append(np.tanh(activations[-1] @ weights + bias))
        weights, bias = layers[-1]
        return activations, activations[-1] @ weights + bias

    def _residual(self, outputs, labels):
        """The loss and the derivative of n times the loss by the outputs."""
        if self.loss == "squares":
            error = outputs - labels
            return 0.5 * np.vdot(error, error) / len(labels), error
        shifted = outputs - outputs.max(1, keepdims=True)
        exponentials = np.exp(shifted)
        sums = exponentials.sum(1, keepdims=True)
        loss = (np.log(sums).sum() - np.vdot(shifted, labels)) / len(labels)
        return loss, exponentials / sums - labels

    def value(self, flat, inputs, labels):
        return self._residual(self._forward(self.layers(flat), inputs)[1], labels)[0]

    def accuracy(self, flat, inputs, labels):
        outputs = self._forward(self.layers(flat), inputs)[1]
        return float(np.mean(outputs.argmax(1) == labels.argmax(1)))

    def gradient(self, flat, inputs, labels):
        """The loss, and its gradient as a flat vector."""
        layers = self.layers(flat)
        activations, outputs = self._forward(layers, inputs)
        loss, delta = self._residual(outputs, labels)
        delta = delta / len(labels)
        gradient = np.empty(self.count)
        views = self.layers(gradient)
        for l in range(len(layers) - 1, -1, -1):
            np.matmul(activations[l].T, delta, out=views[l][0])
            views[l][1][:] = delta.sum(0)
            if l:
                delta = (delta @ layers[l][0].T) * (1 - activations[l] ** 2)
        return loss, gradient

    def curvature(self, flat, inputs, labels):
        """The function v -> H v at these parameters, H the Hessian of the loss."""
        layers = self.layers(flat)
        activations, outputs = self._forward(layers, inputs)
        error = self._residual(outputs, labels)[1] / len(labels)
        slopes = [None] + [1 - a * a for a in activations[1:]]
        deltas, backs = [None] * len(layers), [None] * len(layers)
        deltas[-1] = error
        for l in range(len(layers) - 1, 0, -1):
            backs[l] = deltas[l] @ layers[l][0].T
            deltas[l - 1] = backs[l] * slopes[l]
        if self.loss == "entropy":
            softmax = error * len(labels) + labels

        def product(direction):
            moves = self.layers(direction)
            changes = [None]  # R{a_l}
            for l, ((weights, _), (turn, shift)) in enumerate(zip(layers, moves)):
                change = activations[l] @ turn + shift
                if l:
                    change += changes[l] @ weights
                if l < len(layers) - 1:
                    changes.append(slopes[l + 1] * change)
            if self.loss == "squares":
                move = change / len(labels)
            else:
                move = softmax * (change - (softmax * change).sum(1, keepdims=True)) / len(labels)
            result = np.empty(self.count)
            views = self.layers(result)
            for l in range(len(layers) - 1, -1, -1):
                np.matmul(activations[l].T, move, out=views[l][0])
                views[l][1][:] = move.sum(0)
                if l:
                    views[l][0][:] += changes[l].T @ deltas[l]
                    move = (move @ layers[l][0].T + deltas[l] @ moves[l][0].T) * slopes[l] - 2 * (
                        backs[l] * activations[l] * changes[l]
                    )
            return result

        return product


def largest_eigenvalue(product, start, tolerance=3e-3, most=60):
    """The largest eigenvalue of a symmetric operator and its unit eigenvector, by Lanczos from `start`.

    Vectors are orthogonalised against all earlier ones. It ends when the residual |H u - theta u| of the leading Ritz
    pair is below tolerance * theta, which bounds the distance to an eigenvalue; warm starts make that a few products.
    """
    basis = np.empty((most + 1, start.size))
    basis[0] = start / np.linalg.norm(start)
    diagonal, beside = [], []
    for k in range(most):
        image = product(basis[k])
        diagonal.append(basis[k] @ image)
        for _ in range(2):
            image -= basis[: k + 1].T @ (basis[: k + 1] @ image)
        beside.append(np.linalg.norm(image))
        if k >= 3:
            tridiagonal = np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1)
            values, vectors = np.linalg.eigh(tridiagonal)
            if abs(beside[-1] * vectors[-1, -1]) < tolerance * abs(values[-1]) or beside[-1] < 1e-12:
                break
        basis[k + 1] = image / beside[-1]
    return float(values[-1]), basis[: k + 1].T @ vectors[:, -1]
