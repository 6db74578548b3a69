package mllibpy.kernel

import org.scalatest.funsuite.AnyFunSuite

import scala.util.Random

class CoordinateDescentSuite extends AnyFunSuite {
  private final class Problem(seed: Int, val rank: Int, rows: Int) {
    private val random = new Random(seed)
    private val y = Dense.factors(random, rows, rank)
    private val stride = Stride.of(rank)
    val a = new Array[Float](stride * stride)
    PlainArithmetic.symmetricUpdate(a, stride, y, 0, rows, add = false)
    for (i <- 0 until rank) a(i * stride + i) += 0.1f * rows
    val b: Array[Float] =
      Array.tabulate(stride)(i => if (i < rank) random.nextGaussian().toFloat * rows else 0f)
    val start: Array[Float] =
      Array.tabulate(stride)(i => if (i < rank) random.nextGaussian().toFloat else 0f)
    val full: Dense.Matrix =
      Array.tabulate(rank, rank)((i, j) => a(Math.min(i, j) * stride + Math.max(i, j)).toDouble)

    def value(x: Array[Double]): Double =
      Dense.dot(x, Dense.times(full, x)) - 2 * Dense.dot(x, b.take(rank).map(_.toDouble))

    def minimise(x: Array[Float]): Double = new CoordinateDescent(rank).minimise(a, stride, b, x)

    /** The best over all sets of coordinates that may be above zero. */
    def bruteForce: Double =
      (0 until 1 << rank).map { set =>
        val free = (0 until rank).filter(i => (set & (1 << i)) != 0).toArray
        val x = new Array[Double](rank)
        if (free.nonEmpty) {
          val part = Dense.solve(free.map(i => free.map(j => full(i)(j))), free.map(b(_).toDouble))
          for ((i, v) <- free.zip(part)) x(i) = v
        }
        if (x.forall(_ >= 0)) value(x) else Double.PositiveInfinity
      }.min
  }

  private def doubles(x: Array[Float], rank: Int) = x.take(rank).map(_.toDouble)

  test("the minimum over all sets of active coordinates, from anywhere") {
    for (rank <- 1 to 6; seed <- 0 until 20; fromZero <- Seq(true, false)) {
      val p = new Problem(seed, rank, rows = 2 * rank)
      val x = if (fromZero) new Array[Float](p.start.length) else p.start.clone
      val found = p.minimise(x)
      assert(x.forall(_ >= 0))
      assert(x.drop(rank).forall(_ == 0))
      val best = p.bruteForce
      assert(Math.abs(found - best) <= 1e-4 * (1 + Math.abs(best)), s"rank $rank, seed $seed")
      assert(
        Math.abs(p.value(doubles(x, rank)) - found) <= 1e-4 * (1 + Math.abs(best)),
        s"rank $rank, seed $seed"
      )
    }
  }

  test("never above where it started, and no further once it is there") {
    for (rank <- Seq(3, 20, 50); seed <- 0 until 5) {
      val p = new Problem(seed, rank, rows = 2 * rank)
      val x = p.start.clone
      val first = p.minimise(x)
      val clipped = doubles(p.start, rank).map(Math.max(0.0, _))
      assert(first <= p.value(clipped) + 1e-5 * Math.abs(first))
      val again = x.clone
      assert(p.minimise(again) <= first + 1e-5 * Math.abs(first))
      for (i <- 0 until rank) assert(Math.abs(again(i) - x(i)) <= 1e-3 * x.max)
    }
  }

  test("few rows for many factors, without a ridge: settled and finite") {
    val rank = 20
    val a = new Array[Float](Stride.of(rank) * Stride.of(rank))
    PlainArithmetic.symmetricUpdate(
      a,
      Stride.of(rank),
      Dense.factors(new Random(1), 3, rank),
      0,
      3,
      add = false
    )
    val b = Array.fill(Stride.of(rank))(1f)
    for (j <- rank until b.length) b(j) = 0
    val x = new Array[Float](b.length)
    assert(
      java.lang.Double.isFinite(new CoordinateDescent(rank).minimise(a, Stride.of(rank), b, x))
    )
    assert(x.forall(v => v >= 0 && java.lang.Float.isFinite(v)))
  }

  test("a coordinate without curvature stays") {
    val a = new Array[Float](256)
    a(0) = 2
    val x = new Array[Float](16)
    x(1) = 3
    assert(new CoordinateDescent(2).minimise(a, 16, Array(4f, 0f) ++ new Array[Float](14), x) == -8)
    assert(x.take(2).toSeq == Seq(2f, 3f))
  }
}
