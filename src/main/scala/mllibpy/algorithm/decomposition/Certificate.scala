package mllibpy.algorithm.decomposition

import mllibpy.kernel.decomposition.{Columns, LeftSum}

/** What was measured of a decomposition, on the vectors that are handed out; each number would be
  * large, and `holds` false, were these wrong.
  *
  * @param right
  *   the largest |A v - s u|
  * @param left
  *   the largest |A^T u - s v|
  * @param orthonormalU
  *   Frobenius' norm of U^T U - I
  * @param orthonormalV
  *   that of V^T V - I
  * @param error
  *   an estimate from below of |A - U S V^T|, from a Krylov space of random vectors: a missing
  *   leading triple shows here and nowhere else
  * @param next
  *   the singular value behind the last, where the method knows it: the least that such an error
  *   can be
  * @param resolution
  *   below which an error is rounding
  */
final case class Certificate(
    right: Double,
    left: Double,
    orthonormalU: Double,
    orthonormalV: Double,
    error: Double,
    next: Option[Double],
    resolution: Double,
    tolerance: Double,
    orthonormality: Double,
    largest: Double,
    smallest: Double,
    passes: Int
) {

  /** Whether residuals are within the tolerance, the vectors orthonormal, and no triple is missing.
    */
  def holds: Boolean = failed.isEmpty

  /** The numbers that are above what they may be, by their names in Python, and that bound. */
  def failed: Seq[(String, Double, Double)] = Seq(
    ("residual_right", right, tolerance * largest),
    ("residual_left", left, tolerance * largest),
    ("orthonormal_u", orthonormalU, orthonormality),
    ("orthonormal_v", orthonormalV, orthonormality),
    ("error", error, mostError)
  ).filterNot { case (_, value, most) => value <= most }

  /** Whether no singular value above the smallest one was left out. */
  def complete: Boolean = error <= mostError

  /** The smallest value, or the next one; 0 where there is said to be nothing behind it. */
  private def mostError: Double = {
    val most = if (next.contains(0.0)) 0 else Math.max(smallest, next.getOrElse(0.0))
    (1 + Certificate.Slack) * most + resolution
  }
}

private[decomposition] object Certificate {
  private final val Slack = 1e-3

  /** How far columns are from orthonormal. */
  def apart(gram: Columns): Double = {
    var sum = 0.0
    for (i <- 0 until gram.columns; j <- 0 until gram.columns) {
      val d = gram(i, j) - (if (i == j) 1 else 0)
      sum += d * d
    }
    Math.sqrt(sum)
  }

  /** The largest |A^T u - s v|. */
  def leftResidual(measured: LeftSum, v: Columns, values: Array[Double]): Double = {
    val d =
      Columns.tabulate(v.rows, v.columns)((f, j) => measured.product(f, j) - values(j) * v(f, j))
    d.lengths.maxOption.getOrElse(0.0)
  }

  /** How often E^T E is applied: so often that a singular value of E that exceeds the others by
    * half shows from random vectors. Chebyshev's polynomials say how fast a Krylov space of q steps
    * finds it: cosh(q arcosh(2 r^2 - 1)) outgrows the start's share, about 1 / sqrt(n), of its
    * vector (Kuczynski, Wozniakowski: Estimating the largest eigenvalue by the power and Lanczos
    * algorithms with a random start, 1992).
    */
  def steps(features: Int): Int = {
    val cosh = 2 * Exceeds * Exceeds - 1
    val growth = Math.log(cosh + Math.sqrt(cosh * cosh - 1))
    1 + Math.ceil(Math.log(Math.max(2, features).toDouble) / 2 / growth).toInt
  }
  private final val Exceeds = 1.5

  /** An estimate from below of |A - U S V^T|: the largest Ritz value of E^T E in the Krylov space
    * of several vectors.
    *
    * With Z = A^T U as measured, E^T E x = G x - Z S V^T x - V S Z^T x + V S U^T U S V^T x.
    *
    * @param gram
    *   x to G x = A^T A x
    */
  def error(
      gram: Columns => Columns,
      start: Columns,
      steps: Int,
      measured: LeftSum,
      v: Columns,
      values: Array[Double]
  ): Double = {
    def image(x: Columns): Columns = {
      val vx = rowsTimes(v.cross(x), values)
      val zx = rowsTimes(measured.product.cross(x), values)
      val y = gram(x)
      y -= measured.product * vx
      y -= v * zx
      y += v * rowsTimes(measured.gram * vx, values)
      y
    }
    var space = Vector.empty[Columns]
    var images = Vector.empty[Columns]
    var x = Basis.orthonormal(start)._1
    for (i <- 1 to steps if x.columns > 0) {
      space :+= x
      images :+= image(x)
      if (i < steps) x = Basis.outside(images.last, space, 0).q
    }
    if (space.isEmpty) 0
    else {
      val projected = Columns.beside(space).cross(Columns.beside(images))
      Math.sqrt(Math.max(0, SmallDense.eigen(symmetric(projected), 1).values.head))
    }
  }

  private def symmetric(m: Columns): Columns =
    Columns.tabulate(m.rows, m.columns)((i, j) => (m(i, j) + m(j, i)) / 2)

  private def rowsTimes(m: Columns, by: Array[Double]): Columns =
    Columns.tabulate(m.rows, m.columns)((i, j) => by(i) * m(i, j))
}
