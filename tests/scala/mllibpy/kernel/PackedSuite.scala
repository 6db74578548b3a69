package mllibpy.kernel

import org.scalatest.funsuite.AnyFunSuite

class PackedSuite extends AnyFunSuite {
  private def ints(p: PackedInts, at: Int, n: Int): Seq[Int] = {
    val out = new Array[Int](n)
    p.read(at, n, out)
    out.toSeq
  }

  test("numbers take as many bytes as the largest needs, and come back") {
    for (
      (most, width) <- Seq(
        0 -> 1,
        255 -> 1,
        256 -> 2,
        65535 -> 2,
        65536 -> 3,
        (1 << 24) - 1 -> 3,
        (1 << 24) -> 4,
        Int.MaxValue -> 4
      )
    ) {
      val numbers = Array(0, most, 1, most / 2, most, 77 % (most + 1), 9)
      val packed = PackedInts.of(numbers, 6)
      assert(packed.width == width && packed.bytes.length == 6 * width)
      assert(ints(packed, 0, 6) == numbers.toSeq.take(6))
      assert(ints(packed, 2, 3) == numbers.toSeq.slice(2, 5))
    }
    assert(PackedInts.of(Array(), 0).bytes.isEmpty)
  }

  test("up to 256 distinct values are one byte each; more stay floats; both come back bit by bit") {
    for (distinct <- Seq(1, 2, 255, 256, 257, 1000)) {
      val values = Array.tabulate(2000)(i => if (i == 5) -0f else (i % distinct) * 0.5f - 3f)
      val packed = PackedFloats.of(values, 1999)
      assert(
        (packed.codes != null) == (values
          .take(1999)
          .map(java.lang.Float.floatToRawIntBits)
          .distinct
          .length <= 256)
      )
      val out = new Array[Float](1990)
      packed.read(3, 1990, out)
      assert(
        out
          .map(java.lang.Float.floatToRawIntBits)
          .sameElements(values.slice(3, 1993).map(java.lang.Float.floatToRawIntBits))
      )
    }
  }

  test("values out of several runs are joined as if packed at once") {
    def floats(p: PackedFloats) = {
      val out = new Array[Float](p.size)
      p.read(0, p.size, out)
      out.toSeq
    }
    for (distinct <- Seq(3, 250, 300, 600)) {
      // Runs of up to 300 values each: the second and the third share some.
      val runs = Seq(0 until 200, 150 until 450, 400 until 600)
        .map(_.map(i => (i % distinct) * 0.5f - 3f).toArray)
      val packed = runs.map(r => PackedFloats.of(r, r.length))
      val joiner = new PackedFloats.Joiner(packed, 700)
      val at = Seq(500, 0, 300)
      for (r <- runs.indices) joiner.copy(r, 0, at(r), runs(r).length)
      val joined = joiner.result
      assert(floats(joined) == runs(1).toSeq ++ runs(2) ++ runs(0))
      assert((joined.codes != null) == (distinct <= 256))
      if (joined.codes != null) assert(joined.dictionary.toSeq == joined.dictionary.toSeq.sorted)
      assert(floats(joined.pick(Array(699, 0, 7))) == Seq(699, 0, 7).map(floats(joined)(_)))
    }
  }

  test("numbers above 0 are counted, coded or not") {
    for (distinct <- Seq(3, 1000)) {
      val values = Array.tabulate(2000)(i => (i % distinct).toFloat)
      assert(PackedFloats.of(values, 1500).above0(1500) == values.take(1500).count(_ > 0))
    }
    val weights = Array(0f, 2f, 0f)
    def csr(w: Array[Float]) =
      PackedCsr.of(Array(0, 2, 3), Array(0, 1, 0), Array(1f, 1f, 1f), 3, w)
    assert(csr(weights).weighing == 1 && csr(null).weighing == 3)
    assert(csr(weights).bytes == csr(null).bytes + 3 + 8)
  }

  test("ratings at rest: both sides of a MovieLens-like set in no more than 10 bytes each") {
    val n = 100000
    val (users, items) = (1000, 27000)
    def side(rows: Int, columns: Int) = {
      val start = Array.tabulate(rows + 1)(r => (n.toLong * r / rows).toInt)
      val c = Array.tabulate(n)(i => if (i == 0) columns - 1 else (i * 31) % columns)
      PackedCsr.of(start, c, Array.tabulate(n)(i => (i % 10) / 2f), n).bytes
    }
    assert(side(users, items) + side(1700, 138000) <= 10L * n)
  }

  test("transposed entries are the same, by column, each column's in the order of the rows") {
    val start = Array(0, 2, 2, 4)
    for (weights <- Seq(null, Array(5f, 6f, 7f, 8f))) {
      val rows = PackedCsr.of(start, Array(0, 2, 0, 3), Array(1f, 2f, 3f, 4f), 4, weights)
      val turned = rows.transposed(5)
      assert(turned.start.toSeq == Seq(0, 2, 2, 3, 4, 4))
      assert(turned.columns.toSeq == Seq(0, 2, 0, 2) && turned.values.toSeq == Seq(1f, 3f, 2f, 4f))
      assert(turned.weighted == (weights != null))
      if (weights != null) assert(turned.weights.toSeq == Seq(5f, 7f, 6f, 8f))
      val back = turned.transposed(3)
      assert(back.start.toSeq == start.toSeq && back.columns.toSeq == rows.columns.toSeq)
    }
  }
}
