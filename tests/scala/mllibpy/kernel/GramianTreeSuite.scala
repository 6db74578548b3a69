package mllibpy.kernel

import org.scalacheck.Gen
import org.scalatest.funsuite.AnyFunSuite
import org.scalatestplus.scalacheck.ScalaCheckPropertyChecks

import scala.util.Random

class GramianTreeSuite extends AnyFunSuite with ScalaCheckPropertyChecks {

  /** Rows of `sizes.length` buckets, summed by blocks that end at the given buckets. */
  private def total(
      rows: Array[Float],
      rank: Int,
      sizes: Seq[Int],
      cuts: Seq[Int]
  ): Array[Float] = {
    val start = sizes.scanLeft(0)(_ + _)
    val bounds = (0 +: cuts.sorted :+ sizes.length).distinct
    val nodes = bounds.zip(bounds.drop(1)).flatMap { case (first, until) =>
      val own = rows.slice(start(first) * Stride.of(rank), start(until) * Stride.of(rank))
      val starts = (first to until).map(b => start(b) - start(first)).toArray
      GramianTree.nodes(own, rank, sizes.length, first, starts)
    }
    // Parts come in any order.
    GramianTree.total(new Random(1).shuffle(nodes), rank)
  }

  private def data(seed: Long, buckets: Int, rank: Int) = {
    val random = new Random(seed)
    val sizes = Seq.fill(buckets)(if (random.nextInt(3) == 0) 0 else random.nextInt(20))
    (sizes, Dense.factors(random, sizes.sum, rank))
  }

  test("the total is Y^T Y, both triangles, whatever the buckets") {
    for (rank <- Seq(1, 5, 16, 33); buckets <- Seq(1, 2, 16, 64)) {
      val (sizes, rows) = data(rank.toLong, buckets, rank)
      val stride = Stride.of(rank)
      val sum = total(rows, rank, sizes, Nil)
      val expected = Dense.gramian(Dense.rows(rows, rank), rank)
      for (i <- 0 until stride; j <- 0 until stride) {
        val e = if (i < rank && j < rank) expected(i)(j) else 0.0
        assert(Math.abs(sum(i * stride + j) - e) <= 1e-5 * (1 + sizes.sum), s"rank $rank: $i, $j")
        assert(sum(i * stride + j) == sum(j * stride + i))
      }
    }
  }

  test("bit-equal for any cut of the buckets into blocks") {
    val cuts = Gen.listOf(Gen.choose(1, 31))
    forAll(Gen.choose(0L, 1000L), cuts) { (seed: Long, at: List[Int]) =>
      val (sizes, rows) = data(seed, 32, 3)
      assert(total(rows, 3, sizes, at).toSeq == total(rows, 3, sizes, Nil).toSeq)
    }
  }

  test("bit-equal for every number of equal blocks, from one to one per bucket") {
    val (sizes, rows) = data(5, 16, 20)
    val whole = total(rows, 20, sizes, Nil).toSeq
    for (blocks <- 1 to 16)
      assert(
        total(
          rows,
          20,
          sizes,
          (1 until blocks).map(b => (b * 16 + blocks - 1) / blocks)
        ).toSeq == whole
      )
  }

  test("a bucket longer than a panel") {
    val rows = Dense.factors(new Random(3), 300, 4)
    val expected = Dense.gramian(Dense.rows(rows, 4), 4)
    val sum = total(rows, 4, Seq(300, 0), Nil)
    for (i <- 0 until 4; j <- 0 until 4)
      assert(Math.abs(sum(i * 16 + j) - expected(i)(j)) < 1e-3)
  }

  test("a block sends the largest subtrees of its run, not its buckets") {
    val rows = Dense.factors(new Random(2), 64, 2)
    def parts(first: Int, until: Int) = {
      val own = rows.slice(first * 16, until * 16)
      GramianTree
        .nodes(own, 2, 64, first, Array.range(0, until - first + 1))
        .map(n => (n.level, n.index))
    }
    assert(parts(0, 64) == Seq((0, 0)))
    assert(parts(32, 64) == Seq((1, 1)))
    assert(parts(3, 8) == Seq((6, 3), (4, 1)))
    assert(parts(1, 63).length == 10)
  }

  test("summing parts leaves them as they were") {
    val (sizes, rows) = data(1, 8, 3)
    val start = sizes.scanLeft(0)(_ + _).toArray
    val parts = Seq(0 -> 3, 3 -> 8).flatMap { case (first, until) =>
      val own = rows.slice(start(first) * 16, start(until) * 16)
      GramianTree.nodes(
        own,
        3,
        8,
        first,
        (first to until).map(b => start(b) - start(first)).toArray
      )
    }
    assert(GramianTree.total(parts, 3).toSeq == GramianTree.total(parts, 3).toSeq)
  }

  test("no rows give a zero matrix") {
    assert(total(Array(), 3, Seq.fill(8)(0), Seq(3, 5)).forall(_ == 0))
    assert(GramianTree.total(Nil, 3).toSeq == Seq.fill(256)(0f))
  }
}
