package mllibpy.algorithm.linear

import mllibpy.engine.{Blocks, Shared}
import mllibpy.kernel.linear.{Examples, HingeGap, HingeLoss, Loss, OneVsRestLoss, SmoothedHingeLoss}

/** The hinge has no slope at 1: it is rounded off less and less, each time from where the time
  * before has ended (Nesterov: Smooth minimization of non-smooth functions, 2005). Each time the
  * slopes are dual variables of the hinge itself, so that one more pass gives its own objective
  * and, with an L2 penalty, how far that is from the minimum at most.
  */
private[linear] object RoundedHinge {

  /** How far it is rounded off, one after the other, and with what share of the tolerance; where
    * there is a gap to end by, on to where float64 ends.
    */
  def stages(certifying: Boolean): Seq[(Double, Double)] = {
    val first = Seq((1.0, 1.0), (0.1, 1.0), (0.01, 0.3), (1e-3, 0.1), (1e-4, 0.05))
    if (certifying) first ++ (1 to 5).map(k => (1e-4 * Math.pow(0.1, k), Math.pow(0.1, k)))
    else first
  }

  def is(loss: Loss): Boolean = apply(loss, 1) != loss

  def apply(loss: Loss, width: Double): Loss = loss match {
    case HingeLoss                    => SmoothedHingeLoss(width)
    case OneVsRestLoss(HingeLoss, of) => OneVsRestLoss(SmoothedHingeLoss(width), of)
    case smooth                       => smooth
  }

  /** The model with the hinge's own objective and gap. */
  def certified(
      data: LinearData,
      penalty: Penalty,
      intercept: Boolean,
      width: Double,
      of: Trained
  ): Trained = {
    val outputs = of.coefficients.length / (data.features + 1)
    val (values, gaps) = (0 until outputs).map { o =>
      val w = of.coefficients.slice(o * (data.features + 1), (o + 1) * (data.features + 1))
      val found = sides(data, w, width, if (outputs == 1) -1 else o)
      val squares = w.init.map(x => x * x).sum
      val value = found.loss / data.moments.weight + penalty.l2 / 2 * squares
      (value, value - found.dual(data.moments.weight, penalty.l2, intercept))
    }.unzip
    of.copy(objective = values.sum, gap = Some(Math.max(0, gaps.sum)))
  }

  /** Those that a pass for a gap brings to the driver. */
  def bytes(data: LinearData): Long = 16L * (data.stride + 1) * data.blocks.partitions

  private def sides(data: LinearData, w: Array[Double], width: Double, positive: Int) = {
    val at = new Array[Double](data.stride + 1)
    System.arraycopy(w, 0, at, 0, data.features)
    at(data.stride) = w(data.features)
    sum(data.blocks, data.blocks.share(at), width, positive)
  }

  // In a method of its own, so that the tasks' closures hold just these arguments.
  private def sum(
      blocks: Blocks[Examples],
      at: Shared[Array[Double]],
      width: Double,
      positive: Int
  ): HingeGap =
    try
      blocks.sum(16L * at.value.length)(() => new HingeGap(width, positive, at.value))(
        _ add _
      )(_ merge _)
    finally at.destroy()
}
