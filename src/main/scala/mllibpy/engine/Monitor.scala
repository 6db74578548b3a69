package mllibpy.engine

/** One step of a fit, for its history.
  *
  * @param validation
  *   what held-out data said after it, where they were asked
  */
final case class StepRecord(
    iteration: Int,
    stage: String,
    objective: Double,
    seconds: Double,
    validation: Option[Double] = None
)

/** What a running fit tells others, and how they stop it. One thread writes, any may read or stop.
  */
final class Monitor {
  @volatile private var records = Vector.empty[StepRecord]
  @volatile private var phaseNow = "starting"
  @volatile private var stopped = false

  def phase: String = phaseNow
  def enter(phase: String): Unit = {
    check()
    phaseNow = phase
  }
  def record(step: StepRecord): Unit = {
    records :+= step
    check()
  }

  /** Adds to the last step what held-out data said after it. */
  def validated(value: Double): Unit =
    records = records.init :+ records.last.copy(validation = Some(value))

  def history: Seq[StepRecord] = records

  def stop(): Unit = stopped = true
  def isStopped: Boolean = stopped

  /** Throws where the fit was told to stop. */
  def check(): Unit =
    if (stopped) throw new InvalidInput("the fit was interrupted", "interrupt")
}
