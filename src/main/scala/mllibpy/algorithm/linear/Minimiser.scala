package mllibpy.algorithm.linear

import mllibpy.engine.InvalidInput

/** A minimiser of a smooth function, plus, for some, an L1 penalty. It says where it wants to know
  * value and gradient, and is told: so several go over the data together, each for a setting of its
  * own.
  */
private[linear] abstract class Minimiser {

  /** Where the function is wanted next. */
  def point: Array[Double]

  /** Value and gradient of the smooth part there. */
  def tell(value: Double, gradient: Array[Double]): Unit

  /** Why it ended, once it has. */
  def reason: Option[String]

  /** The best point so far, with the value of what is minimised and the largest entry of its
    * (pseudo-)gradient.
    */
  def best: Best

  def iterations: Int
}

private[linear] final case class Best(point: Array[Double], value: Double, gradient: Double)

/** When a minimiser has done enough.
  *
  * @param tolerance
  *   the largest entry of the gradient at which it ends
  */
private[linear] final case class Stopping(tolerance: Double, maxIter: Int) {

  /** @param before
    *   the value an iteration ago
    */
  def reason(iteration: Int, before: Double, value: Double, gradient: Double): Option[String] =
    if (gradient <= tolerance) Some(Stopping.Converged)
    else if (before - value <= Stopping.Noise * Math.max(Math.abs(value), 1e-300))
      Some(Stopping.Exhausted)
    else if (iteration >= maxIter) Some(s"max_iter=$maxIter iterations done")
    else None
}

private[linear] object Stopping {
  final val Converged = "the gradient is within tol"
  final val Exhausted = "the objective falls no further in float64"

  // What a sum of many float64 numbers cannot tell apart.
  private final val Noise = 1e-15
}

private[linear] object Minimiser {

  /** What the first value says: it must be a number; and the start may be the minimum. */
  def atStart(value: Double, gradient: Array[Double], stopping: Stopping): Option[String] = {
    refuseInfinite(value)
    if (Vectors.largest(gradient) <= stopping.tolerance) Some(Stopping.Converged) else None
  }

  def refuseInfinite(value: Double): Unit =
    InvalidInput.unless(
      java.lang.Double.isFinite(value),
      s"the objective is $value at the start; scale the features down, or leave out coefficients to start from"
    )
}
