package mllibpy.kernel

/** The half-step: solves rows against fixed factors. It knows one fact: the rows' columns index the
  * array `fixed`. Where the rows and `fixed` came from is the strategy's business.
  *
  * A row with ratings r and fixed factors Y (one row per rating) has the normal equations
  * {{{(G + Y^T W Y + reg n I) x = Y^T t}}} explicit: no G, W = 1, t = r; implicit: G the Gramian of
  * all fixed factors, W = alpha |r|, t = (1 + W) p. Ratings are taken 128 at a time, in the order
  * of the row, so that the sums of a row do not depend on where it is solved.
  *
  * Not thread safe: it owns its scratch space.
  */
final class RowSolver(rank: Int, objective: Objective, arithmetic: Arithmetic = Arithmetic.best) {
  private val stride = Stride.of(rank)
  private val a = new Array[Float](stride * stride)
  private val b = new Array[Float](stride)
  private val x = new Array[Float](stride)
  private val tile = new Array[Float](RowSolver.Panel * stride)
  private val weight = new Array[Float](RowSolver.Panel)
  private val target = new Array[Float](RowSolver.Panel)
  private val descent = if (objective.nonnegative) new CoordinateDescent(rank) else null

  /** What the last row's ratings add to the objective where x = 0, and its count of ratings. */
  private var constant = 0.0
  private var count = 0

  /** Solves the rows `from until until` into `out` (row r at r * stride).
    *
    * @param gramian
    *   IN sum of y y^T over all fixed rows (implicit), else null
    * @param current
    *   IN these rows' previous factors, laid out as `out`, or null at the first step
    */
  def solve(
      rows: Csr,
      from: Int,
      until: Int,
      fixed: Array[Float],
      gramian: Array[Float],
      current: Array[Float],
      out: Array[Float]
  ): HalfStepSums = {
    val sums = new HalfStepSums
    var r = from
    while (r < until) {
      build(rows, r, fixed, gramian)
      val fit =
        if (objective.nonnegative) solveNonnegative(current, r)
        else solveExactly(rows, r, fixed, gramian)
      System.arraycopy(x, 0, out, r * stride, stride)
      val penalty = objective.reg.toDouble * count * squares(x)
      sums.loss += fit - penalty
      sums.penalty += penalty
      r += 1
    }
    sums
  }

  /** Makes the normal equations of a row: `a` and `b`, with `constant` and `count`. */
  private def build(rows: Csr, row: Int, fixed: Array[Float], gramian: Array[Float]): Unit = {
    java.util.Arrays.fill(b, 0f)
    constant = 0
    count = 0
    if (gramian != null) System.arraycopy(gramian, 0, a, 0, a.length)
    var at = rows.start(row)
    val end = rows.start(row + 1)
    var add = gramian != null
    while (at < end) {
      val n = Math.min(RowSolver.Panel, end - at)
      weigh(rows.values, at, n)
      val scale = if (objective.implicitFeedback) weight else null
      arithmetic.gather(fixed, stride, rows.columns, at, n, scale, target, tile, b)
      arithmetic.symmetricUpdate(a, stride, tile, 0, n, add)
      add = true
      at += n
    }
    if (!add) java.util.Arrays.fill(a, 0f)
    regularise(objective.reg * count)
  }

  /** Weights and targets of a panel; adds to `constant` and `count`. */
  private def weigh(values: Array[Float], at: Int, n: Int): Unit = {
    var i = 0
    while (i < n) {
      val r = values(at + i)
      if (objective.implicitFeedback) {
        val w = objective.alpha * Math.abs(r)
        weight(i) = Math.sqrt(w.toDouble).toFloat
        if (r > 0) {
          target(i) = 1f + w
          constant += 1.0 + w
          count += 1
        } else target(i) = 0f
      } else {
        target(i) = r
        constant += r.toDouble * r
        count += 1
      }
      i += 1
    }
  }

  /** Adds a ridge to the diagonal; the padding gets the mean diagonal, so that the factor's test
    * for singular pivots sees the scale of the system and not of its padding.
    */
  private def regularise(ridge: Float): Unit = {
    var j = 0
    while (j < rank) { a(j * stride + j) += ridge; j += 1 }
    val filler = meanDiagonal
    while (j < stride) { a(j * stride + j) = if (filler > 0) filler else 1f; j += 1 }
  }

  /** x = a^-1 b. At the minimum the row's share of the objective is constant - x.b.
    *
    * A singular system (reg = 0 and fewer ratings than the rank, say) is solved with a ridge added
    * to the diagonal: 1e-6 of its mean, ten times more until it works.
    */
  private def solveExactly(
      rows: Csr,
      row: Int,
      fixed: Array[Float],
      gramian: Array[Float]
  ): Double = {
    System.arraycopy(b, 0, x, 0, stride)
    var ridge = RowSolver.FirstRidge * meanDiagonal
    var added = 0f
    var solved = factorAndSolve()
    while (!solved && ridge < Float.PositiveInfinity && ridge > 0) {
      build(rows, row, fixed, gramian)
      added = ridge
      regularise(added)
      System.arraycopy(b, 0, x, 0, stride)
      solved = factorAndSolve()
      ridge *= 10
    }
    if (!solved) java.util.Arrays.fill(x, 0f)
    // With a ridge d, (a + d I) x = b, so x^T a x = x.b - d |x|^2.
    constant - arithmetic.dot(x, 0, b, 0, stride) - added * squares(x)
  }

  private def factorAndSolve(): Boolean =
    arithmetic.cholesky(a, stride) && {
      arithmetic.solve(a, stride, x)
      finite(x)
    }

  /** x >= 0 minimising x^T a x - 2 x.b, from the row's current factors. */
  private def solveNonnegative(current: Array[Float], row: Int): Double = {
    if (current == null) java.util.Arrays.fill(x, 0f)
    else System.arraycopy(current, row * stride, x, 0, stride)
    constant + descent.minimise(a, stride, b, x)
  }

  private def meanDiagonal: Float = {
    var sum = 0f
    var j = 0
    while (j < rank) { sum += a(j * stride + j); j += 1 }
    sum / rank
  }

  private def squares(v: Array[Float]): Double = {
    var sum = 0.0
    var j = 0
    while (j < rank) { sum += v(j).toDouble * v(j); j += 1 }
    sum
  }

  private def finite(v: Array[Float]): Boolean = {
    var ok = true
    var j = 0
    while (j < rank) { ok = ok && java.lang.Float.isFinite(v(j)); j += 1 }
    ok
  }
}

object RowSolver {

  /** Ratings per tile: at rank 64 a tile is 32 KB, the size of a first-level cache. */
  final val Panel = 128
  private final val FirstRidge = 1e-6f
}

/** What a half-step adds to the objective: the loss of its rows' ratings and the penalty on its
  * rows.
  */
final class HalfStepSums(var loss: Double = 0, var penalty: Double = 0) extends Serializable {
  def merge(other: HalfStepSums): HalfStepSums = {
    loss += other.loss
    penalty += other.penalty
    this
  }
}
