"""The system once more, in plain Python numbers: no array, no shortcut, nothing shared with src.

One sample at a time, sums written out, every Jacobian as a full matrix, log_loss and Poisson from
the prediction and not from z. It is slow and easily seen to be right, which is its only virtue.
"""

from __future__ import annotations

import math

Vector = list[float]
Matrix = list[list[float]]

SELU_SCALE, SELU_ALPHA = 1.0507009873554804934, 1.6732632423543772848


def logistic(z: float) -> float:
    return 1 / (1 + math.exp(-z)) if z > -700 else 0.0


def softplus(z: float) -> float:
    return math.log(1 + math.exp(z)) if z < 30 else z


def normal_distribution(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))


def mish_slope(z: float) -> float:
    t = math.tanh(softplus(z))
    return t + z * (1 - t * t) * logistic(z)


#: name → (σ(z, parameter), σ'(z, parameter)); softmax stands apart
ELEMENTWISE = {
    "identity": (lambda z, p: z, lambda z, p: 1.0),
    "logistic": (lambda z, p: logistic(z), lambda z, p: logistic(z) * (1 - logistic(z))),
    "tanh": (lambda z, p: math.tanh(z), lambda z, p: 1 - math.tanh(z) ** 2),
    "relu": (lambda z, p: max(0.0, z), lambda z, p: 1.0 if z > 0 else 0.0),
    "leaky_relu": (lambda z, p: z if z > 0 else p * z, lambda z, p: 1.0 if z > 0 else p),
    "sign": (lambda z, p: 1.0 if z >= 0 else -1.0, lambda z, p: 1.0 if abs(z) <= 1 else 0.0),
    "softplus": (lambda z, p: softplus(z), lambda z, p: logistic(z)),
    "selu": (
        lambda z, p: SELU_SCALE * (z if z > 0 else SELU_ALPHA * (math.exp(z) - 1)),
        lambda z, p: SELU_SCALE * (1.0 if z > 0 else SELU_ALPHA * math.exp(z)),
    ),
    "gelu": (
        lambda z, p: z * normal_distribution(z),
        lambda z, p: normal_distribution(z) + z * math.exp(-z * z / 2) / math.sqrt(2 * math.pi),
    ),
    "silu": (
        lambda z, p: z * logistic(z),
        lambda z, p: logistic(z) + z * logistic(z) * (1 - logistic(z)),
    ),
    "mish": (lambda z, p: z * math.tanh(softplus(z)), lambda z, p: mish_slope(z)),
    "exp": (lambda z, p: math.exp(z), lambda z, p: math.exp(z)),
}


def activate(name: str, parameter: float, z: Vector) -> Vector:
    if name == "softmax":
        total = sum(math.exp(v) for v in z)
        return [math.exp(v) / total for v in z]
    return [ELEMENTWISE[name][0](v, parameter) for v in z]


def jacobian(name: str, parameter: float, z: Vector, *, output: bool) -> Matrix:
    """∂a_j/∂z_k as [j][k]; for sign its stated rule: 1{|z| ≤ 1} when hidden, 1 at the output."""
    units = range(len(z))
    if name == "softmax":
        a = activate(name, parameter, z)
        return [[a[j] * ((j == k) - a[k]) for k in units] for j in units]
    slopes = [ELEMENTWISE[name][1](v, parameter) for v in z]
    if name == "sign" and output:
        slopes = [1.0 for _ in z]
    return [[slopes[j] if j == k else 0.0 for k in units] for j in units]


def loss(name: str, parameter: float, activation: str, z: Vector, a: Vector, d: Vector) -> float:
    """f = Σ over the outputs."""
    total = 0.0
    for k, target in enumerate(d):
        r = a[k] - target
        if name == "squared_error":
            total += r * r / 2
        elif name == "absolute_error":
            total += abs(r)
        elif name == "huber":
            total += r * r / 2 if abs(r) <= parameter else parameter * (abs(r) - parameter / 2)
        elif name == "quantile":
            total += max(parameter * -r, (parameter - 1) * -r)
        elif name == "poisson":
            total += (target * math.log(target / a[k]) if target else 0.0) - target + a[k]
        elif name == "log_loss":
            total -= target * math.log(a[k]) if target else 0.0
            if activation == "logistic" and target != 1:
                total -= (1 - target) * math.log(1 - a[k])
        elif name == "perceptron":
            total += max(0.0, -target * z[k])
    return total


def loss_slope(name: str, parameter: float, activation: str, a: Vector, d: Vector) -> Vector:
    """∂f/∂a_k."""
    slopes = []
    for p, target in zip(a, d, strict=True):
        r = p - target
        if name == "squared_error":
            slopes.append(r)
        elif name == "absolute_error":
            slopes.append(float((r > 0) - (r < 0)))
        elif name == "huber":
            slopes.append(r if abs(r) <= parameter else math.copysign(parameter, r))
        elif name == "quantile":
            slopes.append((1 - parameter) * (r > 0) - parameter * (r < 0))
        elif name == "poisson":
            slopes.append(1 - target / p)
        elif name == "log_loss":
            slope = -target / p
            slopes.append(slope + (1 - target) / (1 - p) if activation == "logistic" else slope)
    return slopes


def sample(network, weights, biases, x: Vector, d: Vector):
    """One sample through the notes: (f, [∂f/∂W per layer], [∂f/∂b per layer], [δ per layer]).

    ``weights[l][unit][input]`` and ``biases[l][unit]`` are nested lists; biases may be None.
    """
    depth = len(weights)
    outputs, zs = [list(x)], []
    for l, layer in enumerate(network.layers):
        z = []
        for unit in range(layer.units):
            total = 0.0 if biases[l] is None else biases[l][unit]
            for i, value in enumerate(outputs[-1]):
                total += weights[l][unit][i] * value
            z.append(total)
        zs.append(z)
        outputs.append(activate(layer.function.name, layer.function.parameter, z))

    f, deltas = 0.0, [None] * depth
    last = network.layers[-1].function
    deepest = [0.0] * network.n_outputs
    own = jacobian(last.name, last.parameter, zs[-1], output=True)
    for head in network.heads:
        part, kind = head.slice, head.loss
        f += head.weight * loss(
            kind.name, kind.parameter, last.name, zs[-1][part], outputs[-1][part], d[part]
        )
        if kind.of_pre_activation:
            for k in range(*head.columns):
                wrong = d[k] * zs[-1][k] <= 0
                deepest[k] = head.weight * (-d[k] if wrong else 0.0)
            continue
        slopes = loss_slope(kind.name, kind.parameter, last.name, outputs[-1][part], d[part])
        for k in range(network.n_outputs):
            for j in range(*head.columns):
                deepest[k] += head.weight * slopes[j - head.columns[0]] * own[j][k]
    deltas[-1] = deepest
    for l in range(depth - 2, -1, -1):
        kind = network.layers[l].function
        own = jacobian(kind.name, kind.parameter, zs[l], output=False)
        upstream = [
            sum(weights[l + 1][k][m] * deltas[l + 1][k] for k in range(len(deltas[l + 1])))
            for m in range(network.layers[l].units)
        ]
        deltas[l] = [
            sum(own[j][k] * upstream[j] for j in range(len(upstream))) for k in range(len(upstream))
        ]
    by_weight = [[[dk * a for a in outputs[l]] for dk in deltas[l]] for l in range(depth)]
    return f, by_weight, deltas, deltas


def flat(network, by_weight, by_bias) -> Vector:
    """Nested lists in the order of ``Parameters.vector``: input by input, then the biases."""
    numbers: Vector = []
    for l, layer in enumerate(network.layers):
        for i in range(layer.inputs):
            numbers += [by_weight[l][unit][i] for unit in range(layer.units)]
        if layer.bias:
            numbers += list(by_bias[l])
    return numbers


def nested(network, vector) -> tuple[list, list]:
    """The inverse of `flat`."""
    weights, biases, start = [], [], 0
    for layer in network.layers:
        at = [start + i * layer.units for i in range(layer.inputs)]
        weights.append([[float(vector[a + u]) for a in at] for u in range(layer.units)])
        start += layer.inputs * layer.units
        biases.append(
            [float(v) for v in vector[start : start + layer.units]] if layer.bias else None
        )
        start += layer.units if layer.bias else 0
    return weights, biases


def objective_and_gradient(network, vector, X, D, sample_weight=None, l1=0.0, l2=0.0):
    """Equation (8) and its gradient, sample by sample: (J, ∇J as a list)."""
    weights, biases = nested(network, vector)
    w = [1.0] * len(D) if sample_weight is None else [float(v) for v in sample_weight]
    n = sum(w)
    J, total = 0.0, [0.0] * len(vector)
    for wi, x, d in zip(w, X, D, strict=True):
        f, by_weight, by_bias, _ = sample(
            network, weights, biases, [float(v) for v in x], [float(v) for v in d]
        )
        J += wi * f / n
        total = [
            t + wi * g / n for t, g in zip(total, flat(network, by_weight, by_bias), strict=True)
        ]
    zeros = [[0.0] * layer.units for layer in network.layers]
    size = [[[abs(v) for v in row] for row in W] for W in weights]
    square = [[[v * v for v in row] for row in W] for W in weights]
    J += l1 / n * sum(flat(network, size, zeros)) + l2 / n / 2 * sum(flat(network, square, zeros))
    slope = [[[l1 * ((v > 0) - (v < 0)) + l2 * v for v in row] for row in W] for W in weights]
    return J, [t + s / n for t, s in zip(total, flat(network, slope, zeros), strict=True)]
