package mllibpy.kernel

/** The half-step: solves rows against fixed factors. It knows one fact: the rows' columns index the
  * array `fixed`. Where the rows and `fixed` came from is the strategy's business.
  *
  * Not thread safe: it owns its scratch space.
  *
  * @param side
  *   0 where the rows are users, 1 where they are items
  * @param others
  *   number of all rows of the other side
  */
final class RowSolver(
    rank: Int,
    objective: Objective,
    method: Method = Method.Cholesky,
    side: Int = 0,
    others: Long = 0,
    arithmetic: Arithmetic = Arithmetic.best
) {
  private val stride = Stride.of(rank)
  private val x = new Array[Float](stride)
  private val ratings = new RowRatings(objective)
  private val pinned = objective.pinned(side, rank)
  private val solver: RowMethod = method match {
    case Method.ConjugateGradient(steps) if !objective.nonnegative =>
      new ConjugateGradient(rank, steps, arithmetic)
    case Method.Blocks(width) if !objective.nonnegative => new BlockDescent(rank, width, arithmetic)
    case _ => new Exact(rank, objective.nonnegative, arithmetic)
  }
  private lazy val exact: Exact = solver match {
    case e: Exact => e
    case _        => new Exact(rank, objective.nonnegative, arithmetic)
  }
  private lazy val equations = new SummedEquations(rank)

  // Rows of so many ratings at most are solved by as many equations.
  private val few =
    if (!solver.isInstanceOf[Exact] || objective.nonnegative || objective.implicitFeedback) 0
    else Dual.most(rank)
  private val dual = if (few == 0) null else new Dual(rank, arithmetic, few)

  private val byDegree = method match {
    case m: Method.ByDegree if !objective.nonnegative => Some(m)
    case _                                            => None
  }
  private val stepping = byDegree.map(m => new ConjugateGradient(rank, m.steps, arithmetic)).orNull

  /** Solves the rows `from until until` into `out` (row r at r * stride).
    *
    * @param gramian
    *   IN sum of y y^T over all fixed rows (implicit), else null
    * @param current
    *   IN these rows' previous factors, laid out as `out`, or null at the first step
    */
  def solve(
      rows: SparseRows,
      from: Int,
      until: Int,
      fixed: Array[Float],
      gramian: Array[Float],
      current: Array[Float],
      out: Array[Float]
  ): HalfStepSums = {
    val sums = new HalfStepSums
    val before = solver.singular
    val around = new Surroundings(fixed, scaled(gramian), pinned)
    var r = from
    while (r < until) {
      ratings.load(rows, r)
      val ridge = objective.ridge(ratings.count, others)
      start(current, r)
      keep(solve(around, ridge), ridge, r, out, sums)
      r += 1
    }
    sums.singular = solver.singular - before
    sums
  }

  /** Solves rows whose equations were added up, exactly whatever the method, into `out` from its
    * row `first` on.
    *
    * @param gramian
    *   IN as above
    * @param current
    *   IN as above
    */
  def solve(
      summed: RowSums,
      first: Int,
      gramian: Array[Float],
      current: Array[Float],
      out: Array[Float]
  ): HalfStepSums = {
    val sums = new HalfStepSums
    val before = exact.singular
    val around = new Surroundings(null, scaled(gramian), pinned)
    var r = 0
    while (r < summed.rows) {
      val ridge = objective.ridge(summed.counts(r), others)
      start(current, first + r)
      val value = exact.solve(equations.of(summed, r), around, ridge, x)
      keep(value, ridge, first + r, out, sums)
      r += 1
    }
    sums.singular = exact.singular - before
    sums
  }

  /** What x is before row `r` is solved. */
  private def start(current: Array[Float], r: Int): Unit =
    if (current != null) System.arraycopy(current, r * stride, x, 0, stride)
    else {
      java.util.Arrays.fill(x, 0f)
      if (pinned >= 0) x(pinned) = 1f
    }

  /** Keeps x as row `r`, and its part of the objective. */
  private def keep(
      value: Double,
      ridge: Float,
      r: Int,
      out: Array[Float],
      sums: HalfStepSums
  ): Unit = {
    System.arraycopy(x, 0, out, r * stride, stride)
    val penalty = ridge * RowSolver.squares(x, rank, pinned)
    sums.loss += value - penalty
    sums.penalty += penalty
  }

  /** Solves the row that is loaded, into x. */
  private def solve(around: Surroundings, ridge: Float): Double = {
    val short = 0 < ratings.n && ratings.n <= few
    if (stepping != null && byDegree.get.prefersSteps(ratings.n, rank, around.base != null, short))
      stepping.solve(ratings, around, ridge, x)
    else {
      val value = if (short) dual.solve(ratings, around, ridge, x) else Double.NaN
      if (value.isNaN) solver.solve(ratings, around, ridge, x) else value
    }
  }

  private def scaled(gramian: Array[Float]): Array[Float] =
    if (gramian == null || objective.background == 1f) gramian
    else gramian.map(_ * objective.background)
}

object RowSolver {

  /** Ratings per tile: as many rows as make 32 KB, the size of a first-level cache, but 16 at
    * least, or the sums would be written more often than they are worth.
    */
  private[kernel] def panel(stride: Int): Int = Math.min(256, Math.max(16, 8192 / stride))

  /** Adds a ridge to the first `n` of the diagonal; the padding behind gets the mean diagonal, so
    * that the factor's test for singular pivots sees the scale of the system and not of its
    * padding.
    */
  private[kernel] def regularise(a: Array[Float], stride: Int, n: Int, ridge: Float): Unit = {
    var j = 0
    while (j < n) { a(j * stride + j) += ridge; j += 1 }
    val filler = meanDiagonal(a, stride, n)
    while (j < stride) { a(j * stride + j) = if (filler > 0) filler else 1f; j += 1 }
  }

  /** Makes row and column `p` of the upper triangle those of the identity. */
  private[kernel] def pin(a: Array[Float], stride: Int, p: Int): Unit = {
    var j = 0
    while (j < p) { a(j * stride + p) = 0f; j += 1 }
    while (j < stride) { a(p * stride + j) = 0f; j += 1 }
    a(p * stride + p) = 1f
  }

  private[kernel] def meanDiagonal(a: Array[Float], stride: Int, n: Int): Float = {
    var sum = 0f
    var j = 0
    while (j < n) { sum += a(j * stride + j); j += 1 }
    if (n == 0) 0f else sum / n
  }

  private[kernel] def squares(v: Array[Float], n: Int, without: Int = -1): Double = {
    var sum = 0.0
    var j = 0
    while (j < n) { if (j != without) sum += v(j).toDouble * v(j); j += 1 }
    sum
  }

  private[kernel] def finite(v: Array[Float], n: Int): Boolean = {
    var ok = true
    var j = 0
    while (j < n) { ok = ok && java.lang.Float.isFinite(v(j)); j += 1 }
    ok
  }
}

/** What a half-step adds to the objective: the loss of its rows' ratings and the penalty on its
  * rows; and how many of them had a singular system.
  */
final class HalfStepSums(var loss: Double = 0, var penalty: Double = 0, var singular: Long = 0)
    extends Serializable {
  def merge(other: HalfStepSums): HalfStepSums = {
    loss += other.loss
    penalty += other.penalty
    singular += other.singular
    this
  }
}
