package mllibpy.algorithm.linear

import mllibpy.engine.{InvalidInput, Monitor}
import mllibpy.kernel.linear.{HingeLoss, Loss, OneVsRestLoss, SmoothedHingeLoss, SquaredLoss}

/** What is asked of a fit.
  *
  * @param penalties
  *   one for each model to be trained
  * @param start
  *   coefficients that all begin at, by output, each with its intercept behind
  */
final case class LinearParams(
    loss: Loss,
    penalties: Seq[Penalty],
    start: Option[Array[Double]],
    intercept: Boolean,
    standardize: Boolean,
    solver: String,
    tolerance: Double,
    maxIter: Int
)

/** What came of it.
  *
  * @param bytes
  *   that came to the driver
  */
final class LinearFit(
    val models: Seq[Trained],
    val solver: String,
    val passes: Int,
    val bytes: Long
)

object LinearFit {
  final val Solvers: Seq[String] = Seq("auto", "lbfgs", "newton-cg", "direct")

  def apply(data: LinearData, p: LinearParams, monitor: Monitor): LinearFit = {
    val solver = chosen(data, p)
    val stopping = Stopping(p.tolerance, p.maxIter)
    if (solver == "direct") {
      val models =
        LeastSquares.path(data, p.penalties, p.intercept, p.standardize, stopping, monitor)
      new LinearFit(models, solver, 1, 8L * data.features * data.features * data.blocks.partitions)
    } else if (rounded(p.loss, 1) != p.loss) smoothed(data, p, solver, stopping, monitor)
    else {
      val of = problem(data, p.loss, p)
      new LinearFit(trained(of, p, solver, p.start, stopping, monitor), solver, of.passes, of.bytes)
    }
  }

  private def problem(data: LinearData, loss: Loss, p: LinearParams) =
    new Problem(data.blocks, loss, data.moments, data.stride, p.intercept, p.standardize)

  private def trained(
      of: Problem,
      p: LinearParams,
      solver: String,
      start: Option[Array[Double]],
      stopping: Stopping,
      monitor: Monitor
  ): Seq[Trained] =
    if (solver == "newton-cg")
      p.penalties.map(Trainer.newton(of, _, start, stopping, monitor))
    else Trainer.path(of, p.penalties, p.penalties.map(_ => start), stopping, monitor)

  // How far the hinge is rounded off, one after the other; the last stays.
  private final val Rounded = Seq(1.0, 0.1, 0.01, 1e-3, 1e-4)

  private def rounded(loss: Loss, width: Double): Loss = loss match {
    case HingeLoss                    => SmoothedHingeLoss(width)
    case OneVsRestLoss(HingeLoss, of) => OneVsRestLoss(SmoothedHingeLoss(width), of)
    case smooth                       => smooth
  }

  /** The hinge has no slope at 1: it is rounded off less and less, each time from where the time
    * before has ended (Nesterov: Smooth minimization of non-smooth functions, 2005). What is left
    * of it raises the objective by half of its width at most.
    */
  private def smoothed(
      data: LinearData,
      p: LinearParams,
      solver: String,
      stopping: Stopping,
      monitor: Monitor
  ): LinearFit = {
    val one = p.penalties.map { penalty =>
      var start = p.start
      val stages = Rounded.map { width =>
        val of = problem(data, rounded(p.loss, width), p)
        val found =
          trained(of, p.copy(penalties = Seq(penalty)), solver, start, stopping, monitor).head
        start = Some(found.coefficients)
        (found, of)
      }
      // Each stage has an objective of its own: what is not rounded off is what the last one nears.
      val last = stages.last._1.copy(
        iterations = stages.map(_._1.iterations).sum,
        history = stages.flatMap(_._1.history)
      )
      (last, stages.map(_._2.passes).sum, stages.map(_._2.bytes).sum)
    }
    new LinearFit(one.map(_._1), solver, one.map(_._2).sum, one.map(_._3).sum)
  }

  /** "auto": the normal equations where they suffice and fit, L-BFGS otherwise (with L1, OWL-QN).
    */
  private def chosen(data: LinearData, p: LinearParams): String = {
    InvalidInput.unless(
      Solvers.contains(p.solver),
      s"solver must be one of ${Solvers.map(s => s"'$s'").mkString(", ")}, not '${p.solver}'"
    )
    val direct = p.loss == SquaredLoss && data.features <= LeastSquares.MostFeatures
    val l1 = p.penalties.exists(_.l1 > 0)
    InvalidInput.unless(
      p.solver != "direct" || direct,
      s"solver='direct' is for the squared loss and up to ${LeastSquares.MostFeatures} features; take solver='lbfgs'"
    )
    InvalidInput.unless(
      p.solver != "newton-cg" || !l1,
      "solver='newton-cg' does not take an L1 penalty; take solver='lbfgs'"
    )
    if (p.solver != "auto") p.solver else if (direct) "direct" else "lbfgs"
  }
}
