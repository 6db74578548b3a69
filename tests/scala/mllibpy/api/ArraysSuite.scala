package mllibpy.api

import mllibpy.engine.LocalSession
import org.scalatest.funsuite.AnyFunSuite

import java.nio.file.{Files, Path}

class ArraysSuite extends AnyFunSuite with LocalSession {
  private def read[T](path: Path)(f: ArrayReader => T): T = {
    val in = new ArrayReader(path.toString)
    try f(in)
    finally in.close()
  }

  test("arrays are read as they were written, little-endian") {
    withFolder { folder =>
      val path = folder.resolve("a")
      for (n <- Seq(0, 1, 300000)) { // beyond what is written at once
        val longs = Array.tabulate(n)(i => i * -12345678901L)
        ArrayWriter.longs(path.toString, longs)
        assert(Files.size(path) == 8L * n && read(path)(_.longs(n)).sameElements(longs))
        Files.delete(path)
        val floats = Array.tabulate(n)(_ / 7f)
        ArrayWriter.floats(path.toString, floats)
        assert(Files.size(path) == 4L * n && read(path)(_.floats(n)).sameElements(floats))
        Files.delete(path)
        val ints = Array.tabulate(n)(_ * -7)
        ArrayWriter.ints(path.toString, ints)
        assert(Files.size(path) == 4L * n && read(path)(_.ints(n)).sameElements(ints))
        Files.delete(path)
      }
      ArrayWriter.ints(path.toString, Array(1, 256))
      assert(Files.readAllBytes(path).toSeq == Seq[Byte](1, 0, 0, 0, 0, 1, 0, 0))
    }
  }

  test("texts: offsets, then their UTF-8") {
    withFolder { folder =>
      val path = folder.resolve("t")
      val texts = Array("", "ann", "zoë", "\ud83d\ude00", "x" * 100000)
      ArrayWriter.texts(path.toString, texts)
      assert(read(path)(_.texts(texts.length)).sameElements(texts))
      assert(read(path)(_.longs(4)).toSeq == Seq(0L, 0L, 3L, 7L))
    }
  }

  test("several arrays stand one behind the other, and any place can be sought") {
    withFolder { folder =>
      val path = folder.resolve("b")
      Files.write(path, Array[Byte](1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 9))
      read(path) { in =>
        assert(
          in.longs(1).toSeq == Seq(1L) && in.ints(1).toSeq == Seq(2) && in
            .bytes(1)
            .toSeq == Seq[Byte](9)
        )
        in.seek(8)
        assert(in.ints(1).toSeq == Seq(2))
      }
    }
  }
}
