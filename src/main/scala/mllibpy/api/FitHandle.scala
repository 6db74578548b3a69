package mllibpy.api

import mllibpy.algorithm.als.IterationReport
import mllibpy.engine.{InvalidInput, Monitor}
import org.apache.spark.SparkContext

/** A fit that runs on a thread of its own, so that the caller can show progress and interrupt it.
  *
  * Where it is watched, it waits after each iteration until the caller has answered its report, for
  * an hour at most: a caller that is gone does not hold it for ever.
  *
  * @param what
  *   is fitted, in the words that Spark's pages show beside its jobs
  * @param fit
  *   the work, given who to tell how far it is and whom to ask after an iteration
  */
final class FitHandle[M](sc: SparkContext, what: String)(
    fit: (Monitor, IterationReport => Boolean) => M
) {
  private val monitor = new Monitor
  private val group = s"mllib_py-fit-${java.util.UUID.randomUUID}"

  // All guarded by `this`.
  private var result: Option[Either[Throwable, M]] = None
  private var waiting: Option[IterationReport] = None
  private var answered: Option[Boolean] = None

  // Spark's local properties (scheduler pool, job description) are inherited by the thread.
  private val thread = new Thread(
    () => {
      val ended =
        try {
          sc.setJobGroup(group, s"mllib_py $what", interruptOnCancel = false)
          Right(fit(monitor, ask))
        } catch { case e: Throwable => Left(e) }
      synchronized {
        result = Some(ended)
        notifyAll()
      }
    },
    group
  )
  thread.setDaemon(true)
  thread.start()

  /** Reports to the caller and waits for the answer; on the fit's thread. */
  private def ask(report: IterationReport): Boolean = synchronized {
    waiting = Some(report)
    answered = None
    notifyAll()
    val until = System.nanoTime() + FitHandle.MostWait * 1000000L
    while (answered.isEmpty && !monitor.isStopped) {
      val left = (until - System.nanoTime()) / 1000000L
      if (left <= 0)
        throw new InvalidInput(
          s"the callbacks after iteration ${report.iteration} took more than an hour; the fit is given up"
        )
      wait(left)
    }
    waiting = None
    answered.contains(true)
  }

  /** Waits at most `millis`, or until a report waits for an answer; where the fit has ended, true.
    */
  def waitFor(millis: Long): Boolean = synchronized {
    if (millis > 0 && result.isEmpty && waiting.isEmpty) wait(millis)
    result.nonEmpty
  }

  /** The report that waits for an answer, as JSON; null where none does. */
  def report(): String = synchronized {
    waiting.map { r =>
      val validation = r.validation.map(_.toString).getOrElse("null")
      s"""{"iteration": ${r.iteration}, "objective": ${r.objective}, "seconds": ${r.seconds}, "validation": $validation}"""
    }.orNull
  }

  /** Answers it: whether to stop. */
  def answer(stop: Boolean): Unit = synchronized {
    waiting = None
    answered = Some(stop)
    notifyAll()
  }

  /** Phase, half-steps done, and the last objective and validation. */
  def progress: String = {
    val h = monitor.history
    val objective = h.lastOption.map(r => s""", "objective": ${r.objective}""").getOrElse("")
    val validation =
      h.reverseIterator.flatMap(_.validation).nextOption().map(v => s""", "validation": $v""")
    s"""{"phase": "${monitor.phase}", "done": ${h.length}$objective${validation.getOrElse("")}}"""
  }

  /** The model; throws what the fit threw. Waits for the end. */
  def model(): M = {
    await()
    result.get.fold(e => throw e, identity)
  }

  def cancel(): Unit = {
    monitor.stop()
    synchronized(notifyAll())
    sc.cancelJobGroup(group)
    await()
  }

  private def await(): Unit = synchronized { while (result.isEmpty) wait() }
}

private object FitHandle {
  private final val MostWait = 3600000L
}
