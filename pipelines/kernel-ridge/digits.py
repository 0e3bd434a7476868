"""Writes the digits of scikit-learn with three tasks, and the spectrum of their Laplace kernel.

The 1797 images are taken to be the whole population: points are drawn from them, and test errors are means over them.
With k(x, x') = exp(-|x - x'| / length), length being the median distance, the matrix k / 1797 has the population's
eigenvalues, and its eigenvectors u_i, times sqrt(1797), are the eigenfunctions at the images; a task y has
v_i = u_i' y / sqrt(1797).

Tasks: `parity` (+1 odd, -1 even), `half` (+1 below 5, else -1), `three` (1 for a three, else 0).
"""

import argparse

import numpy as np

import experiment


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--population", required=True, help="the .npz to write: images, length and the tasks' labels")
    parser.add_argument("--spectrum", required=True, help="the .npz to write: eigenvalues and the tasks' squared v_i")
    arguments = parser.parse_args()

    from sklearn.datasets import load_digits

    images, digits = load_digits(return_X_y=True)
    images = images / 16
    tasks = {
        "parity": np.where(digits % 2 == 1, 1.0, -1.0),
        "half": np.where(digits < 5, 1.0, -1.0),
        "three": np.where(digits == 3, 1.0, 0.0),
    }
    squares = np.sum(images**2, axis=1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * images @ images.T, 0))
    np.fill_diagonal(distances, 0)
    length = np.median(distances)
    eigenvalues, vectors = np.linalg.eigh(np.exp(-distances / length) / len(images))
    np.savez(arguments.population, images=images, length=length, **tasks)
    coefficients = {task: (vectors.T @ labels) ** 2 / len(images) for task, labels in tasks.items()}
    np.savez(arguments.spectrum, eigenvalues=eigenvalues, **coefficients)


if __name__ == "__main__":
    main()
