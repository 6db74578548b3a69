package mllibpy.engine

import java.util.concurrent.ConcurrentLinkedQueue

/** One step of a fit, for its history. */
final case class StepRecord(iteration: Int, stage: String, objective: Double, seconds: Double)

/** What a running fit tells others, and how they stop it. Thread safe. */
final class Monitor {
  private val records = new ConcurrentLinkedQueue[StepRecord]
  @volatile private var phaseNow = "starting"
  @volatile private var stopped = false

  def phase: String = phaseNow
  def enter(phase: String): Unit = {
    check()
    phaseNow = phase
  }
  def record(step: StepRecord): Unit = {
    records.add(step)
    check()
  }
  def history: Seq[StepRecord] = records.toArray(Array.empty[StepRecord]).toSeq

  def stop(): Unit = stopped = true
  private def check(): Unit =
    if (stopped) throw new InvalidInput("the fit was interrupted", "interrupt")
}
