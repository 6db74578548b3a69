package mllibpy.kernel

import org.scalatest.funsuite.AnyFunSuite

import scala.util.Random

/** Rows of one half-step that are solved in two ways. */
class ByDegreeSuite extends AnyFunSuite {
  private val method = Method.ByDegree(3)
  private val steps = Method.ConjugateGradient(3)
  private val explicitly =
    Objective(implicitFeedback = false, alpha = 1f, reg = 0.1f, nonnegative = false)
  private val lengths = Seq(1, 4, 30, 90, 200, 600)
  private val items = 600

  private def problem(rank: Int): (Array[Float], Csr, Array[Float]) = {
    val random = new Random(rank)
    val stride = Stride.of(rank)
    def drawn(rows: Int) = Array.tabulate(rows * stride)(j =>
      if (j % stride < rank) (random.nextGaussian() / 5).toFloat else 0f
    )
    val start = lengths.scanLeft(0)(_ + _).toArray
    val columns = lengths.flatMap(n => random.shuffle((0 until items).toVector).take(n).sorted)
    val values = columns.map(_ => random.nextInt(5).toFloat)
    (drawn(items), new Csr(start, columns.toArray, values.toArray), drawn(lengths.length))
  }

  private def solve(o: Objective, rank: Int, m: Method): Seq[Array[Float]] = {
    val (fixed, rows, current) = problem(rank)
    val gramian =
      if (!o.implicitFeedback) null
      else GramianTree.total(GramianTree.nodes(fixed, rank, 1, 0, Array(0, items)), rank)
    val out = new Array[Float](current.length)
    new RowSolver(rank, o, m, 0, items.toLong)
      .solve(rows, 0, rows.rows, fixed, gramian, current, out)
    out.grouped(Stride.of(rank)).toSeq
  }

  for (implicitly <- Seq(false, true); rank <- Seq(64, 128, 200))
    test(s"each row is solved as its degree asks, rank $rank, implicit $implicitly") {
      val o = explicitly.copy(implicitFeedback = implicitly)
      val (found, exact, stepped) =
        (solve(o, rank, method), solve(o, rank, Method.Cholesky), solve(o, rank, steps))
      for ((n, r) <- lengths.zipWithIndex) {
        val dual = !implicitly && n <= Dual.most(rank)
        val by = if (method.prefersSteps(n, rank, implicitly, dual)) stepped else exact
        assert(found(r).sameElements(by(r)), s"$n ratings")
      }
    }

  test("steps are for high ranks, and for explicit ratings where equations are not few") {
    def prefers(n: Int, rank: Int, implicitly: Boolean) =
      method.prefersSteps(n, rank, implicitly, !implicitly && n <= Dual.most(rank))
    assert(!prefers(600, 32, implicitly = true) && !prefers(600, 32, implicitly = false))
    assert(lengths.forall(prefers(_, 256, implicitly = true)))
    assert(!prefers(4, 256, implicitly = false) && prefers(600, 256, implicitly = false))
  }

  test("steps of conjugate gradients are named by auto from rank 96 up") {
    def auto(rank: Int) = Method.named("auto", rank, 3, 64)
    assert(auto(95) == Method.Cholesky && auto(96) == method)
  }

  test("the estimates are those of the arithmetic") {
    assert(RowCost.dual(10, 128) == RowCost.exact(128, 10))
    assert(RowCost.steps(10, 128, 3, gramian = true) == 4 * (4 * 10 * 128 + 2 * 128 * 128) / 20.0)
    val more = RowCost.exact(20, 128) - RowCost.exact(10, 128)
    assert(Math.abs(more - 10 * 128 * 129 / 95.0) < 1e-9)
  }
}
