package mllibpy.algorithm.linear

import mllibpy.engine.{Blocks, InvalidInput, Monitor, Shared, StepRecord}
import mllibpy.kernel.linear.{Examples, Loss, SgdEpoch, SgdPlan}

/** Where stochastic gradient descent begins and ends.
  *
  * @param start
  *   coefficients by class, each with its intercept behind
  * @param steps
  *   that were made before, of all rows
  * @param tol
  *   the fit ends after `patience` epochs whose mean loss is not below the best by it; None: it
  *   does not
  * @param average
  *   whether the mean of the epochs' coefficients is taken, not the last
  * @param measured
  *   the loss of all classes, where a last pass is to find the objective; None for none
  */
final case class SgdParams(
    plan: SgdPlan,
    start: Array[Double],
    steps: Double,
    maxIter: Int,
    tol: Option[Double],
    patience: Int,
    average: Boolean,
    seed: Long,
    measured: Option[Loss] = None
)

/** What came of it; `steps` as the next fit wants them.
  *
  * @param end
  *   the objective, and the largest entry of its smooth part's gradient, where they were asked for
  */
final class SgdFit(
    val coefficients: Array[Double],
    val steps: Double,
    val epochs: Int,
    val losses: Seq[Double],
    val reason: String,
    val end: Option[(Double, Double)],
    val bytes: Long
) {
  def passes: Int = epochs + end.size
}

/** Stochastic gradient descent: each pass is an epoch inside each partition and an average of where
  * these have come to; on one partition it is the plain algorithm.
  *
  * Crossings of an epoch: one job; the coefficients once to each executor and once from each
  * partition.
  */
object Sgd {
  // The rule "adaptive" goes on with a fifth of its step, until that is below this.
  private final val LeastStep = 1e-6

  def apply(data: LinearData, p: SgdParams, monitor: Monitor): SgdFit = {
    var at = p.start
    val mean = p.start.map(_ => 0.0)
    var steps = p.steps
    var plan = p.plan
    var losses = Vector.empty[Double]
    var (best, worse) = (Double.PositiveInfinity, 0)
    var reason: Option[String] = None
    var rows = 0L
    while (reason.isEmpty) {
      val began = System.nanoTime()
      val found = epoch(data.blocks, plan, at, steps, p.seed + losses.length)
      InvalidInput.unless(found.rows > 0, "there are no rows to fit; give at least one")
      at = found.coefficients
      rows = found.rows
      // A partition's own steps: rows that others went over at the same time do not count.
      steps += Math.ceil(found.rows.toDouble / data.blocks.partitions)
      losses :+= found.loss / Math.max(found.weight, Double.MinPositiveValue)
      for (i <- at.indices) mean(i) += (at(i) - mean(i)) / losses.length
      monitor.record(
        StepRecord(losses.length, "epoch", losses.last, (System.nanoTime() - began) / 1e9)
      )
      refuseDivergence(at, losses)
      worse = if (p.tol.exists(t => losses.last > best - t)) worse + 1 else 0
      best = Math.min(best, losses.last)
      if (worse >= p.patience) {
        if (plan.step.rule == "adaptive" && plan.step.eta0 > LeastStep) {
          plan = plan.copy(step = plan.step.copy(eta0 = plan.step.eta0 / 5))
          worse = 0
        } else reason = Some(s"the mean loss fell by less than tol in ${p.patience} epochs")
      }
      if (reason.isEmpty && losses.length >= p.maxIter)
        reason = Some(s"max_iter=${p.maxIter} epochs done")
    }
    val coefficients = if (p.average) mean else at
    val penalty = Penalty(p.plan.l2, p.plan.l1)
    val end =
      p.measured.map(SgdEnd(data, _, penalty, p.plan.intercept, coefficients, Some(rows.toDouble)))
    val bytes = 8L * at.length * data.blocks.partitions * (losses.length + end.size)
    new SgdFit(coefficients, steps, losses.length, losses, reason.get, end, bytes)
  }

  private def refuseDivergence(at: Array[Double], losses: Seq[Double]): Unit =
    InvalidInput.unless(
      at.forall(java.lang.Double.isFinite) && java.lang.Double.isFinite(losses.last),
      s"the coefficients became infinite in epoch ${losses.length}; scale the features (StandardScaler), or lower eta0"
    )

  // In a method of its own, so that the tasks' closures hold just these arguments.
  private def epoch(
      blocks: Blocks[Examples],
      plan: SgdPlan,
      at: Array[Double],
      steps: Double,
      seed: Long
  ): SgdEpoch = {
    val start = blocks.share(at)
    try summed(blocks, plan, start, steps, seed)
    finally start.destroy()
  }

  private def summed(
      blocks: Blocks[Examples],
      plan: SgdPlan,
      start: Shared[Array[Double]],
      steps: Double,
      seed: Long
  ): SgdEpoch = {
    val bytes = 16L * plan.classes * (plan.features + 1)
    blocks.sum(bytes)(() => new SgdEpoch(plan, start.value, steps, seed))(_ add _)(_ merge _)
  }
}
