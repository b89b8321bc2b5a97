"""`MultiTaskMLP`: several problems, numbers and classes, solved by one feed-forward network."""

from __future__ import annotations

from typing import Any

from sklearn.base import _fit_context
from sklearn.utils.metaestimators import available_if

from deltarule.estimators import options
from deltarule.estimators.base_multitask import BaseMultiTaskMLP
from deltarule.estimators.fitting import Rows


class MultiTaskMLP(BaseMultiTaskMLP):
    """Several problems solved by one network: a head for each column of the target.

    The notes' "multiple outputs to solve multiple problems". All heads stand on the same hidden
    layers; each has its own loss, output activation and weight, and is a regression, a choice of
    two classes, or one of several. A row needs no target for every head: a missing one (None, NaN,
    pandas' NA) leaves the row out of that head alone.

    Parameters
    ----------
    heads : dict or None, default=None
        ``{name: kind}``, kind being ``"regression"``, ``"binary"``, ``"multiclass"`` or a `Task`
        with a loss, a weight and weights of classes of its own; the name is that of a column of y,
        or its number where y is an array. What is not named is inferred: columns of texts,
        booleans and categories are classes; numbers with two different values are two classes;
        whole numbers with at most 20 different values are classes; all other numbers are
        regressions. ``heads_`` says what was found.

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
        Whether to hold rows back, judge them after each epoch by minus their mean loss, stop when
        this no longer improves, and return the best weights. ``dr.EarlyStopping(patience=20)``
        holds its own settings, also a ``scorer``; a patience of None never stops. lbfgs does not
        use True and refuses an object. `fit` takes rows of your own to judge as ``X_val`` and
        ``y_val``.

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

    sampling : {"shuffle", "sequential", "replacement"} or None, default=None
        How rows are drawn: ``"replacement"`` is the notes' random i_t. None follows ``shuffle``.

    fit_intercept : bool, default=True
        Whether units have biases; without them ``intercepts_`` are zeros.

    standardize : {"inputs", "both"} or None, default="both"
        Whether every column is centred and scaled to variance 1 as a part of the model. Measured on
        the training rows of the first fit; where these are sparse, it only scales. ``"both"`` does
        it to the known targets of regressions too, so that their losses, then in standardized
        units, weigh about as much as those of classes; not to those of a poisson head.

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

    calibrate : bool, default=False
        Whether to fit a temperature T to each head of classes after training, which makes
        `predict_proba` softmax(z / T) or logistic(z / T), with the least log loss on the
        validation rows. It changes no class, and needs ``early_stopping`` or ``X_val``, and the
        loss log_loss of all heads of classes.

    Attributes
    ----------
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

    heads_ : list of FittedHead
        What each column of y became: its ``name``, ``kind``, ``classes`` (None for a regression),
        ``loss``, ``weight``, ``class_weights``, the count of ``missing`` targets in the last fit,
        and the ``columns`` of the network's outputs, first and one past the last.

    dropped_rows_ : int
        Rows of the last fit that have no target at all; they were left out.

    loss_ : float
        The objective of the last epoch: mean of the sample losses as met, summed over the heads
        with their weights, plus the penalty.

    best_loss_ : float or None
        The lowest of ``loss_curve_``; None with early stopping.

    loss_curve_ : list of float
        The objective of every epoch, over all warm fits and `partial_fit` calls.

    validation_scores_ : list of float or None
        Score of the held-back rows, or of ``X_val``, after every epoch (minus their mean loss, or
        the scorer); None without. NaN for an epoch in which the objective became non-finite.

    best_epoch_ : int or None
        The epoch whose weights ``coefs_`` are, as an index of ``loss_curve_``; None without early
        stopping, where they are the last.

    best_validation_score_ : float or None
        The highest of them; with early stopping that of ``coefs_``, and in a warm fit with other
        ``X_val`` the highest since they came.

    validation_loss_curve_ : list of float or None
        Mean loss of the same rows after every epoch.

    n_iter_ : int
        Epochs that ended in the last fit. One that was begun when it was cut short counts for the
        fit that ends it, as it does for ``max_iter``.

    t_ : int
        Training rows of all epochs so far.

    n_layers_, n_outputs_ : int
        Number of layers, the input counted, and width of the last: one output for each regression
        and each choice of two, one for each class of the other heads.

    out_activation_ : list of str
        Name of the output activation of each head.

    n_features_in_ : int
        Number of features seen during fit.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where the input had names that are strings.

    input_center_, input_scale_ : ndarray of shape (n_features_in_,) or None
        What ``standardize`` subtracts and divides by.

    target_center_, target_scale_ : ndarray of shape (n_outputs_,) or None
        The same for the outputs, with ``standardize="both"``; 0 and 1 for those of classes.

    temperature_ : dict of float, with ``calibrate=True`` only
        The T of each head of classes, by its name; 1 where no validation row has its target, and
        where all are right. It goes with the weights: `set_weights` and `partial_fit` leave none.

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
    MLPClassifier, MLPRegressor : A single problem, with more losses.

    Notes
    -----
    With heads h of weight v_h and loss f_h the objective is

        J = (1/n) Σ_i w_i Σ_h v_h c_h^i f_h^i + penalty,    n = Σ_i w_i,

    the inner sum over the heads for which row i has a target; rows without any are no part of it.
    c_h^i is what ``class_weight`` of the head's `Task` says of the row's class, else 1; `fit` of
    an `MLPClassifier` counts it in n too, so that a head alone has its objective where the weights
    are balanced.
    A head of which few targets are known weighs little: raise its weight where that is not meant.

    Early stopping does not stratify by classes. What differs from scikit-learn stands in
    `MLPRegressor`.

    References
    ----------
    .. [1] Caruana: Multitask learning. Machine Learning 28 (1997),
       https://doi.org/10.1023/A:1007379606734

    Examples
    --------
    Iris: the species and, from the same hidden layer, the width of the petals. Of some flowers
    the width was not taken.

    >>> import numpy as np
    >>> import deltarule as dr
    >>> from sklearn.datasets import load_iris
    >>> iris = load_iris(as_frame=True)
    >>> X, y = iris.data.iloc[:, :3], iris.data[["petal width (cm)"]].copy()
    >>> y["species"] = iris.target_names[iris.target]
    >>> y.iloc[::3, 0] = np.nan
    >>> model = dr.MultiTaskMLP(hidden_layer_sizes=(16,), solver="lbfgs", random_state=0)
    >>> model = model.set_params(alpha=1.0, max_iter=1000).fit(X, y)
    >>> for head in model.heads_:
    ...     print(head.name, head.kind, head.missing)
    petal width (cm) regression 50
    species multiclass 0
    >>> model.predict(X.tail(2)).round(0)
         petal width (cm)    species
    148               2.0  virginica
    149               2.0  virginica
    >>> {name: score > 0.9 for name, score in model.scores(X, y).items()}
    {'petal width (cm)': True, 'species': True}
    """

    def __init__(
        self,
        heads: Any = None,
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
        sampling: str | None = None,
        fit_intercept: bool = True,
        standardize: str | None = "both",
        n_init: int = 1,
        initializer: Any = "auto",
        engine: str = "auto",
        n_threads: int | None = None,
        dropout: Any = 0.0,
        normalization: str | None = None,
        max_seconds: float | None = None,
        calibrate: bool = False,
    ) -> None:
        self.heads = heads
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
    ) -> MultiTaskMLP:
        """Train on rows and their targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Finite numbers. float32 is kept, everything else becomes float64; sparse rows stay
            sparse (CSR).
        y : frame or array-like of shape (n_samples, n_heads)
            A column for each problem: a pandas or polars frame, a matrix or a list of rows. None,
            NaN and pandas' NA say that a target is not known.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of at least 0, not all 0.

        X_val, y_val : like X and y, default=None
            Rows that are judged after each epoch and not trained on. With ``early_stopping`` they
            take the place of rows held back, and all of X is trained on; without, and with lbfgs,
            they are judged and change no bit of the training (with ``n_init`` above 1 the starts
            are then trained alone).
        sample_weight_val : array-like, default=None
            Their weights, of at least 0, not all 0.

        Returns
        -------
        self : MultiTaskMLP
            The fitted estimator.
        """
        validation = Rows(X_val, y_val, sample_weight_val)
        return self._fit(X, y, sample_weight, validation)  # type: ignore[no-any-return]

    @available_if(options.goes_by_steps)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, classes: Any = None
    ) -> MultiTaskMLP:
        """Train for one epoch on these rows, as a part of a stream.

        Weights, moments and counters go on from call to call. There is no training set, so a step
        is the plain mean over its rows, and the penalty is divided by the rows of the call.
        ``standardize`` measures the rows of the first call, where each regression needs a known
        target.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            As for `fit`.
        y : frame or array-like of shape (n_samples, n_heads)
            As for `fit`.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of at least 0.
        classes : dict of {name: array-like}, default=None
            All classes of every head of classes; needed in the first call. A head named here is
            one of classes, whatever its column holds so far; the kinds of the others are told by
            ``heads``, or inferred from the rows of the first call.

        Returns
        -------
        self : MultiTaskMLP
            The fitted estimator.

        Examples
        --------
        >>> import deltarule as dr
        >>> model = dr.MultiTaskMLP({1: "regression"}, (4,), random_state=0)
        >>> model = model.partial_fit([[0.0, 1.0]], [["a", 0.5]], classes={0: ["a", "b"]})
        >>> model.partial_fit([[1.0, 0.0]], [["b", None]]).heads_
        [FittedHead(0, 'binary', classes=['a', 'b'], loss='log_loss', weight=1, missing=0), \
FittedHead(1, 'regression', loss='squared_error', weight=1, missing=1)]
        """
        with self._announcing("heads_", "_library"):
            self._announce(y, classes)
            return self._fit(X, y, sample_weight, incremental=True)  # type: ignore[no-any-return]
