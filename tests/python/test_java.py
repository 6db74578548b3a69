"""Finding Java, and the class-data archive that its start-up uses."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mllib_py import _cds, _java
from mllib_py._java import JavaNotFoundError, check_java, find_java, java_version


def fake_java(folder: Path, says: str) -> Path:
    """Write a `java` that prints something on standard error, as Java does."""
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{says}\nEND\n")
    java.chmod(0o755)
    return java


def is_one_sentence(error: pytest.ExceptionInfo[JavaNotFoundError]) -> bool:
    said = str(error.value)
    return "\n" not in said and said.endswith(".") and "openjdk-17-jdk-headless" in said


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ('java version "1.8.0_402"', 8),
        ('openjdk version "11.0.22" 2024-01-16', 11),
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "25" 2025-09-16', 25),
        ('openjdk version "21-ea" 2023-09-19', 21),
        ('Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "17.0.15" 2025-04-15', 17),
    ],
)
def test_a_version_is_read(tmp_path: Path, says: str, version: int) -> None:
    assert java_version(fake_java(tmp_path, says)) == version


def test_java_home_comes_before_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    fake_java(home, 'openjdk version "21.0.1"')
    fake_java(other, 'openjdk version "17.0.1"')
    monkeypatch.setenv("PATH", str(other / "bin"), prepend=":")
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert find_java() == home / "bin" / "java"
    monkeypatch.delenv("JAVA_HOME")
    assert find_java() == other / "bin" / "java"


def test_no_java_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(JavaNotFoundError, match="not on PATH") as error:
        check_java()
    assert is_one_sentence(error)


def test_a_wrong_java_home_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(JavaNotFoundError, match=str(tmp_path)) as error:
        check_java()
    assert is_one_sentence(error)


@pytest.mark.parametrize(
    ("says", "match"),
    [
        ('openjdk version "11.0.22" 2024-01-16', "is Java 11, which is too old"),
        ("bash: no such thing", "said 'bash: no such thing' in place of a version"),
        ("", "said nothing in place of a version"),
    ],
)
def test_a_java_that_will_not_do_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, match: str
) -> None:
    fake_java(tmp_path, says)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(JavaNotFoundError, match=match) as error:
        check_java()
    assert is_one_sentence(error)


def test_a_file_that_is_no_program(tmp_path: Path) -> None:
    java = fake_java(tmp_path, "")
    java.write_bytes(b"\x7fnot a program")
    with pytest.raises(JavaNotFoundError, match="does not run") as error:
        java_version(java)
    assert is_one_sentence(error)


def test_this_machine_has_a_java() -> None:
    assert java_version(check_java()) >= _java.MINIMUM


# --- class-data sharing -----------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty cache with a jar of its own."""
    jar = tmp_path / "site packages" / "mllib_py" / "jars" / "mllib-py.jar"
    jar.parent.mkdir(parents=True)
    jar.write_bytes(b"a jar")
    monkeypatch.setattr(_cds, "_JAR", jar)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(_cds.DUMP, raising=False)
    (tmp_path / "cache" / "mllib_py").mkdir(parents=True)
    return tmp_path / "cache" / "mllib_py"


def put(cache: Path, content: bytes, size: int | None = None) -> Path:
    """Lay an archive where the next session looks for it."""
    path = cache / f"{_cds._key()}-{len(content) if size is None else size}.jsa"
    path.write_bytes(content)
    return path


def test_no_archive_no_options(cache: Path) -> None:
    assert _cds.archive() is None
    assert _cds.java_options() == []


def test_no_jar_no_options(cache: Path) -> None:
    _cds._JAR.unlink()
    assert _cds.java_options() == []


def test_an_archive_is_used_until_the_jar_changes(cache: Path) -> None:
    path = put(cache, b"archive")
    assert _cds.archive() == path
    assert f"-XX:SharedArchiveFile={path}" in _cds.java_options()
    assert _cds.create() == path  # nothing is run for an archive that is there
    _cds._JAR.write_bytes(b"another jar")
    assert _cds.java_options() == []


def test_a_truncated_archive_is_left_alone(cache: Path) -> None:
    put(cache, b"archi", size=7)
    assert _cds.java_options() == []


def test_an_option_with_a_space_is_quoted(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_cds.DUMP, "/a place/a.jsa")
    assert _cds.java_options()[0] == '"-XX:ArchiveClassesAtExit=/a place/a.jsa"'


@pytest.fixture(scope="module")
def dumped(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a real archive of this Java, of a program that does next to nothing."""
    path = tmp_path_factory.mktemp("dumped") / "a.jsa"
    options = [f"-XX:ArchiveClassesAtExit={path}", *_cds._CAREFUL]
    subprocess.run([check_java(), *options, "--list-modules"], check=True, capture_output=True)
    return path.read_bytes()


def run_java(path: Path) -> subprocess.CompletedProcess[str]:
    options = [o.strip('"') for o in _cds.java_options()]
    assert options[0].endswith(str(path))
    command = [check_java(), *options, "-Xlog:class+load:stdout", "--list-modules"]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_whole_archive_is_used(cache: Path, dumped: bytes) -> None:
    run = run_java(put(cache, dumped))
    assert run.returncode == 0
    assert "shared objects file (top)" in run.stdout


@pytest.mark.parametrize("at", [0, 0.5, 0.9])
def test_a_damaged_archive_is_passed_over_in_silence(cache: Path, dumped: bytes, at: float) -> None:
    start = int(len(dumped) * at)
    damaged = bytearray(dumped)
    damaged[start : start + 4096] = b"\x5a" * 4096
    run = run_java(put(cache, bytes(damaged)))
    assert run.returncode == 0, run.stdout[-2000:]
    assert "shared objects file (top)" not in run.stdout
    assert run.stderr == ""


def test_a_session_that_fails_leaves_nothing_behind(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_cds, "_TYPICAL", "raise SystemExit('no session today')")
    assert _cds.main() == 1
    assert "no session today" in capfd.readouterr().err
    assert list(cache.iterdir()) == []


def test_earlier_archives_of_the_jar_go(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = put(cache, b"archive")
    _cds._JAR.write_bytes(b"another jar")
    # In place of a session: what its JVM would have written.
    write = "import os; open(os.environ['MLLIB_PY_CDS_DUMP'], 'w').write('new')"
    monkeypatch.setattr(_cds, "_TYPICAL", write)
    new = _cds.create()
    assert [p.name for p in cache.iterdir()] == [new.name] != [old.name]
    assert _cds.archive() == new
