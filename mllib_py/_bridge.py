"""The one place where Python meets the JVM: the session, the door, bytes across, errors back.

Parameters cross as JSON, data and models as handles, arrays as files of raw bytes in memory that
both processes see; nothing crosses row by row.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import signal
import sys
import tempfile
import threading
import uuid
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from py4j.java_gateway import JavaClass
from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from mllib_py import _cds, _java

JAR = Path(__file__).parent / "jars" / "mllib-py.jar"
_LOGGING = Path(__file__).parent / "log4j2.properties"
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


def session(
    master: str | None = None,
    *,
    memory: str | None = None,
    app_name: str = "mllib_py",
    conf: Mapping[str, str] | None = None,
) -> SparkSession:
    """Start a Spark session with the library's jar, or attach to the one that runs.

    Parameters
    ----------
    master : str, optional
        Spark's master URL. Default: ``spark-submit``'s where that started us, else ``local[*]``.
    memory : str, optional
        Memory of the driver's JVM, ``"8g"`` say. Default: 60 % of the machine's memory in local
        mode, Spark's default otherwise.
    app_name : str, default="mllib_py"
        Name of the application.
    conf : mapping of str to str, optional
        More of Spark's settings; they win over ours.

    Returns
    -------
    pyspark.sql.SparkSession
        Arguments do not change a session that runs already.

    Raises
    ------
    RuntimeError
        Java is missing or too old, Spark's Scala is not the jar's, the running session does not
        have the jar, or it is a Spark Connect session.

    Examples
    --------
    >>> import mllib_py
    >>> spark = mllib_py.session()
    """
    running = _running()
    if running is not None:
        return _attached(running)
    _java.check_java()
    check_scala(JAR, _spark_jars())
    # Without it, workers run the first python3 on the path, which may lack what this one has.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName(app_name)
    for key, value in _settings(master, memory, conf or {}).items():
        builder = builder.config(key, value)
    spark = _attached(builder.getOrCreate())
    _jvm(spark).mllibpy.api.Door.warmUp()
    return spark


def _running() -> SparkSession | None:
    from pyspark import SparkContext

    if os.environ.get("SPARK_REMOTE") or os.environ.get("SPARK_CONNECT_MODE_ENABLED"):
        raise RuntimeError(_CONNECT)
    active = SparkSession.getActiveSession()
    if active is None and SparkContext._active_spark_context is not None:
        return SparkSession.builder.getOrCreate()
    return active


_CONNECT = (
    "mllib_py works in the driver's own process and cannot use a Spark Connect session; "
    "start a classic one (unset SPARK_REMOTE, or use spark-submit)"
)


def _attached(spark: SparkSession) -> SparkSession:
    if type(spark).__module__.startswith("pyspark.sql.connect"):
        raise RuntimeError(_CONNECT)
    if not isinstance(_jvm(spark).mllibpy.api.Door, JavaClass):
        raise RuntimeError(
            "the running Spark session does not have mllib_py's jar: start it with "
            f'spark-submit --jars "$(mllib-py jar)" or .config("spark.jars", "{JAR}"), '
            "or let mllib_py.session() start it"
        )
    return spark


def _jvm(spark: SparkSession) -> Any:
    return spark._jvm  # type: ignore[attr-defined,unused-ignore]


def _settings(master: str | None, memory: str | None, conf: Mapping[str, str]) -> dict[str, str]:
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    chosen = master or conf.get("spark.master") or (None if submitted else "local[*]")
    ours = {"spark.ui.showConsoleProgress": "false", "spark.driver.maxResultSize": "0"}
    if chosen is not None:
        ours["spark.master"] = chosen
    if not submitted:
        ours |= _driver(conf)
        # The driver has the jar on its class path; executors of a cluster fetch it.
        if chosen is not None and not chosen.startswith("local["):
            ours["spark.jars"] = str(JAR)
    if chosen is not None and chosen.startswith("local"):
        ours |= {
            "spark.driver.memory": memory or f"{_machine_memory() * 6 // 10}m",
            "spark.driver.host": "localhost",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.ui.enabled": "false",
        }
    elif memory is not None:
        ours["spark.driver.memory"] = memory
    return ours | {k: v for k, v in conf.items() if k not in _MERGED}


_MERGED = {"spark.driver.extraJavaOptions", "spark.driver.extraClassPath"}


def _driver(conf: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of a JVM that we start: our jar and class-data archive, quiet logs."""
    # A throughput collector: the heap holds a few large arrays.
    java = ["-XX:+UseParallelGC", f"-Dlog4j2.configurationFile={_LOGGING.as_uri()}"]
    java += _cds.java_options()
    java += [conf.get("spark.driver.extraJavaOptions", "")]
    paths = [str(JAR), conf.get("spark.driver.extraClassPath", "")]
    return {
        "spark.driver.extraJavaOptions": " ".join(filter(None, java)),
        "spark.driver.extraClassPath": os.pathsep.join(filter(None, paths)),
    }


def _machine_memory() -> int:
    """Return the memory of the machine, in MiB."""
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20)


def _spark_jars() -> Path:
    import pyspark

    home = os.environ.get("SPARK_HOME") or str(Path(pyspark.__file__).parent)
    return Path(home) / "jars"


def check_scala(jar: Path, spark_jars: Path) -> None:
    """Refuse a Spark whose Scala does not match the jar.

    Parameters
    ----------
    jar : Path
        The library's jar, which records the Scala version that it was compiled with.
    spark_jars : Path
        Spark's folder of jars.

    Raises
    ------
    RuntimeError
        The jar is missing, or the binary versions (2.13, say) differ.
    """
    if not jar.exists():
        raise RuntimeError(
            f"{jar} is missing: install mllib-py from its wheel, or run `make setup` in a checkout"
        )
    with zipfile.ZipFile(jar) as z:
        lines = z.read("mllibpy/build.properties").decode().splitlines()
    facts = dict(line.split("=", 1) for line in lines if "=" in line)
    ours = ".".join(facts["scala"].split(".")[:2])
    theirs = {
        ".".join(p.name.removeprefix("scala-library-").split(".")[:2])
        for p in spark_jars.glob("scala-library-*.jar")
    }
    if theirs and ours not in theirs:
        raise RuntimeError(
            f"mllib_py's jar is for Scala {ours} but this Spark runs Scala {sorted(theirs)[0]}: "
            f"install a Spark for Scala {ours} (pip install 'pyspark>=4.0')"
        )


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
    door = _jvm(session()).mllibpy.api.Door
    with errors():
        return getattr(door, name)(*args)


def release(name: str, handle: Handle) -> None:
    """Free what a handle holds, if the session that made it still runs; never raise."""
    from pyspark import SparkContext

    # The interpreter may be going down and the JVM gone: then nothing is held either.
    with contextlib.suppress(Exception):
        if SparkContext._active_spark_context is not None:
            call(name, handle)


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


# --- arrays across -----------------------------------------------------------------------------


@contextlib.contextmanager
def shared_file(size: int) -> Iterator[Path]:
    """Give a name for a file that both processes see, in memory where there is room for it.

    Parameters
    ----------
    size : int
        Bytes that will be written, by either side.

    Yields
    ------
    Path
        Whatever was written under the name, or under the name and an ending, is deleted after.
    """
    shm = Path("/dev/shm")
    roomy = shm.is_dir() and os.access(shm, os.W_OK) and shutil.disk_usage(shm).free > 2 * size
    folder = shm if roomy else Path(tempfile.gettempdir())
    path = folder / f"mllib_py-{uuid.uuid4().hex}"
    try:
        yield path
    finally:
        for leftover in folder.glob(f"{path.name}*"):
            leftover.unlink()


def write_arrays(path: Path, arrays: Sequence[NDArray[Any]]) -> None:
    """Write arrays one after the other, little-endian, in C order."""
    with path.open("wb") as f:
        for a in arrays:
            np.ascontiguousarray(a).tofile(f)


def text_arrays(texts: Sequence[str]) -> list[NDArray[Any]]:
    """Return texts as two arrays: n + 1 offsets (int64), and their UTF-8 bytes."""
    encoded = [t.encode() for t in texts]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum([len(e) for e in encoded], out=offsets[1:])
    return [offsets, np.frombuffer(b"".join(encoded), dtype=np.uint8)]


def read_texts(path: Path, n: int) -> NDArray[np.object_]:
    """Read n texts that the JVM wrote as offsets and bytes."""
    content = path.read_bytes()
    offsets = np.frombuffer(content, dtype=np.int64, count=n + 1)
    base = 8 * (n + 1)
    out = np.empty(n, dtype=object)
    for i in range(n):
        out[i] = content[base + offsets[i] : base + offsets[i + 1]].decode()
    return out


def frame_handle(df: Any) -> Handle:
    """Return the JVM's side of a Spark DataFrame."""
    if type(df).__module__.startswith("pyspark.sql.connect"):
        raise RuntimeError(_CONNECT)
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
    serde = _jvm(session()).org.apache.spark.mllib.api.python.SerDe
    return serde.pythonToJava(repickled._jrdd, True)
