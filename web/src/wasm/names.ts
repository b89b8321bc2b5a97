/** Names of the library and the numbers that the core knows them by, in the order of its enums. */

export const ACTIVATIONS = [
  "identity",
  "logistic",
  "tanh",
  "relu",
  "leaky_relu",
  "sign",
  "softmax",
  "softplus",
  "selu",
  "gelu",
  "silu",
  "mish",
  "exp",
] as const;

export const LOSSES = [
  "squared_error",
  "absolute_error",
  "huber",
  "quantile",
  "poisson",
  "log_loss",
  "perceptron",
] as const;

export const OPTIMIZERS = ["sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop"] as const;

export const SAMPLINGS = ["replacement", "shuffle", "sequential"] as const;

export type ActivationName = (typeof ACTIVATIONS)[number];
export type LossName = (typeof LOSSES)[number];
export type OptimizerName = (typeof OPTIMIZERS)[number];
export type Sampling = (typeof SAMPLINGS)[number];
