package mllibpy.kernel

import org.scalatest.funsuite.AnyFunSuite

import scala.util.Random

/** Every way to solve a row, and every option of the objective, against the objective written out
  * in float64.
  */
class MethodSuite extends AnyFunSuite {
  private val rank = 20
  private val stride = Stride.of(rank)
  private val base =
    Objective(implicitFeedback = false, alpha = 2f, reg = 0.1f, nonnegative = false)
  private val objectives = for {
    o <- Seq(
      base,
      base.copy(implicitFeedback = true),
      base.copy(implicitFeedback = true, unobservedWeight = Some(0.3f))
    )
    biases <- Seq(false, true)
    exponent <- Seq(1.0, 0.5)
  } yield o.copy(
    biases = biases,
    mean = if (biases && !o.implicitFeedback) 2.5f else 0f,
    regExponent = exponent,
    regUnobserved = if (exponent == 1) 0 else 0.2
  )
  private val items = 60

  private def problem(seed: Int, weighted: Boolean = false): (Array[Float], Csr) = {
    val random = new Random(seed)
    val fixed = new Array[Float](items * stride)
    for (r <- 0 until items; j <- 0 until rank)
      fixed(r * stride + j) = (random.nextGaussian() / 3).toFloat
    val lengths = Seq(0, 1, 3, 7, 30, 60)
    val start = lengths.scanLeft(0)(_ + _).toArray
    val columns = lengths.flatMap(n => random.shuffle((0 until items).toVector).take(n).sorted)
    val values = columns.map(_ => (random.nextInt(6) - 1).toFloat)
    val weights =
      if (weighted) columns.map(i => Seq(0f, 0.3f, 1f, 2.5f)(i % 4)).toArray else null
    (fixed, new Csr(start, columns.toArray, values.toArray, weights))
  }

  /** The row's part of the objective, from the definitions in [[Objective]]. */
  private def value(
      o: Objective,
      rows: Csr,
      row: Int,
      fixed: Array[Float],
      x: Array[Double],
      side: Int
  ): Double = {
    def score(item: Int) = (0 until rank).map(j => x(j) * fixed(item * stride + j)).sum
    val weights = Array.fill(rows.size)(1f)
    if (rows.weighted) rows.readWeights(0, rows.size, weights)
    val seen = (rows.start(row) until rows.start(row + 1)).map(e =>
      (rows.columns(e), rows.values(e), weights(e).toDouble)
    )
    val loss =
      if (!o.implicitFeedback)
        seen.map { case (i, r, w) => w * Math.pow(r - o.mean - score(i), 2) }.sum
      else {
        val all = (0 until items).map(i => score(i) * score(i)).sum
        o.unobservedWeight match {
          case Some(light) =>
            light * all + seen.map { case (i, r, w) =>
              w * Math.pow((if (r > 0) 1 else 0) - score(i), 2)
            }.sum
          case None =>
            all + seen.map { case (i, r, w) =>
              (1 + w * o.alpha * Math.abs(r)) * Math.pow((if (r > 0) 1 else 0) - score(i), 2) -
                score(i) * score(i)
            }.sum
        }
      }
    val n = seen.count { case (_, r, _) => !o.implicitFeedback || r > 0 }
    val ridge = o.reg * Math.pow(n + o.regUnobserved * items, o.regExponent)
    val pinned = o.pinned(side, rank)
    loss + ridge * (0 until rank).filter(_ != pinned).map(j => x(j) * x(j)).sum
  }

  private def weightsOf(rows: Csr): Array[Float] =
    if (!rows.weighted) null
    else {
      val out = new Array[Float](rows.size)
      rows.readWeights(0, rows.size, out)
      out
    }

  private def packedOf(rows: Csr): PackedCsr =
    PackedCsr.of(rows.start, rows.columns, rows.values, rows.size, weightsOf(rows))

  private def solve(
      o: Objective,
      method: Method,
      rows: SparseRows,
      fixed: Array[Float],
      side: Int,
      current: Array[Float],
      arithmetic: Arithmetic = Arithmetic.best
  ): (Array[Float], HalfStepSums) = {
    val gramian =
      if (!o.implicitFeedback) null
      else GramianTree.total(GramianTree.nodes(fixed, rank, 1, 0, Array(0, items)), rank)
    val out = new Array[Float](rows.rows * stride)
    val sums = new RowSolver(rank, o, method, side, items.toLong, arithmetic)
      .solve(rows, 0, rows.rows, fixed, gramian, current, out)
    (out, sums)
  }

  private def total(o: Objective, rows: Csr, fixed: Array[Float], x: Array[Float], side: Int) =
    (0 until rows.rows)
      .map(r =>
        value(o, rows, r, fixed, x.slice(r * stride, r * stride + rank).map(_.toDouble), side)
      )
      .sum

  private def name(o: Objective, m: Method, side: Int) = s"$m, side $side, $o"

  for (side <- Seq(0, 1))
    test(s"the factors that Cholesky finds are a minimum, side $side") {
      for ((o, i) <- objectives.zipWithIndex; weighted <- Seq(false, true)) {
        val (fixed, rows) = problem(i, weighted)
        val (x, sums) = solve(o, Method.Cholesky, rows, fixed, side, null)
        val best = total(o, rows, fixed, x, side)
        assert(
          Math.abs(sums.loss + sums.penalty - best) <= 1e-4 * Math.abs(best),
          name(o, Method.Cholesky, side)
        )
        val random = new Random(i)
        val pinned = o.pinned(side, rank)
        for (_ <- 0 until 20) {
          val moved = x.clone
          for (r <- 0 until rows.rows; j <- 0 until rank if j != pinned)
            moved(r * stride + j) += (random.nextGaussian() * 0.01).toFloat
          assert(total(o, rows, fixed, moved, side) >= best - 1e-5 * Math.abs(best))
        }
        if (pinned >= 0) for (r <- 0 until rows.rows) assert(x(r * stride + pinned) == 1f)
      }
    }

  for (
    method <- Seq(
      Method.ConjugateGradient(200),
      Method.ByDegree(1),
      Method.Blocks(16),
      Method.Blocks(32)
    )
  )
    test(s"$method, repeated, ends where Cholesky does") {
      for (
        (o, i) <- objectives.zipWithIndex; weighted <- Seq(false, true); side <- Seq(0, 1);
        a <- Seq(PlainArithmetic, Arithmetic.best)
      ) {
        val (fixed, rows) = problem(i, weighted)
        val (exact, _) = solve(o, Method.Cholesky, rows, fixed, side, null)
        var x: Array[Float] = null
        for (_ <- 0 until 300) x = solve(o, method, rows, fixed, side, x, a)._1
        val (found, best) = (total(o, rows, fixed, x, side), total(o, rows, fixed, exact, side))
        assert(Math.abs(found - best) <= 2e-4 * Math.abs(best), name(o, method, side))
      }
    }

  for (
    method <- Seq(
      Method.ConjugateGradient(1),
      Method.ConjugateGradient(3),
      Method.ByDegree(1),
      Method.Blocks(16)
    )
  )
    test(s"$method never makes the objective worse, and says what it is") {
      for ((o, i) <- objectives.zipWithIndex; weighted <- Seq(false, true); side <- Seq(0, 1)) {
        val (fixed, rows) = problem(i, weighted)
        var x: Array[Float] = null
        var before = Double.MaxValue
        for (_ <- 0 until 5) {
          val (next, sums) = solve(o, method, rows, fixed, side, x)
          val now = total(o, rows, fixed, next, side)
          assert(
            Math.abs(sums.loss + sums.penalty - now) <= 1e-4 * Math.abs(now),
            name(o, method, side)
          )
          assert(now <= before + 1e-5 * Math.abs(now), name(o, method, side))
          x = next
          before = now
        }
      }
    }

  test("packed rows are solved as plain ones are") {
    for (
      (o, i) <- objectives.zipWithIndex; weighted <- Seq(false, true);
      m <- Seq(Method.Cholesky, Method.ConjugateGradient(3))
    ) {
      val (fixed, rows) = problem(i, weighted)
      val packed = packedOf(rows)
      assert(
        solve(o, m, packed, fixed, 0, null)._1.sameElements(solve(o, m, rows, fixed, 0, null)._1)
      )
    }
  }

  private val methods =
    Seq(Method.Cholesky, Method.ConjugateGradient(3), Method.ByDegree(1), Method.Blocks(16))

  test("weights of 1 change nothing, to the last bit") {
    for (
      (o, i) <- objectives.zipWithIndex; m <- methods; n <- Seq(false, true) if !(n && o.biases)
    ) {
      val (fixed, rows) = problem(i)
      val ones = new Csr(rows.start, rows.columns, rows.values, Array.fill(rows.size)(1f))
      val constrained = o.copy(nonnegative = n)
      val (a, b) = (
        solve(constrained, m, rows, fixed, 0, null),
        solve(constrained, m, packedOf(ones), fixed, 0, null)
      )
      assert(a._1.sameElements(b._1), name(o, m, 0))
      assert(a._2.loss == b._2.loss && a._2.penalty == b._2.penalty)
    }
  }

  test("a rating of weight 2 is the rating twice, one of weight 0 none, but for the ridge") {
    for (
      (o, i) <- objectives.zipWithIndex if !o.implicitFeedback || o.unobservedWeight.nonEmpty;
      m <- methods; n <- Seq(false, true) if !(n && o.biases)
    ) {
      val constant = o.copy(regExponent = 0, nonnegative = n)
      val (fixed, rows) = problem(i)
      val times = rows.columns.map(_ % 3)
      val weighted = new Csr(rows.start, rows.columns, rows.values, times.map(_.toFloat))
      val entries = rows.columns.indices.flatMap(e => Seq.fill(times(e))(e)).toArray
      val start = rows.start.map(s => times.take(s).sum)
      val repeated = new Csr(start, entries.map(rows.columns), entries.map(rows.values))
      val (a, b) = (
        solve(constant, m, weighted, fixed, 1, null)._1,
        solve(constant, m, repeated, fixed, 1, null)._1
      )
      val off = a.zip(b).map { case (x, y) => Math.abs(x - y) }.max
      assert(off < 2e-3, s"$off: ${name(constant, m, 1)}")
    }
  }

  test("by confidence, a rating of weight 2 is a rating twice as large") {
    val o = base.copy(implicitFeedback = true)
    for (m <- methods; n <- Seq(false, true)) {
      val (fixed, rows) = problem(3)
      val twice = new Csr(rows.start, rows.columns, rows.values.map(_ * 2))
      val weighted = new Csr(rows.start, rows.columns, rows.values, Array.fill(rows.size)(2f))
      val c = o.copy(nonnegative = n)
      assert(
        solve(c, m, weighted, fixed, 0, null)._1.sameElements(solve(c, m, twice, fixed, 0, null)._1)
      )
    }
  }

  test("a solver of weighted rows solves others as if it had never seen weights") {
    for (o <- Seq(base, base.copy(implicitFeedback = true, unobservedWeight = Some(0.3f)))) {
      val (fixed, rows) = problem(2)
      val (_, weighted) = problem(2, weighted = true)
      val gramian = if (o.implicitFeedback) new Array[Float](stride * stride) else null
      val solver = new RowSolver(rank, o, others = items.toLong)
      def run(some: SparseRows) = {
        val out = new Array[Float](rows.rows * stride)
        solver.solve(some, 0, rows.rows, fixed, gramian, null, out)
        out.toSeq
      }
      val before = run(rows)
      assert(run(weighted) != before && run(rows) == before)
    }
  }
}
