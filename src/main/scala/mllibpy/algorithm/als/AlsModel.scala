package mllibpy.algorithm.als

import mllibpy.engine.{InvalidInput, Shared, StepRecord, Triples}
import mllibpy.kernel.Arithmetic
import org.apache.spark.SparkContext

/** How a model came about.
  *
  * @param singular
  *   rows whose system was singular in the last iteration
  */
final case class FitFacts(
    strategy: String,
    stopReason: String,
    iterations: Int,
    ratings: Long,
    meanRating: Double,
    blocks: Int,
    history: Seq[StepRecord],
    seconds: Map[String, Double],
    bestIteration: Option[Int] = None,
    singular: Long = 0
)

/** Factors of users and items, and what each user has rated. Plain data on the driver. */
final class AlsModel(
    val params: AlsParams,
    val users: FactorTable,
    val items: FactorTable,
    val seen: Seen,
    val facts: FitFacts
) extends Serializable {

  private[als] def timed(seconds: Map[String, Double]): AlsModel =
    new AlsModel(params, users, items, seen, facts.copy(seconds = seconds))

  /** What is added to a product of factors. */
  val offset: Float = params.offset(facts.meanRating)

  private def meanForUnknown: Boolean = params.coldStart == "mean" || params.coldStart == "popular"

  /** Whether a pair is left out of scores. */
  private def leftOut(user: Int, item: Int): Boolean = (user < 0 || item < 0) && !meanForUnknown

  /** Items by how many users rated them, most first, ties in the order of the ids. */
  private def byPopularity: Array[Int] = {
    val raters = new Array[Int](items.size)
    seen.items.foreach(i => raters(i) += 1)
    // Ascending, in the order of the ids where the upper halves are the same.
    val keys = Array.tabulate(items.size)(i => (-raters(i).toLong << 32) | i)
    java.util.Arrays.sort(keys)
    keys.map(_.toInt)
  }

  /** The model without what users have seen, which prediction does not ask for, and which can be
    * the larger part.
    */
  def withoutSeen: AlsModel =
    new AlsModel(params, users, items, Seen.nothing(users.size), facts)

  /** x.y of a user's and an item's row; -1 is an unknown one and is answered by `cold_start`. */
  def predict(user: Int, item: Int): Float =
    if (user >= 0 && item >= 0)
      offset + Arithmetic.best.dot(
        users.rows,
        user * users.rank,
        items.rows,
        item * items.rank,
        users.rank
      )
    else if (meanForUnknown) facts.meanRating.toFloat
    else if (params.coldStart == "error")
      throw new InvalidInput("the user or the item was not in the training data")
    else Float.NaN

  /** Refuses ratings whose ids are of another kind than the model's. */
  private[als] def checkKinds(ratings: Ratings): Unit =
    for (
      (space, table, what) <- Seq((ratings.users, users, "user"), (ratings.items, items, "item"))
    )
      InvalidInput.unlessType(
        (space.kind == "text") == (table.names != null),
        s"${ratings.source}: ${what}s are ${space.kind} ids, those of the training data are not; convert them"
      )

  /** Root mean square error on ratings; with cold_start "nan" or "drop", over the pairs known to
    * the model. One job.
    */
  def score(ratings: Ratings): Score = {
    checkKinds(ratings)
    ratings.facts
    val sc = ratings.chunks.sparkContext
    val shared = Shared(sc, withoutSeen)
    try {
      val total = AlsModel.errors(ratings, shared).reduce(_ merge _)
      if (params.coldStart == "error" && total.unknown > 0)
        throw new InvalidInput(
          s"${total.unknown} ratings are of a user or an item that was not in the training data"
        )
      if (total.count == 0)
        throw new InvalidInput("no rating is of a user and an item that were in the training data")
      total
    } finally shared.destroy()
  }

  /** Asks for the k best items of users; of those that `candidates` names, if any. With cold_start
    * "popular", unknown users get the most rated ones.
    */
  def itemsFor(
      users: Askers,
      k: Int,
      excludeSeen: Boolean,
      candidates: Option[Array[Int]] = None
  ): Question = {
    val all = candidates.getOrElse(Array.range(0, items.size))
    val hidden = if (excludeSeen) seen.bare else null
    val rank = this.users.rank
    val strangers = params.coldStart == "popular" && users.rows.exists(_ < 0)
    val popular = if (strangers) byPopularity else null
    new Question(rank, this.users.rows, items.rows, users, k, all, hidden, popular, offset)
  }

  /** Asks for the k best users of items. */
  def usersFor(
      items: Askers,
      k: Int,
      excludeSeen: Boolean,
      candidates: Option[Array[Int]] = None
  ): Question = {
    val all = candidates.getOrElse(Array.range(0, users.size))
    val hidden = if (excludeSeen) seen.bare.transposed(this.items.size) else null
    new Question(users.rank, this.items.rows, users.rows, items, k, all, hidden, null, offset)
  }

  /** Asks for the k rows of a side that are most like others, themselves left out, by the cosine of
    * their factors (without biases).
    */
  def similarTo(
      rows: Askers,
      side: Side,
      k: Int,
      candidates: Option[Array[Int]] = None
  ): Question = {
    val table = if (side == Side.User) users else items
    val columns = params.factorColumns
    val unit = table.directions(columns)
    val itself = new Seen(Array.range(0, table.size + 1), Array.range(0, table.size))
    val all = candidates.getOrElse(Array.range(0, table.size))
    new Question(columns.length, unit, unit, rows, k, all, itself, null, 0f)
  }

  /** The k best items of each user row, best first. */
  def recommend(
      sc: SparkContext,
      userRows: Array[Int],
      k: Int,
      excludeSeen: Boolean,
      candidates: Option[Array[Int]] = None
  ): Recommendations =
    Recommender.ask(sc, itemsFor(new Askers(userRows), k, excludeSeen, candidates))

  /** The k best users of each item row, best first. */
  def recommendUsers(
      sc: SparkContext,
      itemRows: Array[Int],
      k: Int,
      excludeSeen: Boolean,
      candidates: Option[Array[Int]] = None
  ): Recommendations =
    Recommender.ask(sc, usersFor(new Askers(itemRows), k, excludeSeen, candidates))

  /** The k rows of a side that are most like each of `rows`. */
  def similar(
      sc: SparkContext,
      side: Side,
      rows: Array[Int],
      k: Int,
      candidates: Option[Array[Int]] = None
  ): Recommendations =
    Recommender.ask(sc, similarTo(new Askers(rows), side, k, candidates))
}

object AlsModel {
  private def errors(ratings: Ratings, model: Shared[AlsModel]) =
    ratings.chunks.mapPartitions(it =>
      Iterator.single(it.map(errorsOf(_, model.value)).foldLeft(Score(0, 0, 0))(_ merge _))
    )

  private def errorsOf(c: Triples, m: AlsModel): Score = {
    var squares = 0.0
    var count = 0L
    var i = 0
    while (i < c.size) {
      val user = m.users.find(c.rows(i))
      val item = m.items.find(c.columns(i))
      if (!m.leftOut(user, item)) {
        val p = m.predict(user, item)
        val e = c.values(i).toDouble - p
        squares += e * e
        count += 1
      }
      i += 1
    }
    Score(squares, count, c.size - count)
  }
}

/** Squared errors over `count` pairs; `unknown` pairs were left out. */
final case class Score(squares: Double, count: Long, unknown: Long) {
  def merge(o: Score): Score = Score(squares + o.squares, count + o.count, unknown + o.unknown)
  def rmse: Double = Math.sqrt(squares / count)
}
