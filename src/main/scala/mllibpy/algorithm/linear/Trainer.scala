package mllibpy.algorithm.linear

import mllibpy.engine.{Monitor, StepRecord}

/** What came of a setting.
  *
  * @param coefficients
  *   by output, each with its intercept behind the last feature
  * @param gradient
  *   the largest entry of the gradient, in the coordinates that the minimiser sees; NaN where none
  *   was taken
  * @param history
  *   the best objective after each pass, or after each iteration of Newton's method
  * @param gap
  *   how far the objective is from the minimum at most, where that is known
  */
final case class Trained(
    coefficients: Array[Double],
    objective: Double,
    gradient: Double,
    iterations: Int,
    reason: String,
    history: Seq[Double],
    gap: Option[Double] = None
)

/** Minimises a problem for one or several settings of its penalty. */
private[linear] object Trainer {

  /** All settings together, each by a minimiser of its own: a pass for a step of all of them. Those
    * that have ended take no part in the next.
    *
    * @param starts
    *   the coefficients that each begins at
    * @param curved
    *   whether a first pass, where the first one begins, brings the Hessian that all begin with;
    *   for smooth losses of one margin, without L1
    */
  def path(
      problem: Problem,
      penalties: Seq[Penalty],
      starts: Seq[Option[Array[Double]]],
      curved: Boolean,
      stopping: Stopping,
      monitor: Monitor
  ): Seq[Trained] = {
    val inverses =
      if (curved) problem.inverses(penalties, starts.head).map(Some(_))
      else penalties.map(_ => None)
    val searches =
      penalties.indices.map(i => minimiser(problem, penalties(i), starts(i), inverses(i), stopping))
    val histories = penalties.map(_ => Vector.newBuilder[Double])
    def open = penalties.indices.filter(searches(_).reason.isEmpty)
    var step = 0
    while (open.nonEmpty) {
      val began = System.nanoTime()
      val asking = open
      val found = problem.evaluate(asking.map(i => (penalties(i), searches(i).point)))
      for ((i, (value, gradient)) <- asking.zip(found)) {
        searches(i).tell(value, gradient)
        histories(i) += searches(i).best.value
      }
      step += 1
      val seconds = (System.nanoTime() - began) / 1e9
      monitor.record(StepRecord(step, "pass", searches.map(_.best.value).sum, seconds))
    }
    penalties.indices.map { i =>
      val s = searches(i)
      trained(problem, penalties(i), s.best, s.iterations, s.reason.get, histories(i).result())
    }
  }

  private def minimiser(
      problem: Problem,
      penalty: Penalty,
      start: Option[Array[Double]],
      inverse: Option[Array[Double] => Array[Double]],
      stopping: Stopping
  ): Minimiser = {
    val from = begin(problem, penalty, start)
    if (penalty.l1 > 0) new Owlqn(from, problem.l1(penalty), stopping)
    else new Lbfgs(from, stopping, first = inverse)
  }

  private def begin(
      problem: Problem,
      penalty: Penalty,
      start: Option[Array[Double]]
  ): Array[Double] =
    start.map(problem.point(penalty, _)).getOrElse(new Array[Double](problem.length))

  /** One setting, by Newton's method. */
  def newton(
      problem: Problem,
      penalty: Penalty,
      cholesky: Boolean,
      start: Option[Array[Double]],
      stopping: Stopping,
      monitor: Monitor
  ): Trained = {
    var began = System.nanoTime()
    var step = 0
    val history = Vector.newBuilder[Double]
    def see(b: Best): Unit = {
      step += 1
      history += b.value
      val now = System.nanoTime()
      monitor.record(StepRecord(step, "iteration", b.value, (now - began) / 1e9))
      began = now
    }
    val from = begin(problem, penalty, start)
    val (best, iterations, reason) =
      if (cholesky)
        Newton.minimise[NewtonCholesky.Curved](
          from,
          stopping,
          problem.curved(penalty, _),
          (_, seen) => NewtonCholesky.step(seen),
          see
        )
      else
        Newton.minimise[NewtonCg.Slope](
          from,
          stopping,
          v => (NewtonCg.Slope.apply _).tupled(problem.evaluate(Seq((penalty, v))).head),
          (v, seen) => NewtonCg.step(seen.gradient, problem.hessianVector(penalty, v, _)),
          see
        )
    trained(problem, penalty, best, iterations, reason, history.result())
  }

  def trained(
      problem: Problem,
      penalty: Penalty,
      best: Best,
      iterations: Int,
      reason: String,
      history: Seq[Double]
  ) =
    Trained(
      problem.settled(penalty, problem.coefficients(penalty, best.point)),
      best.value,
      best.gradient,
      iterations,
      reason,
      history
    )
}
