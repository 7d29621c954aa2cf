"""A network that several devices or hosts fit at once, each to its own share of every batch.

Keras 3.15 cannot do it alone. Under tf.distribute.MultiWorkerMirroredStrategy its `fit` ends in "Invalid
reduction dimension 0 for input with 0 dimensions", since it averages logs along an axis that they do not
have. So the epochs are walked through here, with the same callbacks; the optimizer of Keras adds up the
gradients of all devices by itself.
"""

import hashlib
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, cycle
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from rig.errors import BadInput, WorkerLost
from training.backend import keras, tf

Batch = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
"""Pictures, one-hot targets, and what each picture counts for: 0 where it only fills the batch up."""

_VARIABLE = "TF_CONFIG"
_JUDGED_AT_ONCE = 32
_THREADS = 16
_AHEAD = 8  # batches that are made before they are asked for
_EXAMPLE = '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'

_Role = Literal["chief", "worker"]


class _Record(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Task(_Record):
    type: _Role
    index: int


class _Cluster(_Record):
    """`TF_CONFIG`: who takes part, and who of them this process is."""

    cluster: dict[_Role, tuple[Annotated[str, StringConstraints(pattern=r"^\S+:\d+$")], ...]]
    task: _Task

    @property
    def workers(self) -> tuple[str, ...]:
        """Addresses, the chief's first."""
        return (*self.cluster.get("chief", ()), *self.cluster.get("worker", ()))

    @property
    def address(self) -> str:
        """Of this process."""
        of_role = self.cluster.get(self.task.type, ())
        if not 0 <= self.task.index < len(of_role):
            raise BadInput(
                f"{_VARIABLE} says that this is {self.task.type} {self.task.index}, and names"
                f" {len(of_role)} of that type",
                hint="count the index from 0, and give each process its own",
            )
        return of_role[self.task.index]


@dataclass(frozen=True)
class Distribution:
    """Who fits together.

    Attributes:
        strategy: tf.distribute.Strategy.
        worker: which of the processes this is; 0 is the chief, which alone keeps anything on disk.
        workers: how many processes there are.
    """

    strategy: Any
    worker: int
    workers: int

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the bundle."""
        return self.worker == 0

    @property
    def devices(self) -> int:
        """Of all processes together; each has as many."""
        return int(self.strategy.num_replicas_in_sync)

    def share_of(self, batch: int) -> int:
        """Pictures that each device gets of a batch.

        Raises:
            BadInput: it cannot be shared out evenly.
        """
        if batch % self.devices:
            raise BadInput(
                f"--batch {batch} cannot be shared out evenly to {self.devices} devices",
                hint=f"such as: --batch {self.devices * -(-batch // self.devices)}",
            )
        return batch // self.devices

    def require_same(self, work: str) -> None:
        """See that all processes are about to do the same.

        Raises:
            BadInput: another one is not.
            WorkerLost: another one is gone.
        """
        mark = int.from_bytes(hashlib.sha256(work.encode()).digest()[:4], "big")
        with lost_workers_named():
            marks = self.strategy.reduce("SUM", self._for_each(lambda _: np.int64(mark)), axis=None)
        if int(marks) != mark * self.devices:
            raise BadInput(
                "the workers do not have the same pictures, options or packages",
                hint="copy the data to each host, and give each the same command",
            )

    def _for_each(self, value: Callable[[int], Any]) -> Any:
        return self.strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(value(context.replica_id_in_sync_group))
        )


def open_distribution(environment: Mapping[str, str] = os.environ) -> Distribution:
    """Join the hosts that TF_CONFIG names, waiting for them; without it, take all GPUs of this one.

    To be called before TensorFlow has computed anything.

    Raises:
        BadInput: TF_CONFIG cannot be used; or there is nobody to share the work with.
    """
    text = environment.get(_VARIABLE)
    if text is None:
        return _on_this_host()
    cluster = _read(text)
    address = cluster.address
    _have_threads_to_wait_in()
    try:
        with _ended_by_signals():
            strategy = tf.distribute.MultiWorkerMirroredStrategy()
    except tf.errors.UnknownError as error:
        raise BadInput(
            f"{address} of {_VARIABLE} cannot be listened on: {error.message}",
            hint="another process may have that port: choose another one in the TF_CONFIG of all workers",
        ) from error
    return Distribution(strategy, cluster.workers.index(address), len(cluster.workers))


def _read(text: str) -> _Cluster:
    try:
        return _Cluster.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise BadInput(
            f"{_VARIABLE} cannot be used: {f'{place}: ' if place else ''}{first['msg']}",
            hint=f"such as: {_VARIABLE}='{_EXAMPLE}'",
        ) from error


def _have_threads_to_wait_in() -> None:
    """A device that waits for another one holds a thread: with too few, both wait for ever."""
    tf.config.threading.set_inter_op_parallelism_threads(max(_THREADS, os.cpu_count() or 1))


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Have Ctrl-C end the process at once: TensorFlow waits in native code, where Python hears no signal."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _on_this_host() -> Distribution:
    _have_threads_to_wait_in()
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(devices) < 2:
        raise BadInput(
            f"there is nobody to share the work with: TensorFlow sees one {devices[0].device_type} here, and"
            f" {_VARIABLE} names no host",
            hint=f"leave --distribute out, or set {_VARIABLE}, such as: {_EXAMPLE}",
        )
    return Distribution(tf.distribute.MirroredStrategy([device.name for device in devices]), 0, 1)


@contextmanager
def lost_workers_named() -> Iterator[None]:
    """Say in one line what TensorFlow says in many when another process is gone.

    Raises:
        WorkerLost: it is.
    """
    try:
        yield
    except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError) as error:
        raise WorkerLost(
            f"another worker is gone: {error.message.splitlines()[0]}",
            hint="see what it says, and start all of them anew",
        ) from error


class SharedFit:
    """What `keras.Model.fit` is to one device.

    Args:
        model: keras.Model, built and compiled in the scope of the strategy.
    """

    def __init__(self, distribution: Distribution, model: Any) -> None:
        self._strategy = distribution.strategy
        self._devices = distribution.devices
        self._local_devices = distribution.devices // distribution.workers
        self._model = model
        self._train = tf.function(self._train_on_all, reduce_retracing=True)
        self._judge = tf.function(self._judge_on_all, reduce_retracing=True)
        self._even_out = tf.function(self._even_out_statistics)
        with self._strategy.scope():
            model.optimizer.build(model.trainable_variables)

    def run(
        self,
        pictures: Callable[[int], Any],
        *,
        initial_epoch: int,
        epochs: int,
        validation_data: tuple[NDArray[np.float32], NDArray[np.float32]] | None,
        class_weight: dict[int, float] | None,
        callbacks: Sequence[Any],
    ) -> None:
        """Go through epochs; the arguments are those of `keras.Model.fit` but for the first.

        Args:
            pictures: makes the batches of a device, by its number: a keras.utils.PyDataset.

        Raises:
            WorkerLost: another process is gone.
        """
        model = self._model
        told = keras.callbacks.CallbackList(callbacks, model=model)
        model.stop_training = False
        steps = -(-len(pictures(0)) // self._devices)
        batches = self._dealt(lambda device: _endless(pictures(device), steps, class_weight))
        for epoch in range(initial_epoch, epochs):
            told.on_epoch_begin(epoch)
            tally: NDArray[np.float64] = np.zeros(())
            for step in range(steps):
                told.on_train_batch_begin(step)
                with lost_workers_named():
                    tally = tally + self._train(*next(batches)).numpy()
                told.on_train_batch_end(step, _logs(tally))
            with lost_workers_named():
                self._even_out()
            logs = _logs(tally)
            if validation_data is not None:
                judged = _logs(self._judged(*validation_data))
                logs |= {f"val_{name}": value for name, value in judged.items()}
            told.on_epoch_end(epoch, logs)
            if model.stop_training:
                return

    def _judged(self, pictures: NDArray[np.float32], one_hot: NDArray[np.float32]) -> NDArray[np.float64]:
        """Every device judges an equal share; where there is none left for it, pictures that do not count."""
        total = len(pictures)
        starts = range(0, total, _JUDGED_AT_ONCE * self._devices)

        def share(device: int) -> Iterator[Batch]:
            for start in cycle(starts):
                places = start + device + self._devices * np.arange(_JUDGED_AT_ONCE)
                counted = (places < total).astype(np.float32)
                yield pictures[places % total], one_hot[places % total], counted

        batches = self._dealt(share)
        with lost_workers_named():
            return np.asarray(sum(self._judge(*next(batches)).numpy() for _ in starts), np.float64)

    def _dealt(self, stream: Callable[[int], Iterator[Batch]]) -> Iterator[tuple[Any, Any, Any]]:
        """The batches of all devices, side by side; each process makes those of its own devices."""
        shapes = (self._model.input_shape, self._model.output_shape, (None,))

        def of_process(context: Any) -> Any:
            first = context.input_pipeline_id * self._local_devices
            streams = [stream(first + place) for place in range(self._local_devices)]

            def in_turns() -> Iterator[Batch]:
                for together in zip(*streams, strict=True):
                    yield from together

            dataset = tf.data.Dataset.from_generator(
                in_turns, output_signature=tuple(tf.TensorSpec(shape, tf.float32) for shape in shapes)
            )
            endless = tf.data.experimental.INFINITE_CARDINALITY
            return dataset.apply(tf.data.experimental.assert_cardinality(endless)).prefetch(_AHEAD)

        return iter(self._strategy.distribute_datasets_from_function(of_process))

    def _train_on_all(self, pictures: Any, one_hot: Any, weights: Any) -> Any:
        return self._summed(self._strategy.run(self._train_on, args=(pictures, one_hot, weights)))

    def _judge_on_all(self, pictures: Any, one_hot: Any, weights: Any) -> Any:
        return self._summed(self._strategy.run(self._judge_on, args=(pictures, one_hot, weights)))

    def _even_out_statistics(self) -> None:
        """Give all devices the mean of what batch normalisation has seen on each."""
        moving = [v.value for v in self._model.non_trainable_variables if tf.as_dtype(v.dtype).is_floating]
        seen = self._strategy.run(lambda: [tf.identity(variable) for variable in moving])
        for variable, values in zip(moving, seen, strict=True):
            variable.assign(self._strategy.reduce("MEAN", values, axis=None))

    def _summed(self, tallies: Any) -> Any:
        return self._strategy.reduce("SUM", tallies, axis=None)

    def _train_on(self, pictures: Any, one_hot: Any, weights: Any) -> Any:
        """A step of one device."""
        model = self._model
        with tf.GradientTape() as tape:
            logits = model(pictures, training=True)
            loss = model.compute_loss(pictures, one_hot, logits, weights, training=True)
        variables = model.trainable_variables
        model.optimizer.apply(tape.gradient(loss, variables), variables)
        return self._tally(loss, logits, one_hot, weights)

    def _judge_on(self, pictures: Any, one_hot: Any, weights: Any) -> Any:
        logits = self._model(pictures, training=False)
        loss = self._model.compute_loss(pictures, one_hot, logits, weights, training=False)
        return self._tally(loss, logits, one_hot, weights)

    def _tally(self, loss: Any, logits: Any, one_hot: Any, weights: Any) -> Any:
        """What can be added up over steps and devices: sum of losses, pictures, hits, and how often each
        class was named; (3 + classes,) float32.

        Args:
            loss: as Keras has it: the mean over a batch, by the number of devices.
        """
        counted = tf.cast(weights > 0, tf.float32)
        named = tf.one_hot(tf.argmax(logits, axis=-1), logits.shape[-1]) * counted[:, tf.newaxis]
        losses = loss * self._devices * tf.cast(tf.size(weights), tf.float32)
        sums = tf.stack([losses, tf.reduce_sum(counted), tf.reduce_sum(named * one_hot)])
        return tf.concat([sums, tf.reduce_sum(named, axis=0)], axis=0)


def _endless(pictures: Any, steps: int, class_weight: dict[int, float] | None) -> Iterator[Batch]:
    """The batches of a device, epoch after epoch."""
    for place in count():
        images, one_hot = pictures[place % steps]
        weights = np.ones(len(one_hot)) if class_weight is None else one_hot @ list(class_weight.values())
        yield images, one_hot, weights.astype(np.float32)
        if place % steps == steps - 1:
            pictures.on_epoch_end()


def _logs(tally: NDArray[np.float64]) -> dict[str, float]:
    """By the names that Keras has for them."""
    losses, pictures, hits, *named = tally.tolist()
    return {"loss": losses / pictures, "accuracy": hits / pictures, "commonest": max(named) / sum(named)}
