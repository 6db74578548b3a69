package mllibpy.algorithm.als

import mllibpy.engine.{InvalidInput, Shared}
import mllibpy.kernel.{Arithmetic, Stride, TopK}
import org.apache.spark.SparkContext

/** Item rows and scores: those of the i-th user asked for are at `start(i) until start(i + 1)`. */
final class Recommendations(val start: Array[Int], val items: Array[Int], val scores: Array[Float])
    extends Serializable

object Recommender {
  // Below this many scores the driver is done before a job has started.
  private final val WorthAJob = 20000000L

  def recommend(
      sc: SparkContext,
      model: AlsModel,
      userRows: Array[Int],
      k: Int,
      excludeSeen: Boolean
  ): Recommendations = {
    val most = userRows.length.toLong * Math.min(k, model.items.size)
    InvalidInput.unless(
      most < Int.MaxValue - 16,
      s"$most recommendations are too many for one answer; ask for fewer users at a time"
    )
    val scorer = new Scorer(model, k, excludeSeen)
    if (userRows.length.toLong * model.items.size < WorthAJob) scorer.run(userRows)
    else onCluster(sc, scorer, userRows)
  }

  private def onCluster(sc: SparkContext, scorer: Scorer, userRows: Array[Int]): Recommendations = {
    val shared = Shared(sc, scorer)
    try {
      val tasks = Math.min(userRows.length, sc.defaultParallelism * 4)
      val ranges = (0 until tasks).map { t =>
        val from = (userRows.length.toLong * t / tasks).toInt
        java.util.Arrays.copyOfRange(
          userRows,
          from,
          (userRows.length.toLong * (t + 1) / tasks).toInt
        )
      }
      concat(sc.parallelize(ranges, tasks).map(r => shared.value.run(r)).collect().toSeq)
    } finally shared.destroy()
  }

  private def concat(parts: Seq[Recommendations]): Recommendations = {
    val before = parts.scanLeft(0)((sum, p) => Math.addExact(sum, p.items.length))
    val start = parts.zip(before).map { case (p, offset) => p.start.tail.map(_ + offset) }
    new Recommendations(
      Array.concat(Array(0) +: start: _*),
      Array.concat(parts.map(_.items): _*),
      Array.concat(parts.map(_.scores): _*)
    )
  }
}

/** Scores all items for one user after the other and keeps the best. */
private final class Scorer(model: AlsModel, k: Int, excludeSeen: Boolean) extends Serializable {
  @transient private lazy val itemRows = Stride.pad(model.items.rows, model.items.rank)

  def run(userRows: Array[Int]): Recommendations = {
    val n = Math.min(k, model.items.size)
    val best = new TopK(n)
    val start = new Array[Int](userRows.length + 1)
    val items = new Array[Int](userRows.length * n)
    val scores = new Array[Float](items.length)
    var i = 0
    while (i < userRows.length) {
      best.clear()
      score(userRows(i), best)
      best.copyTo(items, scores, start(i))
      start(i + 1) = start(i) + best.count
      i += 1
    }
    new Recommendations(
      start,
      java.util.Arrays.copyOf(items, start.last),
      java.util.Arrays.copyOf(scores, start.last)
    )
  }

  private def score(user: Int, best: TopK): Unit = {
    val rank = model.users.rank
    val stride = Stride.of(rank)
    val x = new Array[Float](stride)
    System.arraycopy(model.users.rows, user * rank, x, 0, rank)
    var skip = if (excludeSeen) model.seen.start(user) else 0
    val skipEnd = if (excludeSeen) model.seen.start(user + 1) else 0
    var item = 0
    while (item < model.items.size) {
      if (skip < skipEnd && model.seen.items(skip) == item) skip += 1
      else best.offer(item, Arithmetic.best.dot(x, 0, itemRows, item * stride, stride))
      item += 1
    }
  }
}
