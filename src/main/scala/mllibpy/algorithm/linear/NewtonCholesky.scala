package mllibpy.algorithm.linear

import mllibpy.engine.InvalidInput

/** Steps of [[Newton]] found from the whole Hessian, which comes with the pass that evaluates a
  * point: for losses of one margin and few features the passes of a fit are as few as its steps.
  */
private[linear] object NewtonCholesky {

  // Features up to which the products of a pass cost less than the passes that they save, measured.
  final val MostFeatures = 512

  /** @param hessian
    *   by row
    */
  final case class Curved(value: Double, gradient: Array[Double], hessian: Array[Double])
      extends Newton.Seen

  /** The step to the minimum of the quadratic. */
  def step(seen: Curved): Array[Double] =
    inverse(seen.hessian, seen.gradient.length)(seen.gradient.map(-_))

  /** What solves H x = g by Cholesky's factors of H scaled to a unit diagonal. Where that is
    * singular or nearly so, something is added to all of H's diagonal alike: a step has then no
    * part along which nothing changes, so that of many minima the fit ends at the one nearest to
    * its start.
    */
  def inverse(hessian: Array[Double], n: Int): Array[Double] => Array[Double] = {
    val diagonal = Array.tabulate(n)(i => hessian(i * n + i))
    val largest = diagonal.max
    val unit = diagonal.map(d => if (d > 0) 1 / Math.sqrt(d) else 1)
    val alike = Array.fill(n)(if (largest > 0) 1 / Math.sqrt(largest) else 1)
    val dampings = Iterator.iterate(LeastDamping)(_ * 100).take(MostDampings).map((alike, _))
    (Iterator.single((unit, 0.0)) ++ dampings)
      .map { case (by, damping) => factored(hessian, by, damping) }
      .collectFirst { case Some(x) => x }
      .getOrElse(
        throw new InvalidInput("the Hessian overflows; scale the features down (StandardScaler)")
      )
  }

  /** With H scaled on both sides; None where a factor's pivot is not clearly positive. */
  private def factored(
      hessian: Array[Double],
      by: Array[Double],
      damping: Double
  ): Option[Array[Double] => Array[Double]] = {
    val n = by.length
    val a = Array.tabulate(n * n)(i => hessian(i) * by(i / n) * by(i % n))
    // A coordinate that the objective does not depend on stays where it is.
    for (i <- 0 until n) a(i * n + i) = if (a(i * n + i) > 0) a(i * n + i) + damping else 1
    if (!Cholesky.factor(a, n)) None
    else
      Some { g =>
        val x = Cholesky.solve(a, n, Array.tabulate(n)(i => g(i) * by(i)))
        Array.tabulate(n)(i => x(i) * by(i))
      }
  }

  // With the last of them the diagonal is all that counts, unless entries are no numbers.
  private final val LeastDamping = 1e-9
  private final val MostDampings = 8
}
