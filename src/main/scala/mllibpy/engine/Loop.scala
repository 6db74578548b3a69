package mllibpy.engine

/** Why a loop ended, after how many iterations, and where. */
final case class Ended[S](state: S, iterations: Int, reason: String)

/** The driver loop of every iterative algorithm: it owns history, progress and the reason for
  * stopping.
  */
object Loop {

  /** A step's stages run in order; each gives the next state and its objective. */
  type Stage[S] = (String, S => (S, Double))

  /** Iterates until `maxIter`, until an iteration lowers the objective by less than `tol` of it, or
    * until `judge` gives a reason to stop.
    *
    * @param judge
    *   called after each iteration with its number
    * @param settle
    *   called between iterations with the number of the last
    */
  def run[S](
      start: S,
      maxIter: Int,
      tol: Option[Double],
      monitor: Monitor,
      judge: (Int, S) => Option[String] = (_: Int, _: S) => None
  )(stages: Seq[Stage[S]])(settle: (Int, S) => S): Ended[S] = {
    var state = start
    var before = Double.NaN
    var iteration = 0
    var reason: Option[String] = None
    while (reason.isEmpty) {
      iteration += 1
      var objective = Double.NaN
      for ((name, stage) <- stages) {
        val began = System.nanoTime()
        val (next, value) = stage(state)
        state = next
        objective = value
        monitor.record(StepRecord(iteration, name, value, (System.nanoTime() - began) / 1e9))
        if (!java.lang.Double.isFinite(value)) throw diverged(iteration, name, value)
      }
      reason = judge(iteration, state).orElse(stopping(iteration, maxIter, tol, before, objective))
      before = objective
      if (reason.isEmpty) state = settle(iteration, state)
    }
    Ended(state, iteration, reason.get)
  }

  private def stopping(
      iteration: Int,
      maxIter: Int,
      tol: Option[Double],
      before: Double,
      now: Double
  ) =
    tol match {
      case Some(t) if before - now <= t * Math.abs(before) =>
        Some(s"the objective fell by less than tol=$t of it")
      case _ if iteration == maxIter => Some(s"max_iter=$maxIter iterations done")
      case _                         => None
    }

  private def diverged(iteration: Int, stage: String, value: Double) =
    new InvalidInput(
      s"the objective became $value in iteration $iteration ($stage); raise reg, or scale the ratings down",
      "state"
    )
}
