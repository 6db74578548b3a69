package mllibpy.api

import mllibpy.algorithm.als.{Als, AlsModel, AlsParams, Ratings}
import mllibpy.engine.Monitor
import org.apache.spark.SparkContext

import java.util.concurrent.{CountDownLatch, TimeUnit}

/** A fit that runs on a thread of its own, so that the caller can show progress and interrupt it.
  */
final class FitHandle(sc: SparkContext, ratings: Ratings, params: AlsParams) {
  private val monitor = new Monitor
  private val done = new CountDownLatch(1)
  private val group = s"mllib_py-fit-${java.util.UUID.randomUUID}"
  @volatile private var result: Either[Throwable, AlsModel] = _

  // Spark's local properties (scheduler pool, job description) are inherited by the thread.
  private val thread = new Thread(
    () => {
      try {
        sc.setJobGroup(group, s"mllib_py ALS, rank ${params.rank}", interruptOnCancel = false)
        result = Right(Als.fit(ratings, params, monitor))
      } catch { case e: Throwable => result = Left(e) }
      finally done.countDown()
    },
    group
  )
  thread.setDaemon(true)
  thread.start()

  /** Waits at most `millis`; where the fit has ended, true. */
  def waitFor(millis: Long): Boolean = done.await(millis, TimeUnit.MILLISECONDS)

  /** Phase, half-steps done, and the last objective. */
  def progress: String = {
    val h = monitor.history
    val last = h.lastOption.map(r => s""", "objective": ${r.objective}""").getOrElse("")
    s"""{"phase": "${monitor.phase}", "done": ${h.length}$last}"""
  }

  /** The model; throws what the fit threw. Waits for the end. */
  def model(): AlsModel = {
    done.await()
    result.fold(e => throw e, identity)
  }

  def cancel(): Unit = {
    monitor.stop()
    sc.cancelJobGroup(group)
    done.await()
  }
}
