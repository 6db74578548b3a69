package mllibpy.engine

import java.util.concurrent.{Callable, ExecutionException, Executors, Future}

/** Work on the driver's own threads. */
private[engine] object Threads {
  private lazy val pool = Executors.newCachedThreadPool { work =>
    val thread = new Thread(work, "mllib_py-sum")
    thread.setDaemon(true)
    thread
  }

  /** Does all of it at once, a part by the caller; the results in order, or what the first part
    * that failed threw.
    */
  def all[S](work: Seq[() => S]): Seq[S] =
    if (work.lengthIs <= 1) work.map(_())
    else {
      val others = work.tail.map(w => pool.submit((() => w()): Callable[S]))
      try work.head() +: others.map(result)
      finally others.foreach(_.cancel(true))
    }

  private def result[S](of: Future[S]): S =
    try of.get
    catch { case e: ExecutionException => throw e.getCause }
}
