package mllibpy.api

import mllibpy.engine.{InvalidInput, LocalSession}
import org.scalatest.funsuite.AnyFunSuite

import java.io.{ByteArrayOutputStream, IOException}
import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Files => JFiles, Path}
import java.util.zip.GZIPOutputStream
import scala.jdk.CollectionConverters._

/** Files, and ratings read from them. */
class FilesSuite extends AnyFunSuite with LocalSession {
  private def files = new Files(sc.hadoopConfiguration)

  private def gzip(text: String): Array[Byte] = {
    val out = new ByteArrayOutputStream
    val zip = new GZIPOutputStream(out)
    zip.write(text.getBytes(UTF_8))
    zip.close()
    out.toByteArray
  }

  private def names(folder: Path) =
    JFiles.list(folder).iterator.asScala.map(_.getFileName.toString).toSet

  private val columns = """{"user_col": "user", "item_col": "item", "rating_col": "rating"}"""

  private def lines(from: Int, until: Int) =
    (from until until).map(i => s"$i,${i % 7},${i % 5 + 0.5}\n").mkString

  test("a file, a folder or a glob: its data files by name") {
    withFolder { folder =>
      for (n <- Seq("b.csv", "a.csv", ".hidden", "_SUCCESS", "c.txt"))
        JFiles.writeString(folder.resolve(n), n)
      def list(uri: String) = files.list(uri).map(f => f.path.split('/').last)
      assert(list(folder.toString) == Seq("a.csv", "b.csv", "c.txt"))
      assert(
        list(s"$folder/*.csv") == Seq("a.csv", "b.csv") && list(s"file://$folder/a.csv") == Seq(
          "a.csv"
        )
      )
      assert(list(s"$folder/none") == Nil)
      assert(files.list(s"$folder/b.csv").head.bytes == 5)
      assert(
        intercept[InvalidInput](files.first(s"$folder/none")).getMessage
          .startsWith("there is no file at ")
      )
    }
  }

  test("compressed files are read as their text; lines are counted in it") {
    withFolder { folder =>
      val text = "one\n\ntwo\nthree\n"
      JFiles.write(folder.resolve("t.gz"), gzip(text))
      JFiles.writeString(folder.resolve("t"), text)
      for (uri <- Seq(s"$folder/t", s"$folder/t.gz")) {
        assert(files.lines(uri, 2) == Seq("one", "two"))
        assert(Seq(0, 4, 5, 9).map(files.lineNumber(uri, _)) == Seq(1L, 2L, 3L, 4L))
        assert(new String(files.bytes(uri, -1), UTF_8) == text && files.bytes(uri, 3).length == 3)
      }
    }
  }

  test("a write is whole or nothing, and leaves nothing temporary") {
    withFolder { folder =>
      val uri = s"$folder/deep/er/file"
      files.write(uri)(_.write("first".getBytes(UTF_8)))
      files.write(uri)(_.write("second".getBytes(UTF_8)))
      intercept[IOException](files.write(uri) { out =>
        out.write(1); throw new IOException("no more")
      })
      assert(JFiles.readString(Path.of(uri)) == "second")
      assert(names(Path.of(uri).getParent) == Set("file"))
    }
  }

  test("ratings from many files, plain and compressed, are those of one") {
    withFolder { folder =>
      JFiles.writeString(folder.resolve("a.csv"), "user,item,rating\n" + lines(0, 500))
      JFiles.write(folder.resolve("b.csv.gz"), gzip("user,item,rating\n" + lines(500, 1000)))
      val ratings = Door.ratingsFromUri(folder.toString, columns)
      assert(ratings.facts.count == 1000 && ratings.userCount == 1000 && ratings.itemCount == 7)
      assert(ratings.histogram == (0 until 5).map(v => (v + 0.5f, 200L)))
      ratings.release()
    }
  }

  test("a bad line is told by file, number and text, the first one of many") {
    withFolder { folder =>
      val bad = lines(0, 50000) + "7,x,3\n" + lines(0, 50000) + "8,9,\n"
      JFiles.writeString(folder.resolve("a.csv"), "user,item,rating\n" + lines(0, 10))
      JFiles.writeString(folder.resolve("b.csv"), "user,item,rating\n" + bad)
      val e = intercept[InvalidInput](Door.ratingsFromUri(folder.toString, columns).facts)
      assert(e.getMessage.endsWith("b.csv, line 50002: the item 'x' is not an integer in '7,x,3'"))
    }
  }

  test("text ids, quotes and times from a file") {
    withFolder { folder =>
      val text = "user,item,rating,timestamp\nann,\"a, b\",3,10\nbob,c,4,20\n"
      JFiles.writeString(folder.resolve("r.csv"), text)
      val ratings = Door.ratingsFromUri(s"$folder/r.csv", columns)
      assert(ratings.timed && ratings.users.kind == "text" && ratings.facts.count == 2)
      assert(ratings.topItems(2).map(t => ratings.items.textOf(t._1)) == Seq("a, b", "c"))
      ratings.release()
    }
  }
}
