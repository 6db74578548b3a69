package mllibpy.algorithm.linear

import mllibpy.engine.{Blocks, Carried, HereBlocks, InvalidInput, Monitor, StepRecord}
import mllibpy.kernel.linear.{
  Conjugate,
  DualAscent,
  DualPlan,
  DualState,
  Examples,
  Loss,
  MarginLoss,
  OneVsRestLoss
}

/** CoCoA+ for a loss with a conjugate and an L2 penalty; see [[DualAscent]].
  *
  * The intercept has no penalty, so that the dual variables must add up to 0: the method of
  * multipliers keeps the intercept near a centre by a small penalty of its own, and moves the
  * centre after each round. The gap is that of the dual variables shrunk until they add up to 0.
  *
  * Crossings of a round: one job; the coefficients once to each executor; from each partition two
  * sums as long as these. Dual variables, 16 bytes a row, stay with their blocks, but for every
  * 20th round, when [[Carried]] takes them to the checkpoint directory, or, where there is none,
  * through the driver.
  */
private[linear] object Cocoa {

  /** What the loss is made of: for each output the loss of its margin, and the class that it tells
    * from all others, -1 where labels are 0 and 1 or numbers; None where it has no conjugate.
    */
  def parts(loss: Loss): Option[Seq[(MarginLoss with Conjugate, Int)]] = loss match {
    case OneVsRestLoss(of: Conjugate, classes) => Some((0 until classes).map((of, _)))
    case of: MarginLoss with Conjugate         => Some(Seq((of, -1)))
    case _                                     => None
  }

  /** Of several classes, one after the other; with it, the passes of all. */
  def fit(
      data: LinearData,
      parts: Seq[(MarginLoss with Conjugate, Int)],
      penalty: Penalty,
      intercept: Boolean,
      stopping: Stopping,
      monitor: Monitor
  ): (Trained, Int) =
    joined(parts.map { case (of, positive) =>
      rounds(data, of, positive, penalty.l2, intercept, stopping, monitor)
    })

  private def joined(models: Seq[Trained]): (Trained, Int) = {
    val worst = models.maxBy(_.iterations)
    val all = worst.copy(
      coefficients = models.flatMap(_.coefficients).toArray,
      objective = models.map(_.objective).sum,
      gap = Some(models.flatMap(_.gap).sum),
      history = (0 until worst.iterations).map { i =>
        models.map(m => m.history(Math.min(i, m.history.length - 1))).sum
      }
    )
    (all, models.map(_.iterations).sum)
  }

  /** The intercept's own penalty: so small that the centre moves most of the way in each round, so
    * large that the intercept adds little to a row's curvature.
    */
  private def softly(l2: Double, length: Double, weight: Double): Double =
    1 / Math.max(0.1 * length / l2, Math.min(100, weight / 10))

  /** On the driver all rows are one part: dual variables of several parts that pull against each
    * other settle so slowly that one thread is sooner done than two.
    */
  private def together(blocks: Blocks[Examples]): Blocks[Examples] = blocks match {
    case here: HereBlocks[Examples] => here.inOne
    case there                      => there
  }

  private def rounds(
      data: LinearData,
      loss: MarginLoss with Conjugate,
      positive: Int,
      l2: Double,
      intercept: Boolean,
      stopping: Stopping,
      monitor: Monitor
  ): Trained = {
    val m = data.moments
    val length = (0 until data.features).map(f => m.variance(f) + m.means(f) * m.means(f)).sum
    val rho = if (intercept) softly(l2, length, m.weight) else 0
    val blocks = together(data.blocks)
    val plan = DualPlan(
      loss,
      positive,
      data.features,
      data.stride,
      m.weight,
      l2,
      rho,
      blocks.partitions
    )
    val states = Carried(blocks)(DualState.zeros)
    try new Rounds(data, plan, states, stopping, monitor).run()
    finally states.release()
  }

  private final class Rounds(
      data: LinearData,
      plan: DualPlan,
      states: Carried[Examples, DualState],
      stopping: Stopping,
      monitor: Monitor
  ) {
    private var at = new Array[Double](plan.stride + 1)
    private var centre = 0.0
    private var (above, below) = (0.0, 0.0)
    private var best: Array[Double] = at
    private var (value, bound) = (Double.PositiveInfinity, Double.NegativeInfinity)
    private var history = Vector.empty[Double]

    def run(): Trained = {
      var reason: Option[String] = None
      while (reason.isEmpty) {
        val began = System.nanoTime()
        round()
        monitor.record(
          StepRecord(history.length, "round", value, (System.nanoTime() - began) / 1e9)
        )
        if (value - bound <= stopping.tolerance * Math.abs(value))
          reason = Some(Cocoa.Converged)
        else if (history.length >= stopping.maxIter)
          reason = Some(s"max_iter=${stopping.maxIter} iterations done")
      }
      Trained(
        best.take(plan.features) :+ best(plan.stride),
        value,
        Double.NaN,
        history.length,
        reason.get,
        history,
        Some(Math.max(0, value - bound))
      )
    }

    private def round(): Unit = {
      // What dual variables that add up to 0 are these times.
      val most = Math.min(above, below)
      val shrink =
        if (plan.rho == 0) (1.0, 1.0)
        else (if (above > 0) most / above else 1.0, if (below > 0) most / below else 1.0)
      val found = Cocoa.ascend(data, states, plan, at, shrink, history.length.toLong)
      note(found, shrink)
      move(found)
    }

    /** The objective and the dual's at the start of the round. */
    private def note(found: DualAscent, shrink: (Double, Double)): Unit = {
      var (primal, dual) = (0.0, 0.0)
      val scale = 1 / (plan.weight * plan.l2)
      for (f <- 0 until plan.features) {
        val w = at(f)
        val part = if (plan.rho > 0) found.above(f) * scale else 0
        val shrunk = if (plan.rho > 0) shrink._1 * part + shrink._2 * (w - part) else w
        primal += w * w
        dual += shrunk * shrunk
      }
      val now = found.loss / plan.weight + plan.l2 / 2 * primal
      InvalidInput.unless(
        java.lang.Double.isFinite(now),
        s"the objective became $now in round ${history.length + 1}; scale the features down"
      )
      if (now < value) {
        value = now
        best = at
      }
      bound = Math.max(bound, found.dual / plan.weight - plan.l2 / 2 * dual)
      history :+= value
    }

    private def move(found: DualAscent): Unit = {
      val next = new Array[Double](at.length)
      for (f <- 0 until plan.features)
        next(f) = at(f) + (found.moved(f) - found.parts * at(f)) / plan.parts
      above = found.positive
      below = found.negative
      if (plan.rho > 0) {
        val pull = (above - below) / (plan.weight * plan.rho)
        centre += pull
        next(plan.stride) = centre + pull
      }
      at = next
    }
  }

  final val Converged = "the duality gap is within tol"

  // In a method of its own, so that the tasks' closures hold just these arguments.
  private def ascend(
      data: LinearData,
      states: Carried[Examples, DualState],
      plan: DualPlan,
      at: Array[Double],
      shrink: (Double, Double),
      round: Long
  ): DualAscent = {
    val shared = data.blocks.share(at)
    states.step(Seq(shared))(part =>
      new DualAscent(plan, shared.value, shrink, 1009 * round + part)
    )((sum, blocks, before) => sum.add(blocks, before))(_ merge _)
  }
}
