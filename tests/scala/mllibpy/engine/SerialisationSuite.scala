package mllibpy.engine

import mllibpy.kernel.{PackedCsr, RowSums, Stride}
import org.apache.spark.SparkConf
import org.apache.spark.serializer.{JavaSerializer, KryoSerializer, SerializerInstance}
import org.scalatest.funsuite.AnyFunSuite

import java.io.{ByteArrayInputStream, ByteArrayOutputStream, ObjectInputStream, ObjectOutputStream}
import scala.reflect.ClassTag

/** What travels arrives as it was, by both of Spark's serialisers. */
class SerialisationSuite extends AnyFunSuite {
  private def plain(start: Array[Int], columns: Array[Int], values: Array[Float]) =
    PackedCsr.of(start, columns, values, columns.length)

  private val serialisers: Seq[(String, SerializerInstance)] = Seq(
    "Java" -> new JavaSerializer(new SparkConf).newInstance(),
    "Kryo" -> new KryoSerializer(new SparkConf).newInstance()
  )

  private def trip[T: ClassTag](s: SerializerInstance, value: T): T =
    s.deserialize[T](s.serialize(value))

  for ((name, s) <- serialisers) {
    test(s"$name: triples, with and without times") {
      for (times <- Seq(Array(7L, -1L), null)) {
        val back = trip(
          s,
          new Triples(Array(1L, Long.MinValue), Array(3L, -4L), Array(5f, Float.NaN), times)
        )
        assert(back.rows.toSeq == Seq(1L, Long.MinValue) && back.columns.toSeq == Seq(3L, -4L))
        assert(back.values(0) == 5f && back.values(1).isNaN)
        assert(if (times == null) back.times == null else back.times.toSeq == times.toSeq)
        assert(back.weights == null)
        val heavy = trip(s, new Triples(Array(1L), Array(2L), Array(3f), times, Array(4f)))
        assert(heavy.weights.toSeq == Seq(4f) && (heavy.times == null) == (times == null))
      }
      assert(trip(s, new Triples(Array(), Array(), Array(), null)).size == 0)
    }

    test(s"$name: parts of equations, longer than a step, written once") {
      val numbers = Array.tabulate(5 * 4000)(_ * 0.5f)
      val sums = new RowSums(2, numbers, Array.fill(4000)(1.5), Array.range(0, 4000))
      val sent = new PartialRows(Array.range(7, 4007), sums)
      val back = trip(s, sent)
      assert(back.places.toSeq == (7 until 4007) && back.sums.rank == 2)
      assert(back.sums.numbers.toSeq == numbers.toSeq && back.sums.counts.toSeq == (0 until 4000))
      assert(back.sums.constants.forall(_ == 1.5))
      // Kryo keeps nothing of what it wrote.
      assert(name == "Kryo" || sent.sums == null)
    }

    test(s"$name: a block") {
      val csr = plain(Array(0, 2, 3), Array(0, 1, 1), Array(1f, 2f, 3f))
      val b = trip(s, new SparseBlock(4, Array(10L, 20L), Array(30L, 40L), csr, Array(0, 1, 2)))
      assert(
        b.number == 4 && b.rowKeys.toSeq == Seq(10L, 20L) && b.columnKeys.toSeq == Seq(30L, 40L)
      )
      assert(b.csr.start.toSeq == Seq(0, 2, 3) && b.csr.columns.toSeq == Seq(0, 1, 1))
      assert(b.csr.values.toSeq == Seq(1f, 2f, 3f) && b.bucketStart.toSeq == Seq(0, 1, 2))
      assert(!b.csr.weighted)
    }

    test(s"$name: a block with weights, few or many distinct ones") {
      for (n <- Seq(3, 1000)) {
        val (columns, weights) = (Array.range(0, n), Array.tabulate(n)(_ / 2f))
        val csr = PackedCsr.of(Array(0, n), columns, Array.fill(n)(5f), n, weights)
        val keys = Array.tabulate(n)(_.toLong)
        val b = trip(s, new SparseBlock(0, Array(10L), keys, csr, Array(0, 1)))
        val out = new Array[Float](n)
        b.csr.readWeights(0, n, out)
        assert(out.sameElements(weights) && b.csr.values.forall(_ == 5f))
      }
    }

    test(s"$name: rows of factors, padded again") {
      for (rank <- Seq(1, 10, 16, 17)) {
        val padded = Stride.pad(Array.tabulate(3 * rank)(_.toFloat), rank)
        val back = trip(s, new FloatRows(rank, padded))
        assert(back.rank == rank && back.rows == 3 && back.padded.toSeq == padded.toSeq)
      }
    }

    test(s"$name: a tile") {
      val back = trip(s, new Tile(1L << 40, 2, 3, Array(1f, 2f, 3f, 4f, 5f, 6f)))
      assert((back.first, back.rows, back.columns) == ((1L << 40, 2, 3)))
      assert(back.values.toSeq == Seq(1f, 2f, 3f, 4f, 5f, 6f))
    }

    test(s"$name: the same rows twice in one stream are written once") {
      val rows = new FloatRows(2, Stride.pad(Array.fill(2000)(1f), 2))
      val back = trip(s, Array(rows, rows))
      assert(back(0) eq back(1))
    }
  }

  test("Java: rows of factors travel without their padding") {
    val bytes = new ByteArrayOutputStream
    val out = new ObjectOutputStream(bytes)
    out.writeObject(new FloatRows(1, Stride.pad(Array.fill(1000)(1f), 1)))
    out.close()
    assert(bytes.size < 4500)
    val in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray))
    assert(in.readObject().asInstanceOf[FloatRows].rows == 1000)
  }

  test("rows are picked and strung together") {
    val rows = Stride.pad(Array(1f, 2f, 3f, 4f, 5f, 6f), 2)
    assert(
      Stride.pack(FloatRows.pick(rows, 2, Array(2, 0, 2)), 2).toSeq == Seq(5f, 6f, 1f, 2f, 5f, 6f)
    )
    assert(FloatRows.pick(rows, 2, Array()).isEmpty)
    assert(FloatRows.concat(Seq(Array(1f), Array(), Array(2f, 3f))).toSeq == Seq(1f, 2f, 3f))
    assert(FloatRows.concat(Nil).isEmpty)
  }
}
