package mllibpy.api

import mllibpy.algorithm.als.{AlsModel, Samples}
import mllibpy.engine.InvalidInput
import mllibpy.kernel.PackedFloats
import org.apache.hadoop.conf.Configuration
import org.scalatest.funsuite.AnyFunSuite

import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Files => JFiles, Path}
import java.util.Comparator
import scala.jdk.CollectionConverters._

/** Models on disk: what was saved is loaded, and what was damaged is not. */
class ModelFilesSuite extends AnyFunSuite {
  private val files = new ModelFiles(new Files(new Configuration))

  private val integers = Samples.model(
    Samples.table(Seq(Long.MinValue, -1, 7), 2, 1, 2, 3, 4, 5, 6),
    Samples.table(Seq(10, 20), 2, -1, 0.5f, 1e-30f, 3e38f),
    Samples.seen(
      Seq(Seq(0, 1), Seq(), Seq(1)),
      new PackedFloats(Array(-1, 2.5f), Array[Byte](1, 0, 1), null)
    ),
    "reg" -> 0.25,
    "random_state" -> 5L,
    "tol" -> 0.01,
    "implicit" -> true
  )
  private val texts = Samples.model(
    Samples.texts(Seq("", "Ann", "zoë"), 1, 1, 2, 3),
    Samples.table(Seq(3), 1, 4),
    Samples.seen(Seq(Seq(), Seq(0), Seq(0)), new PackedFloats(null, null, Array(3, 1e-30f)))
  )
  private val old =
    Samples.model(
      Samples.table(Seq(1), 1, 1),
      Samples.table(Seq(3), 1, 4),
      Samples.seen(Seq(Seq(0)))
    )

  private def withPath(body: Path => Unit): Unit = {
    val folder = JFiles.createTempDirectory("mllibpy")
    try body(folder.resolve("model"))
    finally
      JFiles
        .walk(folder)
        .sorted(Comparator.reverseOrder[Path]())
        .iterator
        .asScala
        .foreach(JFiles.delete)
  }

  private def names(folder: Path) =
    JFiles.list(folder).iterator.asScala.map(_.getFileName.toString).toSet

  private def same(a: AlsModel, b: AlsModel): Unit = {
    assert(a.params.json.toString == b.params.json.toString && a.facts == b.facts)
    for ((x, y) <- Seq((a.users, b.users), (a.items, b.items))) {
      assert(x.rank == y.rank && x.keys.toSeq == y.keys.toSeq && x.rows.toSeq == y.rows.toSeq)
      assert(Option(x.names).map(_.toSeq) == Option(y.names).map(_.toSeq))
    }
    assert(a.seen.start.toSeq == b.seen.start.toSeq && a.seen.items.toSeq == b.seen.items.toSeq)
    assert((a.seen.values == null) == (b.seen.values == null))
    if (a.seen.values != null)
      for (u <- 0 until a.users.size) assert(a.seen.valuesOf(u).toSeq == b.seen.valuesOf(u).toSeq)
  }

  private def refused(path: Path): String =
    intercept[InvalidInput](files.load(path.toString)).getMessage

  for ((name, model) <- Seq("integer" -> integers, "text" -> texts, "old" -> old))
    test(s"a model with $name ids is loaded as it was saved") {
      withPath { path =>
        files.save(model, path.toString, overwrite = false)
        same(files.load(path.toString), model)
        assert(names(path.getParent) == Set("model"), "something temporary is left")
      }
    }

  test("the files are data: JSON and NPY, each listed with its checksum") {
    withPath { path =>
      files.save(texts, path.toString, overwrite = false)
      val arrays = Set(
        "user_factors",
        "item_factors",
        "seen_start",
        "seen_items",
        "seen_values",
        "user_ids_offsets",
        "user_ids_utf8",
        "item_ids"
      )
      assert(names(path) == arrays.map(_ + ".npy") ++ Set("model.json", "checksums.json"))
      val sums = JFiles.readString(path.resolve("checksums.json"))
      for (f <- names(path) - "checksums.json") assert(sums.contains(s"\"$f\""), f)
    }
  }

  test("a name that is taken is replaced only where asked, and wholly") {
    withPath { path =>
      files.save(texts, path.toString, overwrite = false)
      val e = intercept[InvalidInput](files.save(integers, path.toString, overwrite = false))
      assert(e.getMessage.endsWith("exists already; pass overwrite=True to replace it"))
      same(files.load(path.toString), texts)
      files.save(integers, path.toString, overwrite = true)
      same(files.load(path.toString), integers)
      assert(
        !JFiles.exists(path.resolve("user_ids_utf8.npy")) && names(path.getParent) == Set("model")
      )
    }
  }

  test("every file that is altered, cut off or gone is named") {
    for (model <- Seq(integers, texts)) withPath { path =>
      files.save(model, path.toString, overwrite = false)
      for (name <- names(path) - "checksums.json") {
        val file = path.resolve(name)
        val whole = JFiles.readAllBytes(file)
        for (at <- Seq(0, 20, whole.length / 2, whole.length - 1)) {
          val altered = whole.clone
          altered(at) = (altered(at) ^ 1).toByte
          JFiles.write(file, altered)
          assert(
            refused(path).endsWith(s"$name is truncated or altered; save the model again"),
            s"byte $at"
          )
        }
        for (length <- Seq(0, 5, 100, whole.length - 1) if length < whole.length) {
          JFiles.write(file, whole.take(length))
          assert(
            refused(path).endsWith(s"$name is truncated or altered; save the model again"),
            s"$length bytes"
          )
        }
        JFiles.write(file, whole ++ Array[Byte](0))
        assert(refused(path).contains(s"$name is truncated or altered"))
        JFiles.delete(file)
        assert(refused(path).endsWith(s"has no $name; it is not a whole model saved by mllib_py"))
        JFiles.write(file, whole)
      }
      same(files.load(path.toString), model)
    }
  }

  test("checksums that are cut off, gone or incomplete") {
    withPath { path =>
      files.save(integers, path.toString, overwrite = false)
      val file = path.resolve("checksums.json")
      val text = JFiles.readString(file)
      JFiles.writeString(file, text.take(text.length / 2))
      assert(refused(path).contains("checksums.json is truncated or altered"))
      JFiles.writeString(file, "{}")
      assert(refused(path).contains("checksums.json does not list model.json"))
      JFiles.delete(file)
      assert(refused(path).contains("has no checksums.json"))
    }
  }

  test("another kind of folder, another format or a later version") {
    withPath { path =>
      assert(refused(path).contains("there is no model at"))
      files.save(integers, path.toString, overwrite = false)
      def swap(from: String, to: String): String = {
        val file = path.resolve("model.json")
        val before = JFiles.readString(file)
        assert(before.contains(from))
        val after = before.replace(from, to)
        JFiles.writeString(file, after)
        val sums = path.resolve("checksums.json")
        JFiles.writeString(sums, JFiles.readString(sums).replace(sha256(before), sha256(after)))
        try refused(path)
        finally {
          JFiles.writeString(file, before)
          JFiles.writeString(sums, JFiles.readString(sums).replace(sha256(after), sha256(before)))
        }
      }
      assert(swap("mllib_py ALS", "other").endsWith("is not a model saved by mllib_py"))
      assert(
        swap("\"version\" : 2", "\"version\" : 3").endsWith(
          "has format version 3; this mllib_py reads versions 1 and 2"
        )
      )
      same(files.load(path.toString), integers)
    }
  }

  private def sha256(text: String): String =
    java.security.MessageDigest
      .getInstance("SHA-256")
      .digest(text.getBytes(UTF_8))
      .map(b => f"$b%02x")
      .mkString

  test("a save that fails leaves what was there, and nothing else") {
    withPath { path =>
      files.save(integers, path.toString, overwrite = false)
      val broken =
        new AlsModel(integers.params, integers.users, integers.items, null, integers.facts)
      intercept[NullPointerException](files.save(broken, path.toString, overwrite = true))
      same(files.load(path.toString), integers)
      assert(names(path.getParent) == Set("model"))
    }
  }
}
