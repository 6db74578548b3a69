"""Where Python calls the JVM: the door, its handles, errors back.

Parameters cross as JSON, data and models as handles, arrays as files of raw bytes in memory that
both processes see; nothing crosses row by row.
"""

from __future__ import annotations

import contextlib
import json
import math
import signal
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException

from mllib_py._session import CONNECT, is_connect, jvm, refuse_where_none_can_be, session

_INVALID = "mllibpy.engine.InvalidInput"
_ERRORS: dict[str, type[Exception]] = {"value": ValueError, "type": TypeError}

#: An object in the JVM; py4j has no types.
Handle: TypeAlias = Any


class MLlibError(RuntimeError):
    """Something failed in the JVM that bad input does not explain.

    Attributes
    ----------
    java_trace : str
        The stack trace of the JVM, for a report.
    """

    def __init__(self, message: str, java_trace: str = "") -> None:
        super().__init__(message)
        self.java_trace = java_trace


def call(name: str, *args: Any) -> Any:
    """Call a function of the door, in a session that is started where there is none.

    Parameters
    ----------
    name : str
        Function of ``mllibpy.api.Door``.
    *args
        Strings, numbers, booleans and handles.

    Returns
    -------
    object
        Whatever the function gives.

    Raises
    ------
    ValueError, TypeError
        The JVM refused what the user gave.
    MLlibError
        Anything else that failed there.
    """
    with contextlib.suppress(IndexError):  # empty, which another thread may make it
        while True:
            release(*_forgotten.popleft())
    return _called(name, *args)


def _called(name: str, *args: Any) -> Any:
    door = _door()
    with errors():
        return getattr(door, name)(*args)


def _door() -> Any:
    """Return the JVM's functions; they are looked up once a context, for each look is a call."""
    global _known
    from pyspark import SparkContext

    refuse_where_none_can_be()
    known_of, door = _known
    context = SparkContext._active_spark_context
    if context is None or known_of() is not context:
        spark = session()
        door = jvm(spark).mllibpy.api.Door
        _known = weakref.ref(spark.sparkContext), door
    return door


#: The context that the functions were last looked up in, and these.
_known: tuple[Callable[[], Any], Any] = (lambda: None, None)


_forgotten: deque[tuple[str, Handle]] = deque()


def forget(name: str, handle: Handle) -> None:
    """Have the next call free what a handle holds.

    For finalizers: the collector may run them amid a call, on the connection that is in use.
    """
    _forgotten.append((name, handle))


def release(name: str, handle: Handle) -> None:
    """Free what a handle holds, if the session that made it still runs; never raise."""
    from pyspark import SparkContext

    # The interpreter may be going down and the JVM gone: then nothing is held either.
    with contextlib.suppress(Exception):
        if SparkContext._active_spark_context is not None:
            _called(name, handle)


def ask(name: str, *args: Any) -> Any:
    """Call a function of the door that answers in JSON, and read the answer."""
    return json.loads(call(name, *args))


@contextlib.contextmanager
def errors() -> Iterator[None]:
    """Turn what the JVM throws into Python's exceptions of one sentence."""
    try:
        yield
    except Py4JJavaError as e:
        error = _translated(e.java_exception, str(e))
    except PySparkException as e:
        error = MLlibError(_first_line(str(e)), str(e))
    except Py4JError as e:  # the call did not reach what it names, or the JVM is gone
        error = MLlibError(f"the call to the JVM failed: {_first_line(str(e))}", str(e))
    else:
        return
    raise error from None


@contextlib.contextmanager
def interrupts() -> Iterator[list[int]]:
    """Note interrupts (Ctrl-C) in the list that is given, instead of raising them at once.

    Raised while a call to the JVM waits for its answer, one breaks the connection, and so does
    Spark's own handler, which calls the JVM meanwhile. Elsewhere than in the main thread Python has
    no say in signals, and the list stays empty.
    """
    noted: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield noted
        return
    before = signal.signal(signal.SIGINT, lambda number, _: noted.append(number))
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)


@contextlib.contextmanager
def raising() -> Iterator[None]:
    """Let interrupts raise again, amid `interrupts`: around code that is not ours."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    noting = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, noting)


def _translated(thrown: Any, trace: str) -> Exception:
    cause, root = thrown, thrown
    while cause is not None:
        if cause.getClass().getName() == _INVALID:
            kind = _ERRORS.get(cause.kind(), MLlibError)
            return kind(cause.getMessage())
        root, cause = cause, cause.getCause()
    name = root.getClass().getSimpleName()
    return MLlibError(f"{name}: {_first_line(root.getMessage() or 'no message')}", trace)


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else text


def to_json(params: Mapping[str, Any]) -> str:
    """Write parameters as JSON.

    Parameters
    ----------
    params : mapping
        Values are Python's or NumPy's numbers, booleans, strings and None.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        A number is NaN or infinite.
    TypeError
        A value is of another kind.
    """
    return json.dumps({k: _plain(k, v) for k, v in params.items()})


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, not {value}")
    if value is not None and not isinstance(value, bool | int | float | str | list | tuple | dict):
        raise TypeError(f"{name} must be a plain value, not {type(value).__name__}")
    return value


def frame_handle(df: Any) -> Handle:
    """Return the JVM's side of a Spark DataFrame."""
    if is_connect(df):
        raise RuntimeError(CONNECT)
    return df._jdf


def frame_of(handle: Handle) -> Any:
    """Return a Spark DataFrame for the JVM's side of one."""
    from pyspark.sql import DataFrame

    return DataFrame(handle, session())


def bytes_rdd_handle(rdd: Any) -> Handle:
    """Return the JVM's side of an RDD of ``bytes``."""
    from pyspark.serializers import AutoBatchedSerializer, CPickleSerializer

    serializer: Any = AutoBatchedSerializer
    repickled = rdd._reserialize(serializer(CPickleSerializer()))
    serde = jvm(session()).org.apache.spark.mllib.api.python.SerDe
    return serde.pythonToJava(repickled._jrdd, True)
