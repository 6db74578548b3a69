package mllibpy.algorithm.als

import org.apache.spark.SparkContext
import org.apache.spark.scheduler.{
  SparkListener,
  SparkListenerJobEnd,
  SparkListenerJobStart,
  SparkListenerStageCompleted
}

import java.util.concurrent.{CountDownLatch, TimeUnit}

/** What Spark did: jobs, and stages that wrote a shuffle. */
final case class SparkWork(jobs: Int, shuffles: Int)

object SparkWork {
  private final val Mark = "mllibpy.tests.mark"

  /** Runs something and counts what Spark did for it.
    *
    * @param afterJob
    *   called after every job, on the listener's thread
    */
  def of(sc: SparkContext, afterJob: () => Unit = () => ())(body: => Any): SparkWork = {
    val counter = new Counter(afterJob)
    sc.addSparkListener(counter)
    try {
      body
      counter.upToNow(sc)
    } finally sc.removeSparkListener(counter)
  }

  private final class Counter(afterJob: () => Unit) extends SparkListener {
    private var jobs = 0
    private var shuffles = 0
    private var markedJob = -1
    private val seen = new CountDownLatch(1)

    override def onJobStart(e: SparkListenerJobStart): Unit =
      if (e.properties.getProperty(Mark) != null) markedJob = e.jobId else jobs += 1

    override def onStageCompleted(e: SparkListenerStageCompleted): Unit =
      if (e.stageInfo.taskMetrics.shuffleWriteMetrics.recordsWritten > 0) shuffles += 1

    override def onJobEnd(e: SparkListenerJobEnd): Unit =
      if (e.jobId == markedJob) seen.countDown() else afterJob()

    /** Events come in order but late: a job of our own marks the end of those that count. */
    def upToNow(sc: SparkContext): SparkWork = {
      sc.setLocalProperty(Mark, "")
      try sc.range(0, 1, numSlices = 1).count()
      finally sc.setLocalProperty(Mark, null)
      require(seen.await(30, TimeUnit.SECONDS), "the listener did not see the marked job")
      SparkWork(jobs, shuffles)
    }
  }
}
