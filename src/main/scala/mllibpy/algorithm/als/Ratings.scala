package mllibpy.algorithm.als

import mllibpy.engine.{
  Buckets,
  ByRow,
  Distinct,
  IdSpace,
  InvalidInput,
  IntegerIds,
  KeyIndex,
  Triples,
  TriplesBuilder
}
import mllibpy.kernel.Scramble
import org.apache.spark.api.java.JavaRDD
import org.apache.spark.rdd.RDD
import org.apache.spark.storage.StorageLevel

import scala.math.Ordering.Float.TotalOrdering

/** Ratings as chunks of (user, item, rating[, time][, weight]), wherever they came from.
  *
  * @param chunks
  *   rows are user keys, columns item keys
  * @param source
  *   what to call the data in messages
  * @param kept
  *   what to keep instead of the chunks, where these are made from it at no cost
  * @param resting
  *   whether the source holds its chunks already, so that keeping them would double them
  * @param check
  *   throws where the source found something wrong
  * @param onRelease
  *   frees what the source holds
  * @param weighted
  *   whether ratings have weights, finite and at least 0; then all chunks have them
  */
final class Ratings(
    val chunks: RDD[Triples],
    val users: IdSpace,
    val items: IdSpace,
    val timed: Boolean,
    val source: String = "the ratings",
    kept: Option[RDD[_]] = None,
    resting: Boolean = false,
    check: () => Unit = () => (),
    onRelease: () => Unit = () => (),
    val weighted: Boolean = false
) {
  private def base: RDD[_] = kept.getOrElse(chunks)

  /** The facts that every fit checks first; one pass. Throws where the data cannot be used. */
  lazy val facts: RatingFacts = {
    check()
    val f = chunks
      .mapPartitions(it => Iterator.single(RatingFacts.of(it)))
      .fold(RatingFacts.none)(_ merge _)
    InvalidInput.unless(
      f.count > 0,
      s"$source: there are no ratings; check the path or the filter before this"
    )
    f.bad.foreach { case (user, item, value) =>
      throw new InvalidInput(
        s"$source: ${f.badCount} ratings are NaN, infinite or beyond float32, for example " +
          s"${users.show(user)}, ${items.show(item)}: $value; remove or correct them"
      )
    }
    f.badWeight.foreach { case (user, item, weight) =>
      throw new InvalidInput(
        s"$source: ${f.badWeightCount} weights are negative, NaN or infinite, for example of " +
          s"${users.show(user)}, ${items.show(item)}: $weight; remove or correct them"
      )
    }
    f
  }

  private def checkSource(): Unit = check()

  /** Keeps the parsed chunks, so that fits and passes do not parse or compute the source again. */
  def keep(): this.type = {
    if (!resting && base.getStorageLevel == StorageLevel.NONE) base.persist(Ratings.Kept)
    this
  }

  def release(): Unit = {
    base.unpersist(blocking = false)
    onRelease()
  }

  def userCount: Long = counts._1
  def itemCount: Long = counts._2

  /** Distinct users and items; one job, with a shuffle. */
  private lazy val counts: (Long, Long) =
    chunks
      .mapPartitions { it =>
        val (users, items) = (new KeyIndex(1 << 12), new KeyIndex(1 << 12))
        it.foreach { c =>
          c.rows.foreach(users.add)
          c.columns.foreach(items.add)
        }
        users.sorted().iterator.map((true, _)) ++ items.sorted().iterator.map((false, _))
      }
      .distinct()
      .mapPartitions { it =>
        val (users, items) = it.foldLeft((0L, 0L)) { case ((u, i), (isUser, _)) =>
          if (isUser) (u + 1, i) else (u, i + 1)
        }
        Iterator.single((users, items))
      }
      .fold((0L, 0L)) { case ((u, i), (v, j)) => (u + v, i + j) }

  /** How many ratings each value has. */
  def histogram: Seq[(Float, Long)] =
    chunks
      .flatMap(c => c.values.groupMapReduce(identity)(_ => 1L)(_ + _))
      .reduceByKey(_ + _)
      .collect()
      .sorted
      .toSeq

  /** The most rated items: key and count, ties by id. */
  def topItems(n: Int): Seq[(Long, Long)] = {
    val byCountThenId: Ordering[(Long, Long)] =
      Ordering.by[(Long, Long), (Long, Long)] { case (key, count) => (-count, key) }(
        Ordering.Tuple2(Ordering.Long, items.order)
      )
    chunks
      .mapPartitions { it =>
        val counts = new java.util.HashMap[Long, Long]
        it.foreach(_.columns.foreach(k => counts.merge(k, 1L, (a, b) => a + b)))
        val out = Seq.newBuilder[(Long, Long)]
        counts.forEach((k, c) => out += ((k, c)))
        out.result().iterator
      }
      .reduceByKey(_ + _)
      .takeOrdered(n)(byCountThenId)
      .toSeq
  }

  /** Splits at random into parts of the given weights. Where a rating goes depends on the seed and
    * its two ids alone, not on the order or the partitions of the input.
    */
  def split(weights: Seq[Double], seed: Long): Seq[Ratings] = {
    parts(weights)(Ratings.hash(seed))
  }

  /** Splits by time, the earliest first; ratings of the same second fall at random by their ids. */
  def splitByTime(weights: Seq[Double]): Seq[Ratings] = {
    InvalidInput.unless(
      timed,
      s"$source: there are no timestamps to split by; split at random instead"
    )
    val order = (c: Triples, i: Int) =>
      (c.times(i), Scramble.mix(c.rows(i) + Scramble.mix(c.columns(i))))
    val sorted =
      chunks.flatMap(c => (0 until c.size).map(i => order(c, i))).sortBy(identity).zipWithIndex()
    val cuts = cumulative(weights).init.map(w => Math.round(w * facts.count)).toSet
    val at = sorted.filter { case (_, i) => cuts(i) }.map(_.swap).collectAsMap()
    val bounds = cumulative(weights).init.map(w => at.get(Math.round(w * facts.count)))
    val ordering = implicitly[Ordering[(Long, Long)]]
    weights.indices.map { part =>
      val low = if (part == 0) None else bounds(part - 1)
      val high = if (part == weights.length - 1) None else bounds(part)
      derive(c =>
        c.filter { i =>
          val t = order(c, i)
          (part == 0 || low.exists(ordering.gteq(t, _))) && high.forall(ordering.lt(t, _))
        }
      )
    }
  }

  /** Splits each user's ratings at random into parts of the given weights: of his n ratings, part p
    * gets those from the round(n * w)-th on, w being the share of the parts before it. Which ones
    * depends on the seed and the ids alone.
    */
  def splitByUser(weights: Seq[Double], seed: Long): Seq[Ratings] = {
    val bounds = 0.0 +: cumulative(weights).init :+ 1.0
    val hash = Ratings.hash(seed, Ratings.ByUser)
    ofUsers(t =>
      Ordering.by[Int, (Long, Long, Float, Float)](i =>
        (hash(t, i), t.time(i), t.values(i), t.weight(i))
      )
    ) {
      weights.indices.map { part => (place: Int, n: Int) =>
        place >= Math.round(bounds(part) * n) && place < Math.round(bounds(part + 1) * n)
      }
    }
  }

  /** All but each user's last k ratings, and these: the last by time, of one time the last by item
    * id. A user with k ratings or fewer is in the first part alone.
    */
  def leaveLast(k: Int): (Ratings, Ratings) = {
    InvalidInput.unless(timed, s"$source: there are no timestamps to tell which ratings are last")
    InvalidInput.unless(k >= 1, s"k must be at least 1, not $k")
    val ids = items.order
    val last = (place: Int, n: Int) => n > k && place >= n - k
    val parts = ofUsers { t =>
      Ordering
        .by[Int, Long](t.times(_))
        .orElseBy(t.columns(_))(ids)
        .orElseBy(i => (t.values(i), t.weight(i)))
    }(Seq((place, n) => !last(place, n), last))
    (parts.head, parts.last)
  }

  /** n pairs (all but a fold, the fold): a rating's fold depends on the seed and its ids alone. */
  def kfold(n: Int, seed: Long): Seq[(Ratings, Ratings)] = {
    InvalidInput.unless(n >= 2, s"n must be at least 2, not $n")
    val hash = Ratings.hash(seed, Ratings.Folds)
    val fold = (c: Triples, i: Int) => (Ratings.unit(hash(c, i)) * n).toInt
    (0 until n).map { f =>
      (derive(c => c.filter(fold(c, _) != f)), derive(c => c.filter(fold(c, _) == f)))
    }
  }

  /** Parts by the place of a rating in an order of its user's. One shuffle, that all parts share.
    */
  private def ofUsers(
      order: Triples => Ordering[Int]
  )(keep: Seq[(Int, Int) => Boolean]): Seq[Ratings] = {
    val gathered = ByRow.gather(chunks)
    keep.map(k => derived(gathered.map(t => ByRow.filter(t, order(t))(k))))
  }

  private def parts(weights: Seq[Double])(hash: (Triples, Int) => Long): Seq[Ratings] = {
    val bounds = 0.0 +: cumulative(weights)
    weights.indices.map { part =>
      val low = bounds(part)
      val high = if (part == weights.length - 1) 2.0 else bounds(part + 1)
      derive(c =>
        c.filter { i =>
          val u = Ratings.unit(hash(c, i))
          u >= low && u < high
        }
      )
    }
  }

  private def cumulative(weights: Seq[Double]): Seq[Double] = {
    InvalidInput.unless(
      weights.nonEmpty && weights.forall(w => w > 0 && !w.isInfinite),
      "weights: every part needs a weight above 0"
    )
    weights.scanLeft(0.0)(_ + _).tail.map(_ / weights.sum)
  }

  private def derive(f: Triples => Triples): Ratings = derived(chunks.map(f))

  private def derived(some: RDD[Triples]): Ratings =
    new Ratings(some, users, items, timed, source, check = checkSource _, weighted = weighted)

  /** These ratings and others, in this order; where one has weights, those of the other are 1. */
  def union(other: Ratings): Ratings = {
    val bothTimed = timed && other.timed
    val anyWeighted = weighted || other.weighted
    def alike(r: Ratings) =
      Ratings.weigh(Ratings.untimed(r.chunks, r.timed && !bothTimed), anyWeighted && !r.weighted)
    new Ratings(
      alike(this) ++ alike(other),
      users.union(other.users),
      items.union(other.items),
      bothTimed,
      source,
      check = () => { checkSource(); other.checkSource() },
      weighted = anyWeighted
    )
  }
}

/** One rating, for Java. */
final case class Rating(user: Long, item: Long, rating: Float)

object Ratings {
  val Kept: StorageLevel = StorageLevel.MEMORY_AND_DISK

  private final val Unit53 = 1.0 / (1L << 53)

  // A part of one split can be split in another way with the same seed: their draws differ.
  private final val ByUser = 1L
  private final val Folds = 2L

  /** A hash of a rating's ids. */
  private def hash(seed: Long, kind: Long = 0): (Triples, Int) => Long = {
    val salt = Scramble.mix(seed) + kind
    (c, i) => Scramble.mix(Scramble.mix(c.rows(i) ^ salt) + c.columns(i))
  }

  /** From 0 to below 1. */
  private def unit(hash: Long): Double = (hash >>> 11) * Unit53

  /** From Scala: an RDD of (user, item, rating) with integer ids. */
  def of(ratings: RDD[(Long, Long, Float)]): Ratings = {
    val chunks = ratings.mapPartitions(_.grouped(Triples.ChunkSize).map { group =>
      val b = new TriplesBuilder(group.length, timed = false)
      group.foreach { case (u, i, r) => b.add(Scramble.mix(u), Scramble.mix(i), r, 0) }
      b.result()
    })
    new Ratings(chunks, IntegerIds, IntegerIds, timed = false)
  }

  /** From Java: an RDD of [[Rating]]. */
  def ofJava(ratings: JavaRDD[Rating]): Ratings = of(
    ratings.rdd.map(r => (r.user, r.item, r.rating))
  )

  /** From Scala: an RDD of (user, item, rating, weight) with integer ids. */
  def weighted(ratings: RDD[(Long, Long, Float, Float)]): Ratings = {
    val chunks = ratings.mapPartitions(_.grouped(Triples.ChunkSize).map { group =>
      val b = new TriplesBuilder(group.length, timed = false, weighted = true)
      group.foreach { case (u, i, r, w) => b.add(Scramble.mix(u), Scramble.mix(i), r, 0, w) }
      b.result()
    })
    new Ratings(chunks, IntegerIds, IntegerIds, timed = false, weighted = true)
  }

  private def untimed(chunks: RDD[Triples], drop: Boolean): RDD[Triples] =
    if (drop) chunks.map(c => new Triples(c.rows, c.columns, c.values, null, c.weights)) else chunks

  private def weigh(chunks: RDD[Triples], add: Boolean): RDD[Triples] =
    if (add)
      chunks.map(c => new Triples(c.rows, c.columns, c.values, c.times, Array.fill(c.size)(1f)))
    else chunks
}

/** Count, sums, the first bad value and weight of some ratings, how often they fall into each of
  * [[Buckets.Most]] buckets of users and of items, and about how many of these there are.
  */
final class RatingFacts private (
    private val users: Array[Long],
    private val items: Array[Long]
) extends Serializable {
  var count = 0L
  private var sum = 0.0
  private var squares = 0.0
  var badCount = 0L
  var bad: Option[(Long, Long, Float)] = None
  var badWeightCount = 0L
  var badWeight: Option[(Long, Long, Float)] = None

  private val rows = Side.map(_ => new Distinct)

  def filling(side: Side): Array[Long] = if (side == Side.User) users else items

  /** About how many rows a side has. */
  def about(side: Side): Long = rows(side).estimate

  /** The side that has more rows, by that estimate; users where it has as many. */
  def larger: Side = if (about(Side.User) >= about(Side.Item)) Side.User else Side.Item

  def merge(o: RatingFacts): RatingFacts = {
    count += o.count
    sum += o.sum
    squares += o.squares
    badCount += o.badCount
    bad = bad.orElse(o.bad)
    badWeightCount += o.badWeightCount
    badWeight = badWeight.orElse(o.badWeight)
    Side.all.foreach(side => rows(side).merge(o.rows(side)))
    for (b <- users.indices) { users(b) += o.users(b); items(b) += o.items(b) }
    this
  }

  def mean: Double = sum / count

  /** RMSE of predicting `c` everywhere. */
  def rmseOfConstant(c: Double): Double =
    Math.sqrt(Math.max(0.0, (squares - 2 * c * sum) / count + c * c))

  private def add(c: Triples): Unit = {
    val (distinctUsers, distinctItems) = (rows(Side.User), rows(Side.Item))
    var i = 0
    while (i < c.size) {
      val r = c.values(i)
      if (java.lang.Float.isFinite(r)) {
        sum += r
        squares += r.toDouble * r
      } else {
        badCount += 1
        if (bad.isEmpty) bad = Some((c.rows(i), c.columns(i), r))
      }
      users((c.rows(i) >>> RatingFacts.Shift).toInt) += 1
      items((c.columns(i) >>> RatingFacts.Shift).toInt) += 1
      distinctUsers.add(c.rows(i))
      distinctItems.add(c.columns(i))
      i += 1
    }
    count += c.size
    if (c.weights != null) addWeights(c)
  }

  private def addWeights(c: Triples): Unit = {
    var i = 0
    while (i < c.size) {
      if (!RatingFacts.usable(c.weights(i))) {
        badWeightCount += 1
        if (badWeight.isEmpty) badWeight = Some((c.rows(i), c.columns(i), c.weights(i)))
      }
      i += 1
    }
  }
}

object RatingFacts {
  private final val Shift = 64 - Integer.numberOfTrailingZeros(Buckets.Most)

  def none: RatingFacts =
    new RatingFacts(new Array[Long](Buckets.Most), new Array[Long](Buckets.Most))

  def of(chunks: Iterator[Triples]): RatingFacts = {
    val out = none
    chunks.foreach(out.add)
    out
  }

  private def usable(weight: Float): Boolean = weight >= 0 && weight <= Float.MaxValue
}
