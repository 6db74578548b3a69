package mllibpy.algorithm.als

import mllibpy.engine.{Buckets, SparseBlock}
import mllibpy.kernel.{PackedCsr, GramianTree, Objective, Stride}
import org.scalatest.funsuite.AnyFunSuite

class BlockStepSuite extends AnyFunSuite {
  private def plain(start: Array[Int], columns: Array[Int], values: Array[Float]) =
    PackedCsr.of(start, columns, values, columns.length)

  // Two rows: two ratings above 0 and one not, then one above 0.
  private val block = new SparseBlock(
    0,
    Array(5L, 9L),
    Array(1L, 2L, 3L),
    plain(Array(0, 3, 4), Array(0, 1, 2, 1), Array(3f, -1f, 2f, 5f)),
    Array(0, 2)
  )
  private def step(implicitly: Boolean, nonnegative: Boolean = false) =
    new BlockStep(
      Plan(4, Objective(implicitly, 1f, 0.5f, nonnegative), seed = 3),
      Side.map(_ => Buckets(1, 1)),
      users = 2,
      items = 3
    )

  test("the penalty of initial factors, which have length one: reg times the ratings that count") {
    for ((implicitly, counted) <- Seq(false -> 4, true -> 3)) {
      val start = step(implicitly).initial(Side.User, block)
      assert(Math.abs(start.sums.penalty - 0.5 * counted) < 1e-6 && start.sums.loss == 0)
      assert(start.number == 0 && start.factors.rows == 2)
    }
  }

  test("the sides start apart; nonnegative factors start so") {
    val user = step(false).initial(Side.User, block).factors.padded.toSeq
    assert(user != step(false).initial(Side.Item, block).factors.padded.toSeq)
    assert(
      user.exists(_ < 0) && !step(false, nonnegative = true)
        .initial(Side.User, block)
        .factors
        .padded
        .exists(_ < 0)
    )
  }

  test("implicit feedback brings the Gramian of what was solved; explicit none") {
    val fixed = Stride.pad(Array.tabulate(12)(i => (i % 5).toFloat), 4)
    val gramian = GramianTree.total(GramianTree.nodes(fixed, 4, 1, 0, Array(0, 3)), 4)
    val solved = step(true).solve(Side.User, block, fixed, gramian, null)
    val x = solved.factors.padded
    val found = step(true).gramian(solved.gramian)
    for (i <- 0 until 4; j <- 0 until 4)
      assert(Math.abs(found(i * 16 + j) - (x(i) * x(j) + x(16 + i) * x(16 + j))) < 1e-5)
    assert(step(false).solve(Side.User, block, fixed, null, null).gramian.isEmpty)
    assert(step(false).gramian(Nil) == null)
  }
}
