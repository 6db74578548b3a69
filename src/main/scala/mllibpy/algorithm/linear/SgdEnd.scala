package mllibpy.algorithm.linear

import mllibpy.kernel.linear.Loss

/** Where steps by some rows at a time have come to: the objective, and the largest entry of the
  * gradient of its smooth part. One pass.
  */
private[linear] object SgdEnd {

  /** @param w
    *   by class, each with its intercept behind
    * @param over
    *   what sums over the rows are divided by; None for their weight
    */
  def apply(
      data: LinearData,
      loss: Loss,
      penalty: Penalty,
      intercept: Boolean,
      w: Array[Double],
      over: Option[Double]
  ): (Double, Double) = {
    val sum = Primitives.summed(data, loss, w)
    val weight = over.getOrElse(sum.weight)
    val gradient = Primitives.unpacked(data, loss, sum.gradient, weight)
    val n = data.features + 1
    var penalised = 0.0
    for (i <- w.indices)
      if (i % n < data.features) {
        penalised += penalty.l2 / 2 * w(i) * w(i) + penalty.l1 * Math.abs(w(i))
        gradient(i) += penalty.l2 * w(i)
      } else if (!intercept) gradient(i) = 0
    (sum.values(0) / weight + penalised, gradient.map(Math.abs(_)).max)
  }
}
