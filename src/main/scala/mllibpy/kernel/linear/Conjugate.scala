package mllibpy.kernel.linear

/** A loss of one margin whose conjugate is known, so that rows have dual variables alpha:
  * {{{loss(y, m) = max over alpha of -alpha m + dual(y, alpha)}}}
  *
  * 0 is always among the alphas for which the dual is finite, and with an alpha whatever lies
  * between it and 0.
  */
trait Conjugate { this: MarginLoss =>

  /** Minus the conjugate of the loss at minus alpha. */
  def dual(y: Double, alpha: Double): Double

  /** The alpha that maximises `dual(y, alpha) - m (alpha - from) - q / 2 (alpha - from)^2`. */
  def ascend(y: Double, m: Double, from: Double, q: Double): Double
}

/** The best dual variables, label by label of -1 and 1, with beta = label * alpha. */
private[linear] object Ascent {

  /** Of the hinge: beta from 0 to 1. */
  def hinge(beta: Double, z: Double, q: Double): Double =
    if (q > 0) Math.max(0, Math.min(1, beta + (1 - z) / q)) else if (z < 1) 1 else beta

  /** Of the squared hinge: beta of at least 0. */
  def squaredHinge(beta: Double, z: Double, q: Double): Double =
    Math.max(0, beta + (1 - z - beta / 2) / (q + 0.5))

  /** Of the logistic loss: with beta = sigmoid(u), the root of u + z + q (sigmoid(u) - beta), which
    * rises by 1 at least; Newton's method between bounds (Yu, Huang, Lin: Dual coordinate descent
    * methods for logistic regression and maximum entropy models, 2011, has the problem).
    */
  def logistic(beta: Double, z: Double, q: Double): Double = {
    var (low, high) = (-z - q * (1 - beta), -z + q * beta)
    var u = Math.max(low, Math.min(high, -z))
    var steps = 0
    var move = Double.PositiveInfinity
    var before = Double.PositiveInfinity
    while (steps < MostSteps && Math.abs(move) > Enough * (1 + Math.abs(u))) {
      val p = LogisticLoss.sigmoid(u)
      val off = u + z + q * (p - beta)
      if (off > 0) high = u else low = u
      val newton = u - off / (1 + q * p * (1 - p))
      // A step between two flat ends may come back: what does not halve the error halves the bounds.
      val good = newton >= low && newton <= high && Math.abs(off) < before / 2
      val next = if (good) newton else (low + high) / 2
      before = Math.abs(off)
      move = next - u
      u = next
      steps += 1
    }
    LogisticLoss.sigmoid(u)
  }

  private final val MostSteps = 100
  private final val Enough = 1e-10

  /** beta log(1 / beta) + (1 - beta) log(1 / (1 - beta)) */
  def entropy(beta: Double): Double = -nlogn(beta) - nlogn(1 - beta)

  private def nlogn(p: Double) = if (p > 0) p * Math.log(p) else 0
}
