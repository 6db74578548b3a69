package mllibpy.algorithm.als

import mllibpy.engine.{Gather, InvalidInput, Shared}
import mllibpy.kernel.{Arithmetic, PanelScorer, TopK}
import org.apache.spark.SparkContext

/** Rows found and their scores: those of the i-th asker are at `start(i) until start(i + 1)`. */
final class Recommendations(val start: Array[Int], val items: Array[Int], val scores: Array[Float])
    extends Serializable

/** What is asked: the k best candidates for each asker, by the product of rows.
  *
  * @param queries
  *   factors of those who can ask, by row
  * @param found
  *   factors of those that can be found, by row
  * @param candidates
  *   rows that may be found, ascending
  * @param hidden
  *   rows that an asker may not find, or null
  * @param popular
  *   what askers that the model does not know get, best first; null where they get nothing
  * @param offset
  *   what is added to a product
  */
final class Question(
    val rank: Int,
    val queries: Array[Float],
    val found: Array[Float],
    val askers: Askers,
    val k: Int,
    val candidates: Array[Int],
    val hidden: Seen,
    val popular: Array[Int],
    val offset: Float
) extends Serializable {

  /** Rows that one asker gets at most. */
  def most: Int = Math.min(k, candidates.length)

  /** Scores to compute. */
  def work: Long = askers.size.toLong * candidates.length
}

object Recommender {
  // Below this many scores the driver is done before a job has started.
  private final val WorthAJob = 20000000L

  /** The answer, on the driver. */
  def ask(sc: SparkContext, question: Question): Recommendations = {
    val rows = question.askers.size.toLong * question.most
    InvalidInput.unless(
      rows < Int.MaxValue - 16,
      s"$rows recommendations are too many for one answer; ask for fewer at a time, or for a Spark DataFrame"
    )
    val scorer = new Scorer(question)
    if (question.work < WorthAJob) scorer.run(0, question.askers.size)
    else onCluster(sc, scorer, runs(sc, question))
  }

  /** Runs of askers, from and until a place, a task each: several to a core where there is much to
    * do, since cores may differ in pace.
    */
  def runs(sc: SparkContext, question: Question): Seq[(Int, Int)] = {
    val n = question.askers.size
    val cores = sc.defaultParallelism.toLong
    val tasks = Math.min(n.toLong, Math.max(cores, Math.min(cores * 4, question.work / WorthAJob)))
    (0L until tasks).map(t => ((n * t / tasks).toInt, (n * (t + 1) / tasks).toInt))
  }

  private def onCluster(sc: SparkContext, scorer: Scorer, runs: Seq[(Int, Int)]) = {
    val shared = Shared(sc, scorer)
    try {
      val parts = sc.parallelize(runs, runs.length).map { case (a, b) => shared.value.run(a, b) }
      concat(Gather(parts).toSeq)
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

/** Answers a question for some of its askers on one core. */
final class Scorer(val question: Question) extends Serializable {
  import question.{askers, candidates, found, hidden, most, offset, queries, rank}

  @transient private lazy val panels = PanelScorer.panels(found, rank, candidates)

  // A row's number among the candidates, or -1; null where all rows are candidates.
  @transient private lazy val numbers: Array[Int] =
    if (candidates.length == found.length / rank) null
    else {
      val out = Array.fill(found.length / rank)(-1)
      candidates.indices.foreach(c => out(candidates(c)) = c)
      out
    }

  /** The answers to the askers at the places `from until until`. */
  def run(from: Int, until: Int): Recommendations = {
    val out = new Answers(until - from, most)
    val together = new Array[Int](until - from)
    var n = 0
    var place = from
    while (place < until) {
      if (askers.rows(place) < 0) out.put(place - from, popular(place))
      else if (askers.allowed(place) != null) alone(place, out, place - from)
      else {
        together(n) = place
        n += 1
      }
      place += 1
    }
    panelled(java.util.Arrays.copyOf(together, n), out, from)
    out.result()
  }

  /** Askers that choose from all candidates, some at a time. */
  private def panelled(places: Array[Int], out: Answers, from: Int): Unit = {
    val scorer = new PanelScorer(rank, panels, candidates.length, most)
    val rows = places.map(askers.rows)
    var at = 0
    while (at < places.length) {
      val some = Math.min(Arithmetic.PanelUsers, places.length - at)
      scorer.run(queries, rows, at, some, q => numbered(hiddenFrom(places(at + q))))
      var q = 0
      while (q < some) {
        out.put(places(at + q) - from, scorer.best(q), candidates, offset)
        q += 1
      }
      at += some
    }
  }

  /** An asker that has its own list: its rows alone are scored. */
  private def alone(place: Int, out: Answers, i: Int): Unit = {
    val not = hiddenFrom(place)
    val own = askers.allowed(place).filter(r => isCandidate(r) && !has(not, r))
    val panels = PanelScorer.panels(found, rank, own)
    val scorer = new PanelScorer(rank, panels, own.length, most)
    scorer.run(queries, Array(askers.rows(place)), 0, 1, _ => Array.emptyIntArray)
    out.put(i, scorer.best(0), own, offset)
  }

  private def popular(place: Int): Array[Int] =
    if (question.popular == null) Array.emptyIntArray
    else {
      val (only, not) = (askers.allowed(place), askers.denied(place))
      question.popular.iterator
        .filter(r => isCandidate(r) && (only == null || has(only, r)) && !has(not, r))
        .take(most)
        .toArray
    }

  private def isCandidate(row: Int): Boolean = numbers == null || numbers(row) >= 0

  private def has(ascending: Array[Int], row: Int): Boolean =
    java.util.Arrays.binarySearch(ascending, row) >= 0

  /** The rows that an asker may not find, ascending; some may be there twice. */
  private def hiddenFrom(place: Int): Array[Int] = {
    val denied = askers.denied(place)
    val row = askers.rows(place)
    val first = if (hidden == null) 0 else hidden.start(row)
    val n = if (hidden == null) 0 else hidden.start(row + 1) - first
    val out = new Array[Int](n + denied.length)
    if (n > 0) System.arraycopy(hidden.items, first, out, 0, n)
    System.arraycopy(denied, 0, out, n, denied.length)
    if (n > 0 && denied.nonEmpty) java.util.Arrays.sort(out)
    out
  }

  /** The numbers of those rows that are candidates, ascending as they are; in place. */
  private def numbered(rows: Array[Int]): Array[Int] =
    if (numbers == null) rows
    else {
      var n = 0
      var i = 0
      while (i < rows.length) {
        val number = numbers(rows(i))
        if (number >= 0) {
          rows(n) = number
          n += 1
        }
        i += 1
      }
      java.util.Arrays.copyOf(rows, n)
    }
}

/** Lists of at most `most` rows with scores, put in any order. */
private final class Answers(n: Int, most: Int) {
  private val counts = new Array[Int](n)
  private val items = new Array[Int](Math.multiplyExact(n, most))
  private val scores = new Array[Float](items.length)

  /** The i-th list is what was found among `rows`. */
  def put(i: Int, best: TopK, rows: Array[Int], offset: Float): Unit = {
    best.copyTo(items, scores, i * most)
    counts(i) = best.count
    var at = i * most
    while (at < i * most + best.count) {
      items(at) = rows(items(at))
      scores(at) += offset
      at += 1
    }
  }

  /** The i-th list is rows that have no score. */
  def put(i: Int, rows: Array[Int]): Unit = {
    System.arraycopy(rows, 0, items, i * most, rows.length)
    java.util.Arrays.fill(scores, i * most, i * most + rows.length, Float.NaN)
    counts(i) = rows.length
  }

  /** The lists one behind the other. */
  def result(): Recommendations = {
    val start = new Array[Int](n + 1)
    var i = 0
    while (i < n) {
      System.arraycopy(items, i * most, items, start(i), counts(i))
      System.arraycopy(scores, i * most, scores, start(i), counts(i))
      start(i + 1) = start(i) + counts(i)
      i += 1
    }
    if (start(n) == items.length) new Recommendations(start, items, scores)
    else
      new Recommendations(
        start,
        java.util.Arrays.copyOf(items, start(n)),
        java.util.Arrays.copyOf(scores, start(n))
      )
  }
}
