"""The sdist and the wheel, and the wheel alone where the repository is not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "src" / "main" / "resources" / "mllibpy" / "spec"
JAR = "mllib_py/jars/mllib-py.jar"

pytestmark = pytest.mark.e2e


@dataclass(frozen=True)
class Built:
    """A copy of the sources, and what was built from it."""

    sources: Path
    sdist: Path
    wheel: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build the sdist from what git would commit, and the wheel from the sdist."""
    base = tmp_path_factory.mktemp("built")
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listing.stdout.split("\0")):
        if (ROOT / name).is_file():  # git lists what was deleted, too
            (base / "sources" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, base / "sources" / name)
    # Not isolated: an isolated build unpacks another pyspark, and builds the same.
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", base / "dist"]
    run = subprocess.run([*command, base / "sources"], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    (sdist,) = (base / "dist").glob("*.tar.gz")
    (wheel,) = (base / "dist").glob("*.whl")
    return Built(base / "sources", sdist, wheel)


@dataclass(frozen=True)
class Installed:
    """A virtual environment that has the wheel, and an empty folder to run in."""

    environment: Path
    folder: Path

    def run(self, *command: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment; a variable that is None is not set."""
        variables = {**os.environ, "PYTHONPATH": None, **environment}
        return subprocess.run(
            [self.environment / "bin" / command[0], *command[1:]],
            cwd=self.folder,
            env={name: value for name, value in variables.items() if value is not None},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )


@pytest.fixture(scope="module")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """Install the wheel alone; what it depends on is lent by the environment of the tests."""
    base = tmp_path_factory.mktemp("installed")
    environment, folder = base / "venv", base / "empty"
    folder.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = environment / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps"]
    run = subprocess.run([*command, built.wheel], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    # A folder that a .pth file names does not have its own .pth files read, so the editable install
    # of this repository does not come along.
    (site,) = (environment / "lib").glob("python3.*/site-packages")
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    yield Installed(environment, folder)
    shutil.rmtree(base, ignore_errors=True)


def test_the_wheel_holds_the_jar_and_the_specs(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        names = set(wheel.namelist())
        for spec in SPECS.glob("*.json"):
            assert wheel.read(f"mllib_py/jars/spec/{spec.name}") == spec.read_bytes()
    assert {JAR, "mllib_py/py.typed", "mllib_py/log4j2.properties"} <= names
    assert {f"mllib_py/tutorial/sample/{n}.dat" for n in ("ratings", "movies")} <= names
    assert any(SPECS.glob("*.json"))
    inside = {n.split("/")[0] for n in names}
    assert inside == {"mllib_py", f"mllib_py-{version()}.dist-info"}


def test_the_jar_is_thin_and_says_what_it_was_built_for(built: Built, tmp_path: Path) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        wheel.extract(JAR, tmp_path)
    with zipfile.ZipFile(tmp_path / JAR) as jar:
        names = jar.namelist()
        facts = dict(
            line.split("=", 1) for line in jar.read("mllibpy/build.properties").decode().split()
        )
        times = {info.date_time for info in jar.infolist()}
    classes = [n for n in names if n.endswith(".class")]
    assert any(n.startswith("mllibpy/kernel/") for n in classes)
    assert [n for n in classes if not n.startswith("mllibpy/")] == []
    assert facts["version"] == version()
    assert (spark_jars() / f"scala-library-{facts['scala']}.jar").is_file()
    assert names[0] == "META-INF/MANIFEST.MF"
    assert len(names) == len(set(names))
    assert len(times) == 1  # the same sources make the same bytes


def test_the_sdist_holds_sources_alone(built: Built) -> None:
    with tarfile.open(built.sdist) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"build_jar.py", "project/scalac-options.txt", "LICENSE", "README.md"} <= names
    assert not [n for n in names if n.endswith((".jar", ".class", ".pyc"))]


def test_the_wheel_asks_for_the_base_alone(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        metadata = message_from_bytes(wheel.read(f"mllib_py-{version()}.dist-info/METADATA"))
    wanted = metadata.get_all("Requires-Dist") or []
    base = {re.split(r"[^\w-]", r)[0] for r in wanted if "extra ==" not in r}
    assert base == {"pyspark", "numpy", "scipy", "py4j", "pandas", "pyarrow", "scikit-learn"}
    assert {"tutorial", "tune", "bench", "test"} <= set(metadata.get_all("Provides-Extra") or [])


FIT = """
import importlib.metadata, numpy, mllib_py
assert mllib_py.__version__ == importlib.metadata.version("mllib-py")
spark = mllib_py.session(master="local[2]", memory="1g")
pairs = numpy.arange(200)
triples = pairs // 10, (pairs * 7) % 31, (pairs % 5 + 1).astype(numpy.float32)
model = mllib_py.ALS(rank=4, max_iter=3).fit(mllib_py.ratings(triples))
assert numpy.isfinite(model.user_factors_).all()
assert len(model.recommend([0, 1], k=3)) == 6
assert model.score(triples) < 2
print(mllib_py.__file__)
spark.stop()
"""


def test_the_wheel_alone_fits(installed: Installed) -> None:
    run = installed.run("python", "-c", FIT)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.split()[-1].startswith(str(installed.environment))
    assert list(installed.folder.iterdir()) == []  # a run leaves nothing lying about


SEARCH = """
import sys
import mllib_py
from mllib_py import tune
assert "optuna" not in sys.modules
spark = mllib_py.session(master="local[2]", memory="1g")
from sklearn.datasets import load_iris
from sklearn.svm import SVC
X, y = load_iris(return_X_y=True)
search = tune.GridSearchCV(SVC(), {"C": [0.1, 1.0]}, cv=3).fit(X, y)
assert search.best_score_ > 0.9
study = tune.Study(lambda params: params["x"], {"x": [3, 1, 2]}, sampler="grid").run()
assert study.best_params == {"x": 1}
print(tune.__file__)
spark.stop()
sys.modules["optuna"] = None
del tune.Study
for name in [n for n in sys.modules if n.startswith("mllib_py.tune.")]:
    del sys.modules[name]
try:
    tune.Study
except ImportError as error:
    assert "pip install 'mllib-py[tune]'" in str(error), error
"""


def test_the_wheel_alone_searches_and_studies(installed: Installed) -> None:
    run = installed.run("python", "-c", SEARCH)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.split()[-1].startswith(str(installed.environment))
    assert list(installed.folder.iterdir()) == []


def test_the_command_is_installed(installed: Installed) -> None:
    run = installed.run("mllib-py", "--version")
    assert run.returncode == 0, run.stderr
    assert version() in run.stdout


# --- one clear sentence -------------------------------------------------------------------------


SESSION = """
import mllib_py
try:
    mllib_py.session()
except RuntimeError as error:
    print(error)
"""


def path_without_java(folder: Path) -> str:
    """Return a PATH with what a shell script needs, and no Java."""
    folder.mkdir()
    for name in ("bash", "sh", "dirname", "cat", "env", "ps"):
        if found := shutil.which(name):
            (folder / name).symlink_to(found)
    return str(folder)


def old_java(folder: Path) -> str:
    """Return a JAVA_HOME whose Java says that it is version 11."""
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.22\" 2024-01-16' >&2\n")
    java.chmod(0o755)
    return str(folder)


@pytest.fixture(params=["missing", "old"])
def wrong_java(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[dict[str, str | None], str]:
    """Return the variables of a machine whose Java will not do, and what is said of it."""
    if request.param == "missing":
        path = path_without_java(tmp_path / "path")
        return {"PATH": path, "JAVA_HOME": None}, "Java is not on PATH"
    return {"JAVA_HOME": old_java(tmp_path / "java")}, "is Java 11, which is too old"


def assert_one_sentence(said: str, about: str) -> None:
    assert len(said.strip().splitlines()) == 1, said
    assert about in said
    assert "apt-get install openjdk-17-jdk-headless" in said


def test_a_session_names_the_java_to_install(
    installed: Installed, wrong_java: tuple[dict[str, str | None], str]
) -> None:
    variables, about = wrong_java
    run = installed.run("python", "-c", SESSION, **variables)
    assert run.returncode == 0, run.stderr
    assert_one_sentence(run.stdout, about)


def test_the_command_names_the_java_to_install(
    installed: Installed, wrong_java: tuple[dict[str, str | None], str]
) -> None:
    variables, about = wrong_java
    run = installed.run("mllib-py", "movielens", "--data", str(ROOT / "data"), **variables)
    assert run.returncode != 0
    assert "Traceback" not in run.stderr
    assert_one_sentence(run.stderr, about)


def test_the_build_names_the_java_to_install(
    built: Built, wrong_java: tuple[dict[str, str | None], str]
) -> None:
    variables, about = wrong_java
    merged = {**os.environ, **variables}
    run = subprocess.run(
        [sys.executable, built.sources / "build_jar.py"],
        env={name: value for name, value in merged.items() if value is not None},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert_one_sentence(run.stderr, about)


def test_the_build_names_the_missing_pyspark(built: Built, tmp_path: Path) -> None:
    # -S: no site-packages, so no pyspark
    command = [sys.executable, "-S", built.sources / "build_jar.py"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 1
    assert len(run.stderr.splitlines()) == 1
    assert "pip install pyspark==" in run.stderr


def test_a_jar_for_another_scala_is_refused(tmp_path: Path) -> None:
    from mllib_py._session import check_scala

    jar = tmp_path / "mllib-py.jar"
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr("mllibpy/build.properties", "version=0.1.0\nscala=2.12.20\n")
    with pytest.raises(RuntimeError, match=r"2\.12") as error:
        check_scala(jar, spark_jars())
    assert "2.13" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_spark_of_another_scala_is_refused(built: Built, tmp_path: Path) -> None:
    from mllib_py._session import check_scala

    with zipfile.ZipFile(built.wheel) as wheel:
        wheel.extract(JAR, tmp_path)
    check_scala(tmp_path / JAR, spark_jars())
    (tmp_path / "scala-library-2.12.20.jar").touch()
    with pytest.raises(RuntimeError, match=r"2\.12"):
        check_scala(tmp_path / JAR, tmp_path)


def version() -> str:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def spark_jars() -> Path:
    return Path(sysconfig.get_path("purelib")) / "pyspark" / "jars"
