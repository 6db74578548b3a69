package mllibpy.algorithm.linear

import mllibpy.engine.{InvalidInput, Monitor}
import mllibpy.kernel.linear.{Form, Loss, SquaredLoss}

/** What is asked of a fit.
  *
  * @param penalties
  *   one for each model to be trained
  * @param start
  *   coefficients that all begin at, by output, each with its intercept behind
  * @param miniBatch
  *   for the solver of that name
  */
final case class LinearParams(
    loss: Loss,
    penalties: Seq[Penalty],
    start: Option[Array[Double]],
    intercept: Boolean,
    standardize: Boolean,
    solver: String,
    tolerance: Double,
    maxIter: Int,
    miniBatch: MiniBatchPlan = MiniBatchPlan(1, 1, 0)
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
  final val Solvers: Seq[String] =
    Seq(
      "auto",
      "lbfgs",
      "newton-cg",
      "newton-cholesky",
      "direct",
      "local-sgd",
      "cocoa",
      "mini-batch"
    )

  def apply(data: LinearData, p: LinearParams, monitor: Monitor): LinearFit = {
    val solver = chosen(data, p)
    monitor.enter(solver)
    val stopping = Stopping(p.tolerance, p.maxIter)
    if (solver == "direct") {
      val models =
        LeastSquares.path(data, p.penalties, p.intercept, p.standardize, stopping, monitor)
      new LinearFit(models, solver, 1, 8L * data.features * data.features * data.blocks.partitions)
    } else if (solver == "cocoa") dual(data, p, stopping, monitor)
    else if (solver == "mini-batch") stepped(data, p, stopping, monitor)
    else if (RoundedHinge.is(p.loss)) smoothed(data, p, stopping, monitor)
    else {
      val of = problem(data, p.loss, p)
      new LinearFit(trained(of, p, solver, p.start, stopping, monitor), solver, of.passes, of.bytes)
    }
  }

  private def dual(data: LinearData, p: LinearParams, stopping: Stopping, monitor: Monitor) = {
    val found =
      p.penalties.map(Cocoa.fit(data, Cocoa.parts(p.loss).get, _, p.intercept, stopping, monitor))
    val passes = found.map(_._2).sum
    val vectors = if (p.intercept) 2L else 1L
    new LinearFit(
      found.map(_._1),
      "cocoa",
      passes,
      8L * vectors * (data.features + 1) * data.blocks.partitions * passes
    )
  }

  private def stepped(data: LinearData, p: LinearParams, stopping: Stopping, monitor: Monitor) = {
    val found = p.penalties.map(
      MiniBatch.fit(data, p.loss, _, p.intercept, p.start, p.miniBatch, stopping, monitor)
    )
    val passes = found.map(_.iterations + 1).sum
    val bytes = 8L * p.loss.outputs * (data.features + 1) * data.blocks.partitions * passes
    new LinearFit(found, "mini-batch", passes, bytes)
  }

  private def problem(data: LinearData, loss: Loss, p: LinearParams) =
    new Problem(
      data.blocks,
      loss,
      data.moments,
      data.stride,
      data.form == Form.Sparse,
      p.intercept,
      p.standardize
    )

  private def trained(
      of: Problem,
      p: LinearParams,
      solver: String,
      start: Option[Array[Double]],
      stopping: Stopping,
      monitor: Monitor
  ): Seq[Trained] =
    if (solver.startsWith("newton"))
      p.penalties.map(
        Trainer.newton(of, _, solver == "newton-cholesky", start, stopping, monitor)
      )
    else if (solver == "local-sgd")
      p.penalties.map(LocalSgd.fit(of, _, start, stopping, monitor))
    else
      Trainer.path(
        of,
        p.penalties,
        p.penalties.map(_ => start),
        shareCurvature(of, p),
        stopping,
        monitor
      )

  /** Whether several settings are worth a pass for a Hessian that all of them begin with. */
  private def shareCurvature(of: Problem, p: LinearParams) =
    p.penalties.length > 1 && p.penalties.forall(_.l1 == 0) &&
      LocalSgd.curvature(of.loss).nonEmpty && of.features <= NewtonCholesky.MostFeatures &&
      p.penalties.length.toLong * of.length * of.length <= MostNumbers

  // Of the settings' Hessians together.
  private final val MostNumbers = 32L << 20

  /** The stages of a rounded hinge, of all settings together; those that are certified take no part
    * in the next.
    */
  private def smoothed(data: LinearData, p: LinearParams, stopping: Stopping, monitor: Monitor) = {
    val certifying = p.penalties.forall(x => x.l1 == 0 && x.l2 > 0) && !p.standardize
    val found = Array.fill(p.penalties.length)(Vector.empty[Trained])
    var (passes, bytes) = (0, 0L)
    def done(i: Int) =
      found(i).lastOption.exists(t => t.gap.exists(_ <= stopping.tolerance * t.objective))
    for ((width, share) <- RoundedHinge.stages(certifying)) {
      val open = found.indices.filterNot(done)
      if (open.nonEmpty) {
        val of = problem(data, RoundedHinge(p.loss, width), p)
        val inner = stopping.copy(tolerance = stopping.tolerance * share)
        val starts = open.map(found(_).lastOption.map(_.coefficients).orElse(p.start))
        val penalties = open.map(p.penalties(_))
        val models = Trainer.path(of, penalties, starts, curved = false, inner, monitor)
        passes += of.passes
        bytes += of.bytes
        for ((i, t) <- open.zip(models))
          found(i) :+= (if (certifying) {
                          passes += p.loss.outputs
                          bytes += RoundedHinge.bytes(data) * p.loss.outputs
                          RoundedHinge.certified(data, p.penalties(i), p.intercept, width, t)
                        } else t)
      }
    }
    val models = found.indices.map { i =>
      val last = found(i).last
      last.copy(
        reason = if (done(i)) Cocoa.Converged else last.reason,
        iterations = found(i).map(_.iterations).sum,
        history = found(i).flatMap(_.history)
      )
    }
    new LinearFit(models, "lbfgs", passes, bytes)
  }

  /** Settings share the passes of L-BFGS, but each needs Hessians of its own. */
  private def worthwhile(data: LinearData, p: LinearParams) =
    p.penalties.length == 1 && data.moments.rows >= data.features

  /** "auto": the normal equations where they suffice and fit, Newton's method with the whole
    * Hessian for few features, L-BFGS otherwise (with L1, OWL-QN).
    */
  private def chosen(data: LinearData, p: LinearParams): String = {
    InvalidInput.unless(
      Solvers.contains(p.solver),
      s"solver must be one of ${Solvers.map(s => s"'$s'").mkString(", ")}, not '${p.solver}'"
    )
    val direct = p.loss == SquaredLoss && data.features <= LeastSquares.MostFeatures
    val l1 = p.penalties.exists(_.l1 > 0)
    val ridge = !l1 && p.penalties.forall(_.l2 > 0) && !p.standardize
    InvalidInput.unless(
      p.solver != "direct" || direct,
      s"solver='direct' is for the squared loss and up to ${LeastSquares.MostFeatures} features; take solver='lbfgs'"
    )
    InvalidInput.unless(
      !p.solver.startsWith("newton") || !l1,
      s"solver='${p.solver}' does not take an L1 penalty; take solver='lbfgs'"
    )
    InvalidInput.unless(
      !p.solver.startsWith("newton") || !RoundedHinge.is(p.loss),
      s"solver='${p.solver}' does not take the hinge, which has no curvature; take solver='lbfgs' or 'cocoa'"
    )
    val few =
      LocalSgd.curvature(p.loss).nonEmpty && data.features <= NewtonCholesky.MostFeatures
    InvalidInput.unless(
      p.solver != "local-sgd" || !l1 && LocalSgd.curvature(p.loss).nonEmpty,
      "solver='local-sgd' takes smooth losses of two classes or of numbers, and no L1; take solver='lbfgs'"
    )
    InvalidInput.unless(
      p.solver != "mini-batch" || !p.standardize,
      "solver='mini-batch' takes features as they are; leave standardize=False"
    )
    InvalidInput.unless(
      p.solver != "cocoa" || p.loss.outputs == 1 || Cocoa.parts(p.loss).nonEmpty,
      s"solver='cocoa' takes two classes, not ${p.loss.outputs}; take solver='lbfgs'"
    )
    InvalidInput.unless(
      p.solver != "cocoa" || ridge,
      "solver='cocoa' takes an L2 penalty above 0, no L1, and standardize=False; take solver='lbfgs'"
    )
    InvalidInput.unless(
      p.solver != "cocoa" || Cocoa.parts(p.loss).nonEmpty,
      "solver='cocoa' does not take this loss; take solver='lbfgs'"
    )
    // For several classes or many features its steps are found the other way.
    if (p.solver == "newton-cholesky" && !few) "newton-cg"
    else if (p.solver != "auto") p.solver
    else if (direct) "direct"
    else if (few && !l1 && worthwhile(data, p)) "newton-cholesky"
    else "lbfgs"
  }
}
