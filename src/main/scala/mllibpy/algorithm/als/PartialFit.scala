package mllibpy.algorithm.als

import mllibpy.engine.{
  DriverBlocks,
  Duplicates,
  IdSpace,
  IntegerIds,
  InvalidInput,
  Monitor,
  Shared,
  TextIds,
  Triples,
  TriplesBuilder
}
import org.apache.spark.SparkContext
import org.apache.spark.rdd.RDD

/** One more iteration from a model's factors, over the ratings that it keeps and new ones.
  *
  * A pair that has a kept rating and a new one follows `duplicates`, the kept one being the earlier
  * of two; with "error" the new one replaces it, and it is new ones that may not repeat.
  */
object PartialFit {

  /** The first iteration, where there is no model yet. */
  def first(ratings: Ratings, params: AlsParams, monitor: Monitor): AlsModel =
    named(Als.fit(ratings, once(params), monitor), params)

  def apply(model: AlsModel, ratings: Ratings, params: AlsParams, monitor: Monitor): AlsModel = {
    Extras.checkStart(model, ratings, params)
    model.seen.known
    refuseRowsWithoutRatings(model)
    monitor.enter("checking the ratings")
    ratings.facts
    val sc = ratings.chunks.sparkContext
    if (params.duplicates == Duplicates.Refuse)
      LaidOut.refuseRepeats(ratings, sc.defaultParallelism)
    val kept = new KeptRatings(sc, model, ratings.timed, ratings.source)
    val all = kept.ratings.union(ratings)
    try continued(model, named(Als.iterate(all, folding(once(params)), model, monitor), params))
    finally kept.release()
  }

  private def once(params: AlsParams): AlsParams =
    params.set("max_iter", 1).set("tol", null).set("patience", null)

  /** A kept rating comes before a new one of the same pair. */
  private def folding(params: AlsParams): AlsParams =
    if (params.duplicates == Duplicates.Refuse) params.set("duplicates", Duplicates.Last.name)
    else params

  /** The model with the parameters as they were given. */
  private def named(m: AlsModel, params: AlsParams): AlsModel = {
    val facts = m.facts.copy(stopReason = "partial_fit does one iteration")
    new AlsModel(params, m.users, m.items, m.seen, facts)
  }

  /** The model with the history of the one before it. */
  private def continued(before: AlsModel, m: AlsModel): AlsModel = {
    val done = before.facts.iterations
    val facts = m.facts.copy(
      iterations = done + m.facts.iterations,
      history = before.facts.history ++
        m.facts.history.map(r => r.copy(iteration = done + r.iteration))
    )
    new AlsModel(m.params, m.users, m.items, m.seen, facts)
  }

  /** What was folded in has the ratings of one side's rows alone: a fit would lose the other's. */
  private def refuseRowsWithoutRatings(model: AlsModel): Unit = {
    val rated = new Array[Boolean](model.items.size)
    model.seen.items.foreach(i => rated(i) = true)
    val start = model.seen.start
    InvalidInput.unless(
      rated.forall(identity) && (0 until model.users.size).forall(u => start(u) < start(u + 1)),
      "some rows of this model have no ratings in it, as after fold_in; partial_fit the model that was folded into"
    )
  }
}

/** A model's ratings, brought back from the driver.
  *
  * @param timed
  *   whether to give them a time, the earliest there is, so that they come before those with times
  */
private final class KeptRatings(sc: SparkContext, model: AlsModel, timed: Boolean, source: String) {
  private val itemKeys = Shared(sc, model.items.keys)
  private val slices = new DriverBlocks(sc, KeptRatings.slices(model, sc.defaultParallelism))

  val ratings: Ratings = new Ratings(
    KeptRatings.chunks(slices.rdd, itemKeys, timed),
    KeptRatings.space(model.users),
    KeptRatings.space(model.items),
    timed,
    source
  )

  def release(): Unit = {
    slices.release()
    itemKeys.destroy()
  }
}

/** Some users' ratings, as the model keeps them. */
private final class KeptSlice(val userKeys: Array[Long], val seen: Seen) extends Serializable

private object KeptRatings {
  private final val Most = 16 * Triples.ChunkSize

  /** Runs of users with about as many ratings each. */
  def slices(model: AlsModel, parallelism: Int): Seq[KeptSlice] = {
    val start = model.seen.start
    val size = Math.min(Most, Math.max(Triples.ChunkSize, start.last / parallelism + 1))
    val ends = (0 until model.users.size).filter { u =>
      u == model.users.size - 1 || start(u + 1) / size > start(u) / size
    }
    (0 +: ends.map(_ + 1)).zip(ends.map(_ + 1)).map { case (from, until) =>
      slice(model, from, until)
    }
  }

  private def slice(model: AlsModel, from: Int, until: Int): KeptSlice = {
    val seen = model.seen
    val (first, last) = (seen.start(from), seen.start(until))
    new KeptSlice(
      java.util.Arrays.copyOfRange(model.users.keys, from, until),
      new Seen(
        java.util.Arrays.copyOfRange(seen.start, from, until + 1).map(_ - first),
        java.util.Arrays.copyOfRange(seen.items, first, last),
        seen.known.pick(Array.range(first, last))
      )
    )
  }

  def space(t: FactorTable): IdSpace =
    if (t.names == null) IntegerIds else TextIds.of(t.names)

  def chunks(
      slices: RDD[KeptSlice],
      itemKeys: Shared[Array[Long]],
      timed: Boolean
  ): RDD[Triples] = slices.flatMap(s => triples(s, itemKeys.value, timed))

  private def triples(s: KeptSlice, items: Array[Long], timed: Boolean): Iterator[Triples] =
    new Iterator[Triples] {
      private val builder = new TriplesBuilder(1024, timed)
      private var user = 0
      def hasNext: Boolean = user < s.userKeys.length

      def next(): Triples = {
        while (hasNext && builder.size < Triples.ChunkSize) {
          val values = s.seen.valuesOf(user)
          val first = s.seen.start(user)
          var i = 0
          while (i < values.length) {
            builder.add(s.userKeys(user), items(s.seen.items(first + i)), values(i), Long.MinValue)
            i += 1
          }
          user += 1
        }
        builder.result()
      }
    }
}
