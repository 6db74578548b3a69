"""A real HDFS on loopback: one NameNode and one DataNode, from Hadoop's minicluster jar."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pyspark
from support.processes import free_port, says, start, stop, wait_for

from mllib_py import _java

_JARS = Path(pyspark.__file__).parent / "jars"
_KEPT = Path(__file__).parents[2] / "target/hdfs"
_CENTRAL = "https://repo1.maven.org/maven2"
_OPENED = ("java.lang", "java.nio", "java.util")
_SITE = """<configuration>
{properties}
</configuration>
"""
_LOGGING = """rootLogger.level = info
rootLogger.appenderRef.c.ref = c
appender.c.type = Console
appender.c.name = c
appender.c.layout.type = PatternLayout
appender.c.layout.pattern = %d %p %c{1}: %m%n
"""


def _minicluster() -> Path:
    """The jar with the servers, from Maven Central; pyspark carries the client alone."""
    api = next(_JARS.glob("hadoop-client-api-*.jar"))
    version = api.stem.removeprefix("hadoop-client-api-")
    artifact = "hadoop-client-minicluster"
    jar = _KEPT / f"{artifact}-{version}.jar"
    if not jar.exists():
        _KEPT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_KEPT) as folder:
            fetched = Path(folder) / jar.name
            maven = shutil.which("mvn")
            if maven is None:
                source = f"{_CENTRAL}/org/apache/hadoop/{artifact}/{version}/{jar.name}"
                urllib.request.urlretrieve(source, fetched)
            else:
                wanted = f"-Dartifact=org.apache.hadoop:{artifact}:{version}"
                copy = [maven, "-q", "dependency:copy", wanted, f"-DoutputDirectory={folder}"]
                subprocess.run(copy, check=True, stdin=subprocess.DEVNULL)
            fetched.rename(jar)
    return jar


def _site(path: Path, properties: dict[str, str]) -> None:
    rows = [
        f"<property><name>{k}</name><value>{v}</value></property>" for k, v in properties.items()
    ]
    path.write_text(_SITE.format(properties="\n".join(rows)))


def _configure(folder: Path, port: int) -> None:
    conf = folder / "conf"
    conf.mkdir(parents=True)
    _site(
        conf / "core-site.xml",
        {"fs.defaultFS": f"hdfs://127.0.0.1:{port}", "hadoop.tmp.dir": str(folder / "tmp")},
    )
    addresses = {
        f"dfs.{name}": "127.0.0.1:0"
        for name in (
            "namenode.http-address",
            "datanode.address",
            "datanode.http.address",
            "datanode.ipc.address",
        )
    }
    _site(
        conf / "hdfs-site.xml",
        addresses
        | {
            "dfs.replication": "1",
            "dfs.permissions.enabled": "false",
            "dfs.namenode.name.dir": f"file://{folder / 'nn'}",
            "dfs.datanode.data.dir": f"file://{folder / 'dn'}",
            "dfs.namenode.safemode.extension": "0",
            "dfs.namenode.edits.noeditlogchannelflush": "true",
        },
    )
    (conf / "log4j2.properties").write_text(_LOGGING)


@contextlib.contextmanager
def hdfs(folder: Path) -> Iterator[str]:
    """Run an HDFS in a folder; give its URI."""
    port = free_port()
    _configure(folder, port)
    opened = [f"--add-opens=java.base/{p}=ALL-UNNAMED" for p in _OPENED]
    path = f"{folder / 'conf'}:{_minicluster()}:{_JARS}/*"
    java = [str(_java.find_java()), "-Xmx512m", *opened, "-cp", path]
    server = "org.apache.hadoop.hdfs.server"
    name_node = [*java, f"{server}.namenode.NameNode"]
    with (folder / "format.log").open("wb") as log:
        subprocess.run(
            [*name_node, "-format", "-nonInteractive"], check=True, stdout=log, stderr=log
        )
    log = folder / "dn.log"
    running = [
        start(name_node, folder / "nn.log"),
        start([*java, f"{server}.datanode.DataNode"], log),
    ]
    try:
        wait_for(lambda: says(log, "uccessfully registered with NN"), "the DataNode")
        yield f"hdfs://127.0.0.1:{port}"
    finally:
        stop(running[::-1])
