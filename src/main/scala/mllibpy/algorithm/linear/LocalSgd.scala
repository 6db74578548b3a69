package mllibpy.algorithm.linear

import mllibpy.engine.{Blocks, Monitor, Shared, StepRecord}
import mllibpy.kernel.linear.{
  Examples,
  HuberLoss,
  LogisticLoss,
  Loss,
  ModifiedHuberLoss,
  SquaredHingeLoss,
  SquaredLoss,
  SvrgEpoch,
  SvrgPlan
}

/** Local stochastic gradient descent that converges to the minimum: a round is a pass for the
  * gradient and one for an epoch inside each partition, corrected by that gradient and averaged;
  * see [[SvrgEpoch]]. For smooth losses of one margin, without L1.
  *
  * A round that raises the objective is taken back and its step halved: partitions that differ much
  * from each other, or rows much longer than most, need shorter steps.
  *
  * Crossings of a round: two jobs; the coefficients twice to each executor and twice from each
  * partition.
  */
private[linear] object LocalSgd {

  /** The largest second derivative of a loss that this takes. */
  def curvature(loss: Loss): Option[Double] = loss match {
    case LogisticLoss                         => Some(0.25)
    case SquaredLoss | HuberLoss(_)           => Some(1.0)
    case SquaredHingeLoss | ModifiedHuberLoss => Some(2.0)
    case _                                    => None
  }

  def fit(
      problem: Problem,
      penalty: Penalty,
      start: Option[Array[Double]],
      stopping: Stopping,
      monitor: Monitor
  ): Trained = {
    var at = start.map(problem.point(penalty, _)).getOrElse(new Array[Double](problem.length))
    var (value, gradient) = problem.evaluate(Seq((penalty, at))).head
    var shorter = 1.0
    var history = Vector(value)
    var rounds = 0
    var ended = Minimiser.atStart(value, gradient, stopping)
    while (ended.isEmpty) {
      val began = System.nanoTime()
      rounds += 1
      val tried = problem.epoch(penalty, at, gradient, shorter, rounds.toLong)
      val (found, slopes) = problem.evaluate(Seq((penalty, tried))).head
      if (found < value) {
        ended = stopping.reason(rounds, value, found, Vectors.largest(slopes))
        at = tried
        value = found
        gradient = slopes
      } else {
        shorter /= 2
        if (shorter < Shortest) ended = Some(Stopping.Exhausted)
        else if (rounds >= stopping.maxIter)
          ended = Some(s"max_iter=${stopping.maxIter} iterations done")
      }
      history :+= value
      monitor.record(StepRecord(rounds, "round", value, (System.nanoTime() - began) / 1e9))
    }
    Trainer.trained(
      problem,
      penalty,
      Best(at, value, Vectors.largest(gradient)),
      rounds,
      ended.get,
      history
    )
  }

  // A step shorter than this share of the first is no step.
  private final val Shortest = 1e-6

  // In a method of its own, so that the tasks' closures hold just these arguments.
  def epoch(
      blocks: Blocks[Examples],
      plan: SvrgPlan,
      at: Array[Double],
      seed: Long
  ): SvrgEpoch = {
    val (shared, start) = (blocks.share(plan), blocks.share(at))
    try summed(blocks, shared, start, seed)
    finally {
      shared.destroy()
      start.destroy()
    }
  }

  private def summed(
      blocks: Blocks[Examples],
      plan: Shared[SvrgPlan],
      at: Shared[Array[Double]],
      seed: Long
  ): SvrgEpoch =
    blocks.sum(8L * at.value.length)(() => new SvrgEpoch(plan.value, at.value, seed))(_ add _)(
      _ merge _
    )
}
