"""`MLPClassifier`: classes from a feed-forward network."""

from __future__ import annotations

from typing import Any

from sklearn.base import _fit_context
from sklearn.utils.metaestimators import available_if

from deltarule.estimators import options
from deltarule.estimators.base_classifier import BaseMLPClassifier
from deltarule.estimators.fitting import Rows


class MLPClassifier(BaseMLPClassifier):
    """Multi-layer perceptron classifier: classes from a feed-forward network.

    scikit-learn's class with the same parameters, on a compiled core, with more losses,
    activations, optimisers and schedules.

    Parameters
    ----------
    hidden_layer_sizes : int, sequence of int or Hidden, default=(100,)
        Units of each hidden layer, at least 1 each; ``()`` is a linear model.
        ``dr.Hidden(layers=2, units=64)`` says it by depth and width, for searches.

    activation : str, Activation or list of them, default="relu"
        Non-linear function of the hidden layers: ``"identity"``, ``"logistic"``, ``"tanh"``,
        ``"relu"``, ``"leaky_relu"``, ``"sign"``, ``"softmax"``, ``"softplus"``, ``"selu"``,
        ``"gelu"``, ``"silu"``, ``"mish"``, ``"exp"``, an object of `deltarule.activations`
        (``LeakyReLU(0.1)``, ``Function(value, derivative)``), or a list with one entry per
        hidden layer.

    solver : str or Optimizer, default="adam"
        ``"sgd"``, ``"adam"`` and ``"lbfgs"`` are scikit-learn's and take their settings from
        the flat parameters below (``"sgd"`` has Nesterov's momentum unless ``momentum=0`` or
        ``nesterovs_momentum=False``). Also ``"momentum"``, ``"nesterov"``, ``"adamw"``,
        ``"rmsprop"``, or an object that holds its own: ``dr.AdamW(weight_decay=0.01)``.

    alpha : float or Penalty, default=0.0001
        Strength of the L2 penalty, at least 0: ``alpha / (2 n)`` times the sum of the squared
        weights is added to the mean loss, n = sum of the sample weights; biases are free. Or
        ``dr.L1(…)``, ``dr.L2(…)``, ``dr.L1L2(…)``.

    batch_size : int or "auto", default="auto"
        Rows of one step, at least 1; 1 is the per-sample descent. ``"auto"`` is
        ``min(200, n_samples)``. lbfgs takes all rows.

    learning_rate : str, Schedule or callable, default="constant"
        How the step size goes on from ``learning_rate_init``: ``"constant"``, ``"step"``,
        ``"cosine"``, ``"cyclic_cosine"``, ``"one_cycle"``, an object (``dr.Cosine(warmup=0.1)``)
        or a function from the step to a factor. The names ``"invscaling"`` and ``"adaptive"`` have
        scikit-learn's meaning and timing, and as there do nothing with Adam (also given as an
        object); as objects they work with every optimiser that goes by steps: lbfgs refuses them.
        The last three come to their end after the ``max_iter`` epochs of the first fit, or after
        those that the object says: ``dr.Cosine(total_epochs=500)``; `partial_fit` counts its calls.
        ``n_iter_no_change=inf`` keeps a training from ending before they do.

    learning_rate_init : float, default=0.001
        The step size at the start, above 0. Not used by lbfgs.

    power_t : float, default=0.5
        Exponent of ``learning_rate="invscaling"``, at least 0.

    max_iter : int, default=200
        Epochs (iterations for lbfgs) at most, at least 1.

    shuffle : bool, default=True
        Whether each epoch takes the rows in a new order.

    random_state : int, RandomState instance or None, default=None
        Decides start weights, order of rows, the early-stopping split and the units that
        ``dropout`` leaves out. An int gives the same bits on every machine with the same
        instruction set: those of the compiled engine whatever ``n_threads`` is. The reference
        engine, and lbfgs in the search of SciPy, follow the threads of the BLAS, to about 1e-12.

    tol : float, default=1e-4
        The least improvement of the loss (of the score, with early stopping) that counts, at
        least 0; for lbfgs the largest gradient entry at which it stops.

    verbose : bool or int, default=False
        Whether to print the loss of every epoch; with ``n_init`` above 1 also of which start.

    warm_start : bool, default=False
        Whether a further `fit` goes on from the last one: weights (the last, where ``coefs_``
        shows the best; those that were assigned, be it the best), moments of the optimiser,
        counters, key and split all go on, so that n fits of one epoch equal one fit of n, also over
        `save` and `load`. lbfgs goes on from the weights with a new memory of the curvature. A
        schedule with an end is told it by its ``total_epochs``.

    momentum : float, default=0.9
        For ``solver="sgd"``, in [0, 1).

    nesterovs_momentum : bool, default=True
        For ``solver="sgd"`` with momentum.

    early_stopping : bool or EarlyStopping, default=False
        Whether to hold rows back, judge them after each epoch, stop when their score no longer
        improves, and return the best weights. ``dr.EarlyStopping(patience=20)`` holds its own
        settings, also a ``scorer``; a patience of None never stops. lbfgs does not use True and
        refuses an object. `fit` takes rows of your own to judge as ``X_val`` and ``y_val``.

    validation_fraction : float, default=0.1
        Share of the rows that ``early_stopping=True`` holds back, in (0, 1).

    beta_1, beta_2 : float, default=0.9, 0.999
        Decay of Adam's two moments, in [0, 1).

    epsilon : float, default=1e-8
        Added to Adam's denominator, above 0.

    n_iter_no_change : int or inf, default=10
        Training ends after more than so many epochs in a row without improvement.

    max_fun : int, default=15000
        Evaluations of the objective at most, for lbfgs.

    loss : str or Loss, default="log_loss"
        ``"log_loss"``, ``"squared_error"`` (the notes' loss), ``"perceptron"`` (with
        ``hidden_layer_sizes=()`` the notes' linear classifier), ``"absolute_error"``,
        ``"huber"``, ``"quantile"``, ``"poisson"``, or an object of `deltarule.losses`. The loss
        of a row is the sum over its outputs.

    output_activation : str or Activation, default="auto"
        ``"auto"``: for log_loss softmax, or logistic for two classes (one unit) and for
        multilabel; for poisson exp; for perceptron sign; else identity. Targets are 0 and 1, for
        tanh, sign and the perceptron loss -1 and +1.

    sampling : {"shuffle", "sequential", "replacement"} or None, default=None
        How rows are drawn: ``"replacement"`` is the notes' random i_t. None follows ``shuffle``.

    fit_intercept : bool, default=True
        Whether units have biases; without them ``intercepts_`` are zeros.

    standardize : {"inputs", "both"} or None, default=None
        Whether every column is centred and scaled to variance 1 as a part of the model. Measured on
        the training rows of the first fit; where these are sparse, it only scales. For classes
        ``"both"`` is the same as ``"inputs"``.

    n_init : int, default=1
        Number of starts; the one with the lowest objective is kept. Those of a small network are
        trained together, by sums in another order: a warm fit that goes on from the best one is
        the single longer fit but for rounding, and that bit for bit where they are trained alone.
        A warm fit that goes on has one start, that from which it goes on, after `initialize` too.

    initializer : str or Initializer, default="auto"
        How the start weights are drawn; ``"auto"`` is scikit-learn's rule. Others:
        ``"glorot_uniform"``, ``"glorot_normal"``, ``"he_uniform"``, ``"he_normal"``,
        ``"lecun_uniform"``, ``"lecun_normal"``, ``"uniform"``, ``"normal"``, ``"constant"``.

    engine : {"auto", "compiled", "reference"}, default="auto"
        What computes. ``"auto"`` takes the compiled core where it is loaded and can do the work.

    n_threads : int or None, default=None
        Threads of the compiled core; -1 for all. None follows DELTARULE_NUM_THREADS,
        OMP_NUM_THREADS or the processors at hand. The numbers do not depend on it.

    dropout : float or sequence of float, default=0.0
        Share of the units of each hidden layer that is left out in a training step, in [0, 1), one
        number or one for each hidden layer; those that are kept are scaled up, and predictions
        take all. Not for lbfgs.

    normalization : {"batch", "layer"} or None, default=None
        What hidden layers do before their activation: center and scale each unit over the rows of
        a batch (predictions by running statistics; batches of at least 2 rows; not for lbfgs), or
        each row over the units of the layer. Gain and shift are trained and free of penalties; with
        ``"batch"`` the hidden layers have no biases, for the shift is one, and its statistics count
        each row once, whatever its weight.

    max_seconds : float or None, default=None
        Seconds that a `fit` may take for its training, all starts together; above 0. It ends
        between two steps, with the weights so far and a warning; a warm fit goes on from that very
        step. Looked at about every 50 ms; lbfgs looks before each gradient. None sets no limit.

    class_weight : dict, list of dicts, "balanced" or None, default=None
        Weight of each class, ``{class: weight}``, of at least 0, by which sample weights are
        multiplied before rows are held back; a class left out has 1. ``"balanced"`` is
        ``n_samples / (n_classes * np.bincount(y))``, with sample weights their sums in the place
        of the counts, for `fit` only. Multilabel takes a dict ``{0: …, 1: …}`` for each label,
        whose weights are multiplied.

    label_smoothing : float, default=0.0
        Share ε in [0, 1) of each training row's target that goes to all K classes alike:
        (1 - ε) d + ε / K, with K = 2 for each label of multilabel. Validation rows are not
        smoothed. For targets of 0 and 1.

    calibrate : bool, default=False
        Whether `predict_proba` tells softmax(z / T), or logistic(z / T), with the temperature T
        that minimises the log loss of the validation rows, held back or ``X_val``, with their
        weights. T is looked for between 0.01 and 100. `predict` stays as it is. For
        ``loss="log_loss"``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted; for multilabel the numbers of the labels.

    coefs_ : list of n_layers_ - 1 arrays
        ``coefs_[l]`` of shape (units below, units above) belongs to the network's own, with
        ``standardize`` the standardized, inputs. Assigned or changed in place, the next
        prediction and the next warm fit use it.

    intercepts_ : list of n_layers_ - 1 arrays
        Biases of each layer.

    gains_, shifts_ : list of arrays, with ``normalization`` only
        What the normalized pre-activations of each hidden layer are multiplied by and raised by.

    running_means_, running_variances_ : list of arrays, with ``normalization="batch"`` only
        Statistics of the pre-activations of each hidden layer, by which predictions go.

    loss_ : float
        The objective of the last epoch: mean of the sample losses as met, plus the penalty.

    best_loss_ : float or None
        The lowest of ``loss_curve_``; None with early stopping.

    loss_curve_ : list of float
        The objective of every epoch, over all warm fits and `partial_fit` calls.

    validation_scores_ : list of float or None
        Score of the held-back rows, or of ``X_val``, after every epoch (accuracy, or the scorer);
        None without. NaN for an epoch in which the objective became non-finite.

    best_epoch_ : int or None
        The epoch whose weights ``coefs_`` are, as an index of ``loss_curve_``; None without early
        stopping, where they are the last.

    best_validation_score_ : float or None
        The highest of them; with early stopping that of ``coefs_``, and in a warm fit with other
        ``X_val`` the highest since they came.

    validation_loss_curve_ : list of float or None
        Mean loss of the same rows after every epoch.

    temperature_ : float
        The T of ``calibrate=True``, after a `fit` with it; 1 where all validation rows are right,
        so that the log loss only falls towards T = 0, and near 100 where the outputs say nothing
        of the classes.

    n_iter_ : int
        Epochs that ended in the last fit. One that was begun when it was cut short counts for the
        fit that ends it, as it does for ``max_iter``.

    t_ : int
        Training rows of all epochs so far.

    n_layers_, n_outputs_ : int
        Number of layers, the input counted, and width of the last.

    out_activation_ : str
        Name of the output activation.

    n_features_in_ : int
        Number of features seen during fit.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where the input had names that are strings.

    input_center_, input_scale_ : ndarray of shape (n_features_in_,) or None
        What ``standardize`` subtracts and divides by.

    restarts_ : ndarray of shape (n_init,) or (1,)
        The objective in which each start ended; with early stopping, minus its best score. After
        `initialize` there is one, and a fit that goes on from one start brings it up to date.

    stop_reason_ : StopReason
        Why training ended; ``stop_reason_.value`` is a sentence with a remedy.

    engine_, road_ : str
        What computed, and which code of it.

    Raises
    ------
    ValueError
        `InvalidParameterError` for a parameter, `InvalidShapeError` for arrays that do not fit,
        `NonFiniteError` for NaN or infinity in the input and for an objective that became
        non-finite: it names epoch and layer, and the last finite weights are kept.
    EngineError
        If ``engine="compiled"`` is not there or cannot do the work.

    Warns
    -----
    ConvergenceWarning
        If ``max_iter`` epochs were not enough; not where a schedule has come to its planned end.
    TrainingStoppedWarning
        After Ctrl-C and after `max_seconds`, with the weights so far; where a warm fit finds a
        schedule at its end, a step size of 0; and with early stopping after a non-finite
        objective, with the best ones.

    See Also
    --------
    MLPRegressor : Numbers from a feed-forward network.

    Notes
    -----
    **Differences from scikit-learn.** Parameters, methods and attributes of scikit-learn 1.9's
    class are here with their meaning. Numbers differ on purpose where:

    - *Penalty.* Every step descends the objective that is reported, whatever the batch size:
      the penalty is divided by n, not by the rows of the batch. For the same decay per step,
      ``alpha`` here = ``alpha`` there · n / batch_size.
    - *Sample weights.* A step uses (N / n) times the batch mean of the weighted gradients; there
      it is divided by the batch's own sum of weights, which takes the weights out of small
      batches.
    - *Random numbers.* Another stream: the same ``random_state`` starts from other weights. The
      first weights of a layer follow its own activation; there the hidden one decides for all.
    - *warm_start.* Moments, schedule and counters go on; after convergence the count of epochs
      without improvement begins anew.
    - *Early stopping.* Stratified for any number of classes, with one row of each at least.
      The split is the same in every warm fit.
    - *Non-finite objectives* end training in the epoch in which they appear.

    References
    ----------
    .. [1] Rumelhart, Hinton, Williams: Learning representations by back-propagating errors.
       Nature 323 (1986), https://doi.org/10.1038/323533a0
    .. [2] Kingma, Ba: Adam, https://arxiv.org/abs/1412.6980

    Examples
    --------
    >>> import deltarule as dr
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = dr.MLPClassifier((16,), learning_rate_init=0.01, random_state=0)
    >>> model = model.set_params(standardize="inputs").fit(X, y)
    >>> model.predict(X[:3])
    array([0, 0, 0])
    >>> model.score(X, y) > 0.95
    True

    Judged by rows of its own, and its probabilities calibrated on them:

    >>> model = model.set_params(early_stopping=True, calibrate=True, class_weight="balanced")
    >>> model = model.fit(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])
    >>> model.best_validation_score_ == model.score(X[1::2], y[1::2])
    True

    The notes' linear classifier, the sign of a weighted sum:

    >>> neuron = dr.MLPClassifier((), loss="perceptron", solver="sgd", momentum=0, batch_size=1)
    >>> neuron = neuron.set_params(learning_rate_init=0.1, random_state=0, tol=0.01)
    >>> neuron.fit(X[:100], y[:100]).score(X[:100], y[:100])
    1.0
    """

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: Any = 0.0001,
        batch_size: Any = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: Any = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: Any = 10,
        max_fun: int = 15000,
        loss: Any = "log_loss",
        output_activation: Any = "auto",
        sampling: str | None = None,
        fit_intercept: bool = True,
        standardize: str | None = None,
        n_init: int = 1,
        initializer: Any = "auto",
        engine: str = "auto",
        n_threads: int | None = None,
        dropout: Any = 0.0,
        normalization: str | None = None,
        max_seconds: float | None = None,
        class_weight: Any = None,
        label_smoothing: float = 0.0,
        calibrate: bool = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.loss = loss
        self.output_activation = output_activation
        self.sampling = sampling
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.n_init = n_init
        self.initializer = initializer
        self.engine = engine
        self.n_threads = n_threads
        self.dropout = dropout
        self.normalization = normalization
        self.max_seconds = max_seconds
        self.class_weight = class_weight
        self.label_smoothing = label_smoothing
        self.calibrate = calibrate

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> MLPClassifier:
        """Train on rows and their classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Finite numbers. float32 is kept, everything else becomes float64; sparse rows stay
            sparse (CSR).
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Classes of any kind, or a matrix of 0 and 1 for multilabel.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of at least 0, not all 0.

        X_val, y_val : like X and y, default=None
            Rows that are judged after each epoch and not trained on. With ``early_stopping`` they
            take the place of rows held back, and all of X is trained on; without, and with lbfgs,
            they are judged and change no bit of the training (with ``n_init`` above 1 the starts
            are then trained alone).
        sample_weight_val : array-like, default=None
            Their weights, of at least 0, not all 0. ``class_weight`` is not applied to them,
            as in scikit-learn's HistGradientBoostingClassifier.

        Returns
        -------
        self : MLPClassifier
            The fitted estimator.
        """
        validation = Rows(X_val, y_val, sample_weight_val)
        return self._fit(X, y, sample_weight, validation)  # type: ignore[no-any-return]

    @available_if(options.goes_by_steps)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> MLPClassifier:
        """Train for one epoch on these rows, as a part of a stream.

        Weights, moments and counters go on from call to call. There is no training set, so a step
        is the plain mean over its rows, and the penalty is divided by the rows of the call.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            As for `fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            As for `fit`; not every class need be there.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of at least 0.
        classes : array-like of shape (n_classes,), default=None
            All classes of all calls; asked for in the first call. A matrix of labels announces
            them by its columns: 0 and 1, or the numbers of the labels, may be given.

        Returns
        -------
        self : MLPClassifier
            The fitted estimator.

        See Also
        --------
        learner : The same for rows one by one, some hundreds of times as fast.
        """
        with self._announcing("classes_", "_code"):
            self._announce_once(y, classes)
            return self._fit(X, y, sample_weight, incremental=True)  # type: ignore[no-any-return]
