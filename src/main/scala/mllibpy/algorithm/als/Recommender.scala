package mllibpy.algorithm.als

import mllibpy.engine.{InvalidInput, Shared}
import mllibpy.kernel.{Arithmetic, PanelScorer}
import org.apache.spark.SparkContext

/** Rows found and their scores: those of the i-th query are at `start(i) until start(i + 1)`. */
final class Recommendations(val start: Array[Int], val items: Array[Int], val scores: Array[Float])
    extends Serializable

/** What is asked: the best candidates for queries, by the product of rows.
  *
  * @param candidates
  *   rows that may be found, ascending
  * @param hidden
  *   rows that a query may not find, or null
  * @param offset
  *   what is added to a product
  */
final class Question(
    val rank: Int,
    val queries: Array[Float],
    val found: Array[Float],
    val candidates: Array[Int],
    val hidden: Seen,
    val offset: Float
) extends Serializable

object Recommender {
  // Below this many scores the driver is done before a job has started.
  private final val WorthAJob = 20000000L

  def ask(sc: SparkContext, question: Question, rows: Array[Int], k: Int): Recommendations = {
    val most = rows.length.toLong * Math.min(k, question.candidates.length)
    InvalidInput.unless(
      most < Int.MaxValue - 16,
      s"$most recommendations are too many for one answer; ask for fewer at a time"
    )
    val scorer = new Scorer(question, k)
    if (rows.length.toLong * question.candidates.length < WorthAJob) scorer.run(rows)
    else onCluster(sc, scorer, rows)
  }

  private def onCluster(sc: SparkContext, scorer: Scorer, rows: Array[Int]): Recommendations = {
    val shared = Shared(sc, scorer)
    try {
      val tasks = Math.min(rows.length, sc.defaultParallelism * 4)
      val ranges = (0 until tasks).map { t =>
        val from = (rows.length.toLong * t / tasks).toInt
        java.util.Arrays.copyOfRange(rows, from, (rows.length.toLong * (t + 1) / tasks).toInt)
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

/** Answers a question for some rows on one core. */
private final class Scorer(question: Question, k: Int) extends Serializable {
  import question.{candidates, found, hidden, queries, rank}

  @transient private lazy val panels = PanelScorer.panels(found, rank, candidates)

  // A row's place among the candidates, or -1; null where all rows are candidates.
  @transient private lazy val place: Array[Int] =
    if (candidates.length == found.length / rank) null
    else {
      val out = Array.fill(found.length / rank)(-1)
      candidates.indices.foreach(c => out(candidates(c)) = c)
      out
    }

  def run(rows: Array[Int]): Recommendations = {
    val n = Math.min(k, candidates.length)
    val scorer = new PanelScorer(rank, panels, candidates.length, n)
    val start = new Array[Int](rows.length + 1)
    val items = new Array[Int](rows.length * n)
    val scores = new Array[Float](items.length)
    var at = 0
    while (at < rows.length) {
      val some = Math.min(Arithmetic.PanelUsers, rows.length - at)
      scorer.run(queries, rows, at, some, q => masked(rows(at + q)))
      var q = 0
      while (q < some) {
        val from = start(at + q)
        scorer.best(q).copyTo(items, scores, from)
        start(at + q + 1) = from + scorer.best(q).count
        q += 1
      }
      at += some
    }
    finish(start, items, scores)
  }

  private def finish(start: Array[Int], items: Array[Int], scores: Array[Float]) = {
    var i = 0
    while (i < start.last) {
      items(i) = candidates(items(i))
      scores(i) += question.offset
      i += 1
    }
    new Recommendations(
      start,
      java.util.Arrays.copyOf(items, start.last),
      java.util.Arrays.copyOf(scores, start.last)
    )
  }

  /** The candidates that a query may not find, ascending. */
  private def masked(row: Int): Array[Int] =
    if (hidden == null) Array.emptyIntArray
    else {
      val all = java.util.Arrays.copyOfRange(hidden.items, hidden.start(row), hidden.start(row + 1))
      if (place == null) all else all.map(place(_)).filter(_ >= 0)
    }
}
