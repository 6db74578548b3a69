package mllibpy.algorithm.linear

import mllibpy.kernel.linear.{Loss, SgdPlan}

/** Where stochastic gradient descent has come to: the objective, and the largest entry of the
  * gradient of its smooth part. One pass.
  */
private[linear] object SgdEnd {

  /** @param w
    *   by class, each with its intercept behind
    */
  def apply(
      data: LinearData,
      plan: SgdPlan,
      loss: Loss,
      w: Array[Double],
      rows: Long
  ): (Double, Double) = {
    val sum = Primitives.summed(data, loss, w)
    val gradient = Primitives.unpacked(data, loss, sum.gradient, rows.toDouble)
    val n = data.features + 1
    var penalty = 0.0
    for (i <- w.indices)
      if (i % n < data.features) {
        penalty += plan.l2 / 2 * w(i) * w(i) + plan.l1 * Math.abs(w(i))
        gradient(i) += plan.l2 * w(i)
      } else if (!plan.intercept) gradient(i) = 0
    (sum.values(0) / rows + penalty, gradient.map(Math.abs(_)).max)
  }
}
