"""The Spark session: started with our jar and settings, or attached to."""

from __future__ import annotations

import os
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from py4j.java_gateway import JavaClass
from pyspark.sql import SparkSession

from mllib_py import _cds, _java, _workers

JAR = Path(__file__).parent / "jars" / "mllib-py.jar"
_LOGGING = Path(__file__).parent / "log4j2.properties"


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
    jvm(spark).mllibpy.api.Door.warmUp()
    return spark


def _running() -> SparkSession | None:
    from pyspark import SparkContext

    refuse_where_none_can_be()
    active = SparkSession.getActiveSession()
    if active is None and SparkContext._active_spark_context is not None:
        return SparkSession.builder.getOrCreate()
    return active


CONNECT = (
    "mllib_py works in the driver's own process and cannot use a Spark Connect session; "
    "start a classic one (unset SPARK_REMOTE, or use spark-submit)"
)


INSIDE = (
    "this process is a worker, and mllib_py's estimators are fitted by Spark jobs of the driver: "
    "give tune.Study backend='driver' for a function that fits one; a search, or a Study of the "
    "estimator itself, runs there with backend=None; elsewhere call fit outside of Spark's tasks"
)


def refuse_where_none_can_be() -> None:
    """Refuse a worker, and an environment in which sessions are Spark Connect's."""
    if _workers.inside():
        raise RuntimeError(INSIDE)
    refuse_connect()


def refuse_connect() -> None:
    """Refuse an environment in which sessions are Spark Connect's."""
    if os.environ.get("SPARK_REMOTE") or os.environ.get("SPARK_CONNECT_MODE_ENABLED"):
        raise RuntimeError(CONNECT)


def _attached(spark: SparkSession) -> SparkSession:
    if is_connect(spark):
        raise RuntimeError(CONNECT)
    if not isinstance(jvm(spark).mllibpy.api.Door, JavaClass):
        raise RuntimeError(
            "the running Spark session does not have mllib_py's jar: start it with "
            f'spark-submit --jars "$(mllib-py jar)" or .config("spark.jars", "{JAR}"), '
            "or let mllib_py.session() start it"
        )
    return spark


def is_connect(thing: Any) -> bool:
    """Tell whether a session or a DataFrame is Spark Connect's."""
    return type(thing).__module__.startswith("pyspark.sql.connect")


def jvm(spark: SparkSession) -> Any:
    """Return the JVM that a session runs in."""
    return spark._jvm  # type: ignore[attr-defined,unused-ignore]


def _settings(master: str | None, memory: str | None, conf: Mapping[str, str]) -> dict[str, str]:
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    chosen = master or conf.get("spark.master") or (None if submitted else "local[*]")
    ours = {
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.maxResultSize": "0",
        # Fits from several threads share the executors; one alone is as it was.
        "spark.scheduler.mode": "FAIR",
        # By TCP a task with a Python worker waits 40 ms for a delayed acknowledgement.
        "spark.python.unix.domain.socket.enabled": "true",
    }
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
            f"install a Spark for Scala {ours} (pip install 'pyspark~=4.3.0')"
        )
