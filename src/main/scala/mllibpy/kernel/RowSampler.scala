package mllibpy.kernel

/** What a row is drawn against: x ~ N(mu, precision^-1) and ratings of a precision `noise`.
  *
  * @param precision
  *   upper triangle, rows `stride` apart; zero where pinned and in the padding
  * @param shift
  *   precision * mu
  * @param salt
  *   of this half-step's draws
  */
final class Prior(
    val precision: Array[Float],
    val shift: Array[Float],
    val noise: Float,
    val salt: Long
) extends Serializable

/** Draws rows from their conditional distribution given the other side (Salakhutdinov, Mnih:
  * Bayesian probabilistic matrix factorization using Markov chain Monte Carlo, ICML 2008): with
  * {{{A = precision + noise sum w y y^T,  A m = shift + noise sum w (r - mean) y}}} (w a rating's
  * weight, 1 where it has none) the row is {{{m + R^-1 z}}} where R^T R = A and z is standard
  * normal, seeded by the row's key.
  *
  * Not thread safe: it owns its scratch space.
  */
final class RowSampler(
    width: Int,
    objective: Objective,
    side: Int,
    arithmetic: Arithmetic = Arithmetic.best
) {
  private val stride = Stride.of(width)
  private val pinned = objective.pinned(side, width)
  private val ratings = new RowRatings(objective)
  private val a = new Array[Float](stride * stride)
  private val x = new Array[Float](stride)
  private val z = new Array[Float](stride)
  private val equations = new RatedEquations(width, arithmetic)
  private var scores = new Array[Float](256)

  /** Draws all rows into `out` (row r at r * stride); gives their squared errors. */
  def draw(
      rows: SparseRows,
      keys: Array[Long],
      fixed: Array[Float],
      prior: Prior,
      out: Array[Float]
  ): HalfStepSums = {
    val sums = new HalfStepSums
    var r = 0
    while (r < rows.rows) {
      ratings.load(rows, r)
      build(fixed, prior)
      if (arithmetic.cholesky(a, stride)) shake(keys(r), prior.salt)
      else java.util.Arrays.fill(x, Float.NaN) // the loop over iterations says so
      if (pinned >= 0) x(pinned) = 1f
      System.arraycopy(x, 0, out, r * stride, stride)
      sums.loss += squaredErrors(fixed)
      r += 1
    }
    sums
  }

  /** The matrix, and the right-hand side into `x`. */
  private def build(fixed: Array[Float], prior: Prior): Unit = {
    equations.of(ratings, fixed).form(null, a, x)
    if (pinned >= 0) unpin()
    var i = 0
    while (i < a.length) { a(i) = prior.noise * a(i) + prior.precision(i); i += 1 }
    i = 0
    while (i < stride) { x(i) = prior.noise * x(i) + prior.shift(i); i += 1 }
    if (pinned >= 0) {
      RowSolver.pin(a, stride, pinned)
      x(pinned) = 0f
    }
    RowSolver.regularise(a, stride, width, 0f)
  }

  /** Moves what the factor that is 1 predicts to the right-hand side. */
  private def unpin(): Unit = {
    var j = 0
    while (j < width) {
      x(j) -= (if (j < pinned) a(j * stride + pinned) else a(pinned * stride + j))
      j += 1
    }
  }

  /** From the right-hand side in `x` and the factor in `a` to the mean and a draw around it. */
  private def shake(key: Long, salt: Long): Unit = {
    arithmetic.solve(a, stride, x)
    val normals = new Normals(key ^ salt)
    java.util.Arrays.fill(z, 0f)
    var j = 0
    while (j < width) { if (j != pinned) z(j) = normals.next().toFloat; j += 1 }
    arithmetic.backward(a, stride, z)
    j = 0
    while (j < width) { x(j) += z(j); j += 1 }
  }

  /** Each times its weight. */
  private def squaredErrors(fixed: Array[Float]): Double = {
    if (ratings.n > scores.length) scores = new Array[Float](ratings.columns.length)
    arithmetic.dots(fixed, stride, 0, stride, ratings.columns, ratings.n, x, 0, scores, add = false)
    var sum = 0.0
    var i = 0
    while (i < ratings.n) {
      val w = if (ratings.weights == null) 1.0 else ratings.weights(i).toDouble
      if (w > 0) {
        val e = ratings.targets(i) / w - scores(i)
        sum += w * e * e
      }
      i += 1
    }
    sum
  }
}
