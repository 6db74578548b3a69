package mllibpy.algorithm.linear

/** Coordinate descent for least squares with an L1 penalty, on products of features alone
  * (Friedman, Hastie, Tibshirani: Regularization paths for generalized linear models via coordinate
  * descent, 2010, "covariance updates"): no pass over the data. It ends by the duality gap (Kim et
  * al.: An interior-point method for large-scale l1-regularized least squares, 2007).
  */
private[linear] object CovarianceDescent {

  final case class Found(w: Array[Double], gap: Double, sweeps: Int, converged: Boolean)

  /** @param tolerance
    *   of the gap, as a share of half the targets' mean square
    */
  def minimise(
      of: Quadratic,
      penalty: Penalty,
      start: Array[Double],
      tolerance: Double,
      maxIter: Int
  ): Found = {
    val w = start.clone()
    val product = of.times(w)
    val enough = tolerance * of.targetSquares
    var sweeps = 0
    var gap = dualityGap(of, penalty, w, product)
    while (gap > enough && sweeps < maxIter) {
      sweep(of, penalty, w, product, (_: Int) => true)
      sweeps += 1
      // What has left 0 settles first, without a look at the others.
      var inner = 0
      while (inner < Inner && sweep(of, penalty, w, product, f => w(f) != 0) > Settled) inner += 1
      gap = dualityGap(of, penalty, w, product)
    }
    Found(w, Math.max(gap, 0), sweeps, gap <= enough)
  }

  // Sweeps over what is not 0 between two over all, and the change at which they end.
  private final val Inner = 100
  private final val Settled = 1e-12

  /** Moves each coordinate to its minimum; the largest change of a coordinate, as a share of the
    * targets' spread.
    */
  private def sweep(
      of: Quadratic,
      penalty: Penalty,
      w: Array[Double],
      product: Array[Double],
      takes: Int => Boolean
  ): Double = {
    var most = 0.0
    var f = 0
    while (f < w.length) {
      val own = of.gram(f * w.length + f)
      val curvature = own + of.l2(penalty, f)
      if (own > 0 && takes(f)) {
        val slope = of.moment(f) - product(f) + own * w(f)
        val next = soft(slope, of.l1(penalty, f)) / curvature
        val change = next - w(f)
        if (change != 0) {
          of.addColumn(f, change, product)
          w(f) = next
          most = Math.max(most, change * change * own)
        }
      }
      f += 1
    }
    if (of.targetSquares > 0) Math.sqrt(most / of.targetSquares) else 0
  }

  private def soft(x: Double, by: Double): Double =
    if (x > by) x - by else if (x < -by) x + by else 0

  /** Between the objective and that of the dual point that the residuals give. */
  def dualityGap(
      of: Quadratic,
      penalty: Penalty,
      w: Array[Double],
      product: Array[Double]
  ): Double = {
    var (absolute, ridge, fit, quadratic, share) = (0.0, 0.0, 0.0, 0.0, 1.0)
    var f = 0
    while (f < w.length) {
      val l2 = of.l2(penalty, f)
      val correlation = Math.abs(of.moment(f) - product(f) - l2 * w(f))
      // The residuals, shrunk until no feature correlates with them by more than its penalty.
      if (correlation > of.l1(penalty, f) && of.gram(f * w.length + f) > 0)
        share = Math.min(share, of.l1(penalty, f) / correlation)
      absolute += of.l1(penalty, f) * Math.abs(w(f))
      ridge += l2 * w(f) * w(f)
      fit += of.moment(f) * w(f)
      quadratic += product(f) * w(f)
      f += 1
    }
    val residuals = of.targetSquares - 2 * fit + quadratic
    (1 + share * share) / 2 * (residuals + ridge) + absolute - share * (of.targetSquares - fit)
  }
}
