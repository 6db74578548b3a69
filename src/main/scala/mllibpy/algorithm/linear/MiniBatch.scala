package mllibpy.algorithm.linear

import mllibpy.engine.{Blocks, InvalidInput, Monitor, Shared, StepRecord}
import mllibpy.kernel.linear.{Examples, Loss, MiniBatchSum, Shape}

/** How synchronous mini-batch descent steps.
  *
  * @param step
  *   the first step's length; step t's is this over the square root of t
  * @param fraction
  *   the probability with which a step draws a row
  */
final case class MiniBatchPlan(step: Double, fraction: Double, seed: Long)

/** Synchronous mini-batch (sub)gradient descent, the classic primitive, as Spark's MLlib has it:
  * step t draws rows, takes the weighted mean g of their (sub)gradients, and with eta = step /
  * sqrt(t) moves coefficients to
  * {{{
  * (1 - eta l2) w - eta g,  then each towards 0 by eta l1, not beyond it
  * }}}
  * It ends when a step is shorter than tol * max(1, |w|). Features are taken as they are, the
  * intercept is not penalised. The history is that of the drawn rows; a last pass over all rows
  * tells the objective.
  *
  * Crossings of a step: one job; the coefficients once to each executor and once from each
  * partition.
  */
private[linear] object MiniBatch {

  def fit(
      data: LinearData,
      loss: Loss,
      penalty: Penalty,
      intercept: Boolean,
      start: Option[Array[Double]],
      plan: MiniBatchPlan,
      stopping: Stopping,
      monitor: Monitor
  ): Trained = {
    val shape = Shape(data.stride, loss.outputs)
    var w = start.getOrElse(new Array[Double](loss.outputs * (data.features + 1)))
    var history = Vector.empty[Double]
    var reason: Option[String] = None
    var t = 0
    while (reason.isEmpty) {
      val began = System.nanoTime()
      t += 1
      val found = sum(data, loss, shape, plan, placed(w, data, shape), t.toLong).drawn
      if (found.weight > 0) {
        history :+= found.values(0) / found.weight + penalised(w, penalty, data.features)
        refuseDivergence(history.last, t)
        val next = moved(w, found.gradient, found.weight, penalty, plan, intercept, t, data, shape)
        val length = Math.sqrt(squares(Vectors.minus(next, w)))
        w = next
        if (length < stopping.tolerance * Math.max(1, Math.sqrt(squares(w))))
          reason = Some("a step is shorter than tol")
      }
      if (reason.isEmpty && t >= stopping.maxIter)
        reason = Some(s"max_iter=${stopping.maxIter} iterations done")
      monitor.record(
        StepRecord(t, "step", history.lastOption.getOrElse(0.0), (System.nanoTime() - began) / 1e9)
      )
    }
    val (objective, gradient) = SgdEnd(data, loss, penalty, intercept, w, None)
    Trained(w, objective, gradient, t, reason.get, history)
  }

  private def squares(v: Array[Double]) = Vectors.dot(v, v)

  private def penalised(w: Array[Double], penalty: Penalty, features: Int): Double =
    w.indices
      .filter(_ % (features + 1) != features)
      .map(i => penalty.l2 / 2 * w(i) * w(i) + penalty.l1 * Math.abs(w(i)))
      .sum

  private def refuseDivergence(objective: Double, t: Int): Unit =
    InvalidInput.unless(
      java.lang.Double.isFinite(objective),
      s"the objective became $objective in step $t; scale the features (StandardScaler), or lower step"
    )

  /** Coefficients by output, each with its intercept behind, as a pass wants them. */
  private def placed(w: Array[Double], data: LinearData, shape: Shape): Array[Double] = {
    val out = new Array[Double](shape.length)
    for (i <- w.indices) out(place(i, data, shape)) = w(i)
    out
  }

  private def place(i: Int, data: LinearData, shape: Shape): Int = {
    val (o, f) = (i / (data.features + 1), i % (data.features + 1))
    (if (f == data.features) data.stride else f) * shape.columns + o
  }

  private def moved(
      w: Array[Double],
      gradient: Array[Double],
      weight: Double,
      penalty: Penalty,
      plan: MiniBatchPlan,
      intercept: Boolean,
      t: Int,
      data: LinearData,
      shape: Shape
  ): Array[Double] = {
    val eta = plan.step / Math.sqrt(t.toDouble)
    Array.tabulate(w.length) { i =>
      val g = gradient(place(i, data, shape)) / weight
      if (i % (data.features + 1) == data.features) if (intercept) w(i) - eta * g else 0
      else {
        val next = (1 - eta * penalty.l2) * w(i) - eta * g
        Math.signum(next) * Math.max(0, Math.abs(next) - eta * penalty.l1)
      }
    }
  }

  private def sum(
      data: LinearData,
      loss: Loss,
      shape: Shape,
      plan: MiniBatchPlan,
      at: Array[Double],
      t: Long
  ): MiniBatchSum = {
    val shared = data.blocks.share(at)
    try summed(data.blocks, loss, shape, plan, shared, t)
    finally shared.destroy()
  }

  // In a method of its own, so that the tasks' closures hold just these arguments.
  private def summed(
      blocks: Blocks[Examples],
      loss: Loss,
      shape: Shape,
      plan: MiniBatchPlan,
      at: Shared[Array[Double]],
      t: Long
  ): MiniBatchSum =
    blocks.sum(8L * shape.length)(() =>
      new MiniBatchSum(loss, shape, plan.fraction, at.value, plan.seed + 1009 * t)
    )(_ add _)(_ merge _)
}
