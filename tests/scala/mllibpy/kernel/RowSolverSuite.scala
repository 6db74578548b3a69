package mllibpy.kernel

import org.scalatest.funsuite.AnyFunSuite

import scala.util.Random

/** The half-step against normal equations written out and solved in float64. */
class RowSolverSuite extends AnyFunSuite {
  private val explicitly =
    Objective(implicitFeedback = false, alpha = 1f, reg = 0.1f, nonnegative = false)
  private val implicitly_ =
    Objective(implicitFeedback = true, alpha = 2f, reg = 0.1f, nonnegative = false)
  private val both = Seq(PlainArithmetic, Arithmetic.best).distinct
  private val objectives =
    for (o <- Seq(explicitly, implicitly_); n <- Seq(false, true)) yield o.copy(nonnegative = n)

  /** Rows of the given lengths; columns distinct where there are enough. */
  private def csr(random: Random, columns: Int, lengths: Seq[Int], values: => Float): Csr = {
    val rows = lengths.map { n =>
      val all = random.shuffle((0 until columns).toVector)
      Seq.tabulate(n)(i => all(i % columns)).sorted
    }
    val start = lengths.scanLeft(0)(_ + _).toArray
    new Csr(start, rows.flatten.toArray, Array.fill(start.last)(values))
  }

  private def gramianOf(o: Objective, fixed: Array[Float], rank: Int): Array[Float] =
    if (!o.implicitFeedback) null
    else
      GramianTree.total(
        GramianTree.nodes(fixed, rank, 1, 0, Array(0, fixed.length / Stride.of(rank))),
        rank
      )

  private def solve(
      o: Objective,
      rank: Int,
      rows: Csr,
      fixed: Array[Float],
      arithmetic: Arithmetic = Arithmetic.best,
      current: Array[Float] = null
  ): (Array[Float], HalfStepSums) = {
    val out = new Array[Float](rows.rows * Stride.of(rank))
    val sums = new RowSolver(rank, o, arithmetic = arithmetic)
      .solve(rows, 0, rows.rows, fixed, gramianOf(o, fixed, rank), current, out)
    (out, sums)
  }

  /** Loss and penalty of a row, straight from the definition in [[Objective]]. */
  private def objective(
      o: Objective,
      rows: Csr,
      row: Int,
      fixed: Dense.Matrix,
      x: Array[Double]
  ): (Double, Double) = {
    val entries = (rows.start(row) until rows.start(row + 1)).map(e =>
      (rows.columns(e), rows.values(e).toDouble)
    )
    val squares = Dense.dot(x, x)
    if (!o.implicitFeedback)
      (
        entries.map { case (c, r) => Math.pow(r - Dense.dot(x, fixed(c)), 2) }.sum,
        o.reg.toDouble * entries.length * squares
      )
    else {
      val background = fixed.map(y => Math.pow(Dense.dot(x, y), 2)).sum
      val seen = entries.map { case (c, r) =>
        val p = if (r > 0) 1.0 else 0.0
        val score = Dense.dot(x, fixed(c))
        (1 + o.alpha * Math.abs(r)) * Math.pow(p - score, 2) - score * score
      }
      (background + seen.sum, o.reg.toDouble * entries.count(_._2 > 0) * squares)
    }
  }

  /** A row's normal equations, straight from the gradient of that definition. */
  private def normal(
      o: Objective,
      rows: Csr,
      row: Int,
      fixed: Dense.Matrix,
      rank: Int
  ): (Dense.Matrix, Array[Double]) = {
    val a = if (o.implicitFeedback) Dense.gramian(fixed, rank) else Array.ofDim[Double](rank, rank)
    val b = new Array[Double](rank)
    var n = 0
    for (e <- rows.start(row) until rows.start(row + 1)) {
      val y = fixed(rows.columns(e))
      val r = rows.values(e).toDouble
      val weight = if (o.implicitFeedback) o.alpha * Math.abs(r) else 1.0
      val target = if (!o.implicitFeedback) r else if (r > 0) 1 + o.alpha * Math.abs(r) else 0.0
      for (i <- 0 until rank) {
        b(i) += target * y(i)
        for (j <- 0 until rank) a(i)(j) += weight * y(i) * y(j)
      }
      if (!o.implicitFeedback || r > 0) n += 1
    }
    for (i <- 0 until rank) a(i)(i) += o.reg.toDouble * n
    (a, b)
  }

  private def row(out: Array[Float], r: Int, rank: Int): Array[Double] =
    out.slice(r * Stride.of(rank), r * Stride.of(rank) + rank).map(_.toDouble)

  test("one factor, by hand") {
    // Ratings 4 and 2 of items 1 and 3: x = (4 + 6) / (1 + 9 + 2 * 0.5).
    val fixed = Stride.pad(Array(1f, 3f), 1)
    val rows = new Csr(Array(0, 2), Array(0, 1), Array(4f, 2f))
    val (x, sums) = solve(explicitly.copy(reg = 0.5f), 1, rows, fixed)
    assert(Math.abs(x(0) - 10.0 / 11) < 1e-6)
    assert(x.drop(1).forall(_ == 0))
    assert(Math.abs(sums.penalty - 100.0 / 121) < 1e-6)
    assert(Math.abs(sums.loss - (Math.pow(4 - 10.0 / 11, 2) + Math.pow(2 - 30.0 / 11, 2))) < 1e-5)
  }

  test("two factors, by hand: unit items give shrunk ratings") {
    val fixed = Stride.pad(Array(1f, 0f, 0f, 1f), 2)
    val rows = new Csr(Array(0, 2, 3), Array(0, 1, 1), Array(3f, 5f, 4f))
    val (x, _) = solve(explicitly.copy(reg = 0.25f), 2, rows, fixed)
    // Two ratings: divided by 1 + 2 * 0.25. One: by 1 + 0.25.
    assert(row(x, 0, 2).zip(Seq(2.0, 10.0 / 3)).forall { case (a, b) => Math.abs(a - b) < 1e-6 })
    assert(row(x, 1, 2).zip(Seq(0.0, 3.2)).forall { case (a, b) => Math.abs(a - b) < 1e-6 })
  }

  test("implicit, one factor, by hand") {
    // Items 1 and 2; the first was played 3 times: G = 5, weight 2 * 3 = 6, target 7.
    val fixed = Stride.pad(Array(1f, 2f), 1)
    val rows = new Csr(Array(0, 1), Array(0), Array(3f))
    val (x, sums) = solve(implicitly_, 1, rows, fixed)
    val exact = 7 / (5 + 6 + 0.1)
    assert(Math.abs(x(0) - exact) < 1e-6)
    assert(Math.abs(sums.loss - (7 * Math.pow(1 - exact, 2) + Math.pow(2 * exact, 2))) < 1e-5)
    assert(Math.abs(sums.penalty - 0.1 * exact * exact) < 1e-6)
  }

  for (o <- objectives if !o.nonnegative; arithmetic <- both)
    test(s"$o, ${arithmetic.name}: the solution of the normal equations") {
      for (rank <- Seq(1, 2, 15, 16, 17, 40)) {
        val random = new Random(rank)
        val fixed = Dense.factors(random, 150, rank)
        // Up to and beyond one and two panels of 128; one rating for many factors; columns again.
        val lengths = Seq(1, 2, 40, 127, 128, 129, 150, 256, 300)
        val rows = csr(random, 150, lengths, 1f + random.nextInt(5))
        val (x, _) = solve(o, rank, rows, fixed, arithmetic)
        for (r <- lengths.indices) {
          val (a, b) = normal(o, rows, r, Dense.rows(fixed, rank), rank)
          val exact = Dense.solve(a, b)
          val error = exact.zip(row(x, r, rank)).map { case (e, f) => Math.abs(e - f) }.max
          assert(error < 2e-4 * exact.map(Math.abs).max, s"rank $rank, ${lengths(r)} ratings")
        }
      }
    }

  for (o <- objectives)
    test(s"$o: loss and penalty are those of the definition") {
      for (rank <- Seq(1, 7, 20)) {
        val random = new Random(rank)
        val fixed = Dense.factors(random, 60, rank, o.nonnegative)
        val rows = csr(random, 60, Seq(1, 5, 60, 30), random.nextInt(6).toFloat)
        val start = Dense.factors(random, rows.rows, rank)
        for (current <- Seq(null, start)) {
          val (x, sums) = solve(o, rank, rows, fixed, current = current)
          val parts = (0 until rows.rows)
            .map(r => objective(o, rows, r, Dense.rows(fixed, rank), row(x, r, rank)))
          val total = parts.map(p => p._1 + p._2).sum
          val tolerance = 1e-5 * rows.values.map(v => v.toDouble * v).sum
          assert(Math.abs(sums.loss - parts.map(_._1).sum) < tolerance, s"rank $rank: loss")
          assert(
            Math.abs(sums.penalty - parts.map(_._2).sum) < 1e-5 * total,
            s"rank $rank: penalty"
          )
        }
      }
    }

  test(
    "nonnegative: no entry below zero, no better point near by, and the exact one where that is positive"
  ) {
    for (o <- objectives if o.nonnegative; rank <- Seq(2, 12)) {
      val random = new Random(rank)
      val fixed = Dense.factors(random, 50, rank)
      val rows = csr(random, 50, Seq(3, 50, 20), 1f + random.nextInt(5))
      val (x, _) = solve(o, rank, rows, fixed)
      assert(x.forall(_ >= 0) && x.exists(_ == 0))
      for (r <- 0 until rows.rows) {
        val (a, b) = normal(o, rows, r, Dense.rows(fixed, rank), rank)
        val at = row(x, r, rank)
        val gradient = Dense.times(a, at).zip(b).map { case (l, t) => l - t }
        val size = b.map(Math.abs).max
        for (i <- 0 until rank) {
          if (at(i) > 0)
            assert(Math.abs(gradient(i)) < 1e-3 * size, s"$o rank $rank row $r: slope at $i")
          else assert(gradient(i) > -1e-3 * size, s"$o rank $rank row $r: $i should be above 0")
        }
      }
      val positive = Dense.factors(random, 50, 2, nonnegative = true)
      val ratings = new Csr(
        Array(0, 50),
        Array.range(0, 50),
        Dense.rows(positive, 2).map(y => (y(0) + 2 * y(1)).toFloat)
      )
      val (free, _) = solve(explicitly, 2, ratings, positive)
      val (bound, _) = solve(explicitly.copy(nonnegative = true), 2, ratings, positive)
      for (j <- 0 until 2) assert(Math.abs(free(j) - bound(j)) < 1e-4)
    }
  }

  test("implicit: a rating of zero says nothing, one below zero weighs on the score") {
    val random = new Random(1)
    val fixed = Dense.factors(random, 10, 4)
    def one(columns: Array[Int], values: Array[Float]) = {
      val rows = new Csr(Array(0, columns.length), columns, values)
      val (x, _) = solve(implicitly_, 4, rows, fixed)
      val (a, b) = normal(implicitly_, rows, 0, Dense.rows(fixed, 4), 4)
      val exact = Dense.solve(a, b)
      assert(exact.zip(row(x, 0, 4)).forall { case (e, f) => Math.abs(e - f) < 1e-5 })
      row(x, 0, 4).toSeq
    }
    val without = one(Array(2, 5), Array(1f, 3f))
    val zero = one(Array(2, 3, 5), Array(1f, 0f, 3f))
    val below = one(Array(2, 3, 5), Array(1f, -4f, 3f))
    assert(without == zero)
    val y = Dense.rows(fixed, 4)(3)
    assert(Math.abs(Dense.dot(below.toArray, y)) < Math.abs(Dense.dot(zero.toArray, y)))
    assert(one(Array(1, 2), Array(0f, -2f)).forall(_ == 0))
  }

  test("explicit: a rating of zero counts") {
    val fixed = Stride.pad(Array(1f, 1f), 1)
    val (x, _) = solve(explicitly, 1, new Csr(Array(0, 2), Array(0, 1), Array(4f, 0f)), fixed)
    assert(Math.abs(x(0) - 4 / 2.2) < 1e-6)
  }

  test("a column twice in a row counts twice") {
    val random = new Random(2)
    val fixed = Dense.factors(random, 3, 5)
    val twice = new Csr(Array(0, 3), Array(0, 2, 2), Array(1f, 5f, 3f))
    val (x, _) = solve(explicitly, 5, twice, fixed)
    val (a, b) = normal(explicitly, twice, 0, Dense.rows(fixed, 5), 5)
    assert(Dense.solve(a, b).zip(row(x, 0, 5)).forall { case (e, f) => Math.abs(e - f) < 1e-5 })
  }

  test("reg 0 and fewer ratings than factors: finite, and the ratings are met") {
    for (
      arithmetic <- both; rank <- Seq(2, 10, 16, 50, 64);
      seed <- 0 until 20
    ) {
      val random = new Random(seed)
      val fixed = Dense.factors(random, 40, rank)
      val lengths = Seq(1, 2, rank / 2, rank - 1).filter(_ > 0)
      val rows = csr(random, 40, lengths, 1f + random.nextInt(5))
      val (x, sums) = solve(explicitly.copy(reg = 0), rank, rows, fixed, arithmetic)
      assert(x.forall(java.lang.Float.isFinite))
      for (r <- lengths.indices if lengths(r) <= Math.min(40, rank / 2)) {
        val name = s"${arithmetic.name}, rank $rank, ${lengths(r)} ratings, seed $seed"
        val (loss, _) = objective(explicitly, rows, r, Dense.rows(fixed, rank), row(x, r, rank))
        val all = (rows.start(r) until rows.start(r + 1))
          .map(e => rows.values(e).toDouble * rows.values(e))
          .sum
        assert(loss < 1e-3 * all, name)
        assert(row(x, r, rank).map(Math.abs).max < 100, name)
      }
      assert(sums.penalty == 0)
      assert(
        java.lang.Double
          .isFinite(sums.loss) && Math.abs(sums.loss) < rows.values.map(v => v * v).sum
      )
    }
  }

  test("a ridge that had to be added is no part of the loss") {
    // The second factor is too weak for float32: 1e-8 beside 1.
    val fixed = Stride.pad(Array(1f, 0f, 0f, 1e-4f), 2)
    val rows = new Csr(Array(0, 2), Array(0, 1), Array(4f, 4f))
    for (arithmetic <- both) {
      val (x, sums) = solve(explicitly.copy(reg = 0), 2, rows, fixed, arithmetic)
      val (loss, _) = objective(explicitly, rows, 0, Dense.rows(fixed, 2), row(x, 0, 2))
      assert(loss > 1 && Math.abs(sums.loss - loss) < 1e-3 && sums.penalty == 0)
    }
  }

  test("what cannot be solved at all is zero: no factors to go by, or numbers beyond float32") {
    for (o <- objectives) {
      val nothing = new Array[Float](2 * Stride.of(3))
      val rows = new Csr(Array(0, 2), Array(0, 1), Array(4f, 2f))
      val (x, sums) = solve(o.copy(reg = 0), 3, rows, nothing)
      assert(x.forall(_ == 0), o)
      assert(
        Math.abs(sums.loss - (if (o.implicitFeedback) 1 + 2 * 4 + 1 + 2 * 2 else 20)) < 1e-9,
        o
      )
    }
    val huge = Array.fill(2 * Stride.of(3))(3e38f)
    val (x, _) = solve(explicitly, 3, new Csr(Array(0, 2), Array(0, 1), Array(4f, 2f)), huge)
    assert(x.forall(java.lang.Float.isFinite))
  }

  test("a row's solution does not depend on where it stands nor on its neighbours") {
    for (o <- objectives) {
      val random = new Random(4)
      val rank = 10
      val fixed = Dense.factors(random, 200, rank)
      val rows = csr(random, 200, Seq(0, 3, 200, 129, 1, 50), 1f + random.nextInt(5))
      val (together, _) = solve(o, rank, rows, fixed)
      val solver = new RowSolver(rank, o)
      val again = new Array[Float](together.length)
      val gramian = gramianOf(o, fixed, rank)
      // Backwards, in one solver.
      for (r <- rows.rows - 1 to 0 by -1) solver.solve(rows, r, r + 1, fixed, gramian, null, again)
      assert(again.toSeq == together.toSeq, o)
      for (r <- 0 until rows.rows) {
        val part = rows.start(r) until rows.start(r + 1)
        val alone = new Csr(
          Array(0, part.length),
          part.map(rows.columns(_)).toArray,
          part.map(rows.values(_)).toArray
        )
        val (x, _) = solve(o, rank, alone, fixed)
        assert(x.toSeq == together.slice(r * 16, r * 16 + 16).toSeq, s"$o, row $r")
      }
    }
  }

  test("the objective never rises, half-step by half-step") {
    for (o <- objectives; rank <- Seq(1, 8)) {
      val random = new Random(9)
      val ratings = Seq
        .fill(400)((random.nextInt(40), random.nextInt(30)))
        .distinct
        .map { case (u, i) => (u, i, random.nextInt(6).toFloat) }
      def side(key: ((Int, Int, Float)) => Int, other: ((Int, Int, Float)) => Int, n: Int) = {
        val sorted = ratings.sortBy(t => (key(t), other(t)))
        val start = (0 to n).map(r => sorted.count(t => key(t) < r)).toArray
        new Csr(start, sorted.map(other).toArray, sorted.map(_._3).toArray)
      }
      val users = side(_._1, _._2, 40)
      val items = side(_._2, _._1, 30)
      var y = Dense.factors(random, 30, rank, nonnegative = true)
      var x: Array[Float] = null
      var penalty = 0.0
      var before = Double.PositiveInfinity
      for (step <- 0 until 16) {
        val (next, sums) =
          if (step % 2 == 0) solve(o, rank, users, y, current = x)
          else solve(o, rank, items, x, current = y)
        if (step % 2 == 0) x = next else y = next
        if (step > 0) {
          val now = sums.loss + sums.penalty + penalty
          assert(now <= before * (1 + 1e-6), s"$o, rank $rank, half-step $step")
          before = now
        }
        penalty = sums.penalty
      }
    }
  }

  test("equations added up over parts of a row's ratings give the row") {
    val random = new Random(7)
    for (
      o <- objectives ++ Seq(
        explicitly.copy(biases = true, mean = 2f),
        implicitly_.copy(unobservedWeight = Some(0.2f), biases = true)
      );
      rank <- Seq(3, 17); weighted <- Seq(false, true); side <- Seq(0, 1)
    ) {
      val stride = Stride.of(rank)
      val fixed = Stride.pad(Array.fill(50 * rank)(random.nextFloat() - 0.3f), rank)
      val other = o.pinned(1 - side, rank)
      if (other >= 0) (0 until 50).foreach(r => fixed(r * stride + other) = 1f)
      val plain = csr(random, 50, Seq(0, 1, 30, 50), (random.nextInt(6) - 1).toFloat)
      val weights = if (weighted) Array.fill(plain.size)(random.nextInt(3) * 0.5f) else null
      val rows = new Csr(plain.start, plain.columns, plain.values, weights)
      def solver = new RowSolver(rank, o, side = side, others = 50)
      val gramian = gramianOf(o, fixed, rank)
      val (right, found) = (new Array[Float](4 * stride), new Array[Float](5 * stride))
      val exactly = solver.solve(rows, 0, 4, fixed, gramian, null, right)
      val total = RowSums.none(rank, 4)
      for (part <- 0 until 3) {
        val mine = rowsOf(rows, e => rows.columns(e) % 3 == part)
        total.add(Array(0, 1, 2, 3), new RowSummer(rank, o).sum(mine, 0, 4, fixed))
      }
      val sums = solver.solve(total, 1, gramian, null, found)
      val pinned = o.pinned(side, rank)
      for (r <- 0 until 4; j <- 0 until rank) {
        val (x, y) = (right(r * stride + j), found((r + 1) * stride + j))
        assert(Math.abs(x - y) < 2e-3 * (1 + Math.abs(x)), s"$o, row $r")
        if (j == pinned) assert(y == 1f)
      }
      assert(Math.abs(sums.loss - exactly.loss) < 1e-3 * (1 + Math.abs(exactly.loss)))
      assert(Math.abs(sums.penalty - exactly.penalty) < 1e-3 * (1 + exactly.penalty))
    }
  }

  /** The entries that `keep` names, in the same rows. */
  private def rowsOf(rows: Csr, keep: Int => Boolean): Csr = {
    val kept = (0 until rows.rows).map(r => (rows.start(r) until rows.start(r + 1)).filter(keep))
    new Csr(
      kept.scanLeft(0)(_ + _.length).toArray,
      kept.flatten.map(rows.columns(_)).toArray,
      kept.flatten.map(rows.values(_)).toArray,
      if (rows.weights == null) null else kept.flatten.map(rows.weights(_)).toArray
    )
  }

  test("added up parts are those of all ratings") {
    val random = new Random(8)
    val fixed = Stride.pad(Array.fill(9 * 2)(random.nextInt(5).toFloat), 2)
    val rows = csr(random, 9, Seq(4), 2f)
    val sums = new RowSummer(2, explicitly).sum(rows, 0, 1, fixed)
    val y = rows.columns.map(c => (fixed(c * 16), fixed(c * 16 + 1)))
    assert(
      sums.numbers.toSeq == Seq(
        y.map(p => p._1 * p._1).sum,
        y.map(p => p._1 * p._2).sum,
        y.map(p => p._2 * p._2).sum,
        y.map(_._1 * 2).sum,
        y.map(_._2 * 2).sum
      )
    )
    assert(sums.counts.toSeq == Seq(4) && sums.constants.toSeq == Seq(16.0))
  }
}
