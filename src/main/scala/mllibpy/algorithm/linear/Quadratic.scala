package mllibpy.algorithm.linear

import breeze.linalg.{eigSym, DenseMatrix}

/** Least squares as a quadratic function of the coefficients: half the mean squared error,
  * {{{1/2 w'Gw - b'w + c/2}}}
  *
  * @param gram
  *   G, by row
  * @param factor
  *   what a feature's penalty is multiplied by
  */
private[linear] final class Quadratic(
    val gram: Array[Double],
    val moment: Array[Double],
    val targetSquares: Double,
    factor: Array[Double]
) {
  val features: Int = moment.length

  def l2(penalty: Penalty, f: Int): Double = penalty.l2 * factor(f) * factor(f)
  def l1(penalty: Penalty, f: Int): Double = penalty.l1 * factor(f)

  /** Gw */
  def times(w: Array[Double]): Array[Double] = {
    val out = new Array[Double](features)
    for (f <- 0 until features; by = w(f); if by != 0) addColumn(f, by, out)
    out
  }

  /** to += by * column f of G */
  def addColumn(f: Int, by: Double, to: Array[Double]): Unit = {
    var g = 0
    val at = f * features
    while (g < features) { to(g) += by * gram(at + g); g += 1 }
  }

  /** With the penalty. */
  def objective(w: Array[Double], penalty: Penalty): Double = {
    val product = times(w)
    var sum = targetSquares / 2
    for (f <- 0 until features)
      sum += w(f) * (product(f) / 2 - moment(f) + l2(penalty, f) * w(f) / 2) +
        l1(penalty, f) * Math.abs(w(f))
    sum
  }

  /** Where the gradient vanishes, for a penalty without L1; of several such points, the one nearest
    * to 0.
    */
  def minimum(penalty: Penalty): Array[Double] = {
    val a = gram.clone()
    for (f <- 0 until features) a(f * features + f) += l2(penalty, f)
    definite(a).getOrElse(nearest(a))
  }

  /** By Cholesky's factors of the matrix scaled to a unit diagonal; None where it is singular or
    * nearly so.
    */
  private def definite(a: Array[Double]): Option[Array[Double]] = {
    val n = features
    val by = Array.tabulate(n)(f => 1 / Math.sqrt(a(f * n + f)))
    if (!by.forall(java.lang.Double.isFinite)) None
    else {
      val l = Array.tabulate(n * n)(i => a(i) * by(i / n) * by(i % n))
      if (!Cholesky.factor(l, n)) None
      else {
        val x = Cholesky.solve(l, n, Array.tabulate(n)(f => moment(f) * by(f)))
        Some(Array.tabulate(n)(f => x(f) * by(f)))
      }
    }
  }

  /** By eigenvectors; those along which nothing is known are left out. */
  private def nearest(a: Array[Double]): Array[Double] = {
    val eigen = eigSym(new DenseMatrix(features, features, a))
    val values = eigen.eigenvalues.toArray
    val vectors = eigen.eigenvectors
    val least = values.map(Math.abs).max * features * Quadratic.Epsilon
    val out = new Array[Double](features)
    for (e <- 0 until features; if values(e) > least) {
      val along = (0 until features).map(f => vectors(f, e) * moment(f)).sum / values(e)
      for (f <- 0 until features) out(f) += along * vectors(f, e)
    }
    out
  }
}

private object Quadratic {
  private final val Epsilon = 2.220446049250313e-16
}
