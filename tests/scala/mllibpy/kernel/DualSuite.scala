package mllibpy.kernel

import org.scalatest.funsuite.AnyFunSuite

class DualSuite extends AnyFunSuite {
  private val random = new java.util.Random(7)
  private def draw(n: Int): Array[Float] = Array.fill(n)(random.nextFloat() - 0.5f)

  private def row(n: Int, of: Int): RowRatings = {
    val out = new RowRatings(Objective(implicitFeedback = false, 1f, 0.1f, nonnegative = false))
    out.load(new Csr(Array(0, n), Array.fill(n)(random.nextInt(of)), draw(n)), 0)
    out
  }

  for (rank <- Seq(20, 32, 64, 100); pinned <- Seq(-1, rank - 1))
    test(s"rank $rank, pinned $pinned: the minimum and its place are those of the k equations") {
      val stride = Stride.of(rank)
      val fixed = Stride.pad(draw(50 * rank), rank)
      val around = new Surroundings(fixed, null, pinned)
      for (n <- Seq(1, 2, 15, 16, 17, Dual.most(rank)) if n <= Dual.most(rank)) {
        val ratings = row(n, 50)
        val (x, y) = (new Array[Float](stride), new Array[Float](stride))
        if (pinned >= 0) y(pinned) = 1f
        val dual =
          new Dual(rank, Arithmetic.best, Dual.most(rank)).solve(ratings, around, 0.3f, x)
        val primal = new Exact(rank, false, Arithmetic.best).solve(ratings, around, 0.3f, y)
        assert(Math.abs(dual - primal) < 1e-4 * (1 + Math.abs(primal)), s"n $n")
        for (j <- 0 until stride) assert(Math.abs(x(j) - y(j)) < 2e-3, s"n $n, factor $j")
      }
    }

  test("a singular system is left to others: the same row twice and no ridge") {
    val fixed = Array.fill(32)(1f)
    val ratings = new RowRatings(Objective(implicitFeedback = false, 1f, 0f, nonnegative = false))
    ratings.load(new Csr(Array(0, 2), Array(0, 0), Array(1f, 2f)), 0)
    val x = Array.fill(32)(5f)
    val value = new Dual(32, Arithmetic.best, 8)
      .solve(ratings, new Surroundings(fixed, null, -1), 0f, x)
    assert(value.isNaN && x.forall(_ == 5f))
  }

  test("it pays where the system is smaller in whole vectors") {
    assert(Dual.most(10) == 0 && Dual.most(16) == 0)
    assert(Dual.most(32) == 16 && Dual.most(64) == 48 && Dual.most(100) == 75)
  }
}
