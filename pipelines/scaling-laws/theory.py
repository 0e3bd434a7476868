"""Predicts the test error of random-feature SGD after every number of steps, for one width. No data is used.

Gaussian data make the mean over one-pass SGD exact, and random matrix theory makes the mean over the features known
(Elliot Paquette, Courtney Paquette, Lechao Xiao and Jeffrey Pennington, "4+3 phases of compute-optimal neural scaling
laws", NeurIPS 2024; Blake Bordelon, Alexander Atanasov and Cengiz Pehlevan, "A dynamical model of neural scaling laws",
ICML 2024; Alexander Maloney, Daniel Roberts and James Sully, arXiv:2210.16859, for the plateau). For batches of B and
the rate g, the loss P(t) obeys a discrete Volterra equation,

    P(t) = F(t) + sum_{s < t} K(t - 1 - s) P(s),
    F(t) = <u, p(H)^t u>,              p(x) = 1 - 2 g x + g^2 (1 + 1/B) x^2,
    K(t) = g^2 / B tr H^2 p(H)^t,

where u_i^2 = l_i v_i^2 = i^(-source), H = L^(1/2) W W' L^(1/2) and l_i = i^(-capacity): F is the error of gradient
descent without noise, K what the noise of one step's gradient adds later. The resolvent of H has the deterministic
equivalent

    <u, (H - z)^-1 u> = -(1/z) sum_i u_i^2 / (1 + m l_i),     1/m = -z + (1/N) sum_i l_i / (1 + m l_i),

m(z) being (1/N) tr (W' L W - z)^-1 for N = width. At z = 0, 1/m = k solves sum_i l_i / (l_i + k) = N, and

    floor = k sum_i u_i^2 / (l_i + k)

is the error that N features cannot avoid. F and K are integrals around the spectrum. Both integrands are conjugate
above and below the real axis, and analytic off it, so that the path may leave the axis by a fixed angle, where
everything is smooth: with nodes z_j and weights w_j on it,

    F(t) = floor + Re sum_j a_j p(z_j)^t,   a_j = w_j (<u, (H - z_j)^-1 u> + floor / z_j),
    K(t) = Re sum_j b_j p(z_j)^t,           b_j = w_j (g^2 / B) N z_j^2 m(z_j),

and the Volterra equation becomes a recursion with one number for each node.
"""

import argparse

import numpy as np

import experiment
import schedule

ANGLE, NODES, EDGE = 0.3, 300, 2.6  # the path: its slope, its nodes, where it ends on the axis, beyond the spectrum


def smallest(spectrum, width):
    """The k with sum_i l_i / (l_i + k) = width, by bisection."""
    low, high = 0.0, spectrum.sum() / width
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if (spectrum / (spectrum + middle)).sum() > width else (low, middle)
    return low


def path(start):
    """Nodes and weights of the path from near 0, where x = start, to EDGE: z = x + i ANGLE x (1 - x / EDGE)."""
    u = np.linspace(np.log(start / EDGE), 14, NODES)
    share = 1 / (1 + np.exp(-u))
    x, dx = EDGE * share, EDGE * share * (1 - share) * (u[1] - u[0])
    return x + 1j * ANGLE * x * (1 - share), (1 + 1j * ANGLE * (1 - 2 * share)) * dx / (1j * np.pi)


def traces(nodes, spectrum, width):
    """m at each node, by Newton's method, from the far end on, where m = -1/z nearly."""
    found = np.empty_like(nodes)
    m = -1 / nodes[-1]
    for j in reversed(range(len(nodes))):
        for _ in range(100):
            q = spectrum / (1 + spectrum * m)
            inverse = -nodes[j] + q.sum() / width
            step = (m * inverse - 1) / (inverse - m * (q @ q) / width)
            m -= step
            if abs(step) < 1e-13 * abs(m):
                break
        found[j] = m
    return found


def predicted(width, spectrum, target, rate, batch, steps):
    """The floor, and the loss after the steps 1 ... steps."""
    k = smallest(spectrum, width)
    floor = k * (target / (spectrum + k)).sum()
    nodes, weights = path(1e-3 * k)
    m = traces(nodes, spectrum, width)
    resolvent = np.array([-(target / (1 + mj * spectrum)).sum() for mj in m]) / nodes
    forcing = weights * (resolvent + floor / nodes)
    kernel = weights * rate**2 / batch * width * nodes**2 * m
    factor = 1 - 2 * rate * nodes + rate**2 * (1 + 1 / batch) * nodes**2
    loss, now = np.empty(steps), target.sum()
    for step in range(steps):
        forcing = factor * forcing + kernel * now
        now = loss[step] = floor + forcing.real.sum()
    return floor, loss


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--dimension", type=int, required=True)
    parser.add_argument("--capacity", type=float, required=True)
    parser.add_argument("--source", type=float, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--windows", type=int, required=True)
    parser.add_argument("--out", required=True, help="the .json to write: step, loss, final, floor")
    arguments = parser.parse_args()

    index = np.arange(1.0, arguments.dimension + 1)
    spectrum, target = index**-arguments.capacity, index**-arguments.source
    floor, loss = predicted(
        arguments.width, spectrum, target, arguments.rate, arguments.batch, arguments.steps
    )
    edges = schedule.edges(arguments.steps, arguments.windows)
    averaged = schedule.average(loss, edges)
    curve = {"step": schedule.middles(edges), "loss": averaged, "final": averaged[-1], "floor": floor}
    experiment.write_json(arguments.out, curve)


if __name__ == "__main__":
    main()
