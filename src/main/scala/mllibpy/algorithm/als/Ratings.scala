package mllibpy.algorithm.als

import mllibpy.engine.{
  Buckets,
  IdSpace,
  InvalidInput,
  IntegerIds,
  KeyIndex,
  TextIds,
  Triples,
  TriplesBuilder
}
import mllibpy.kernel.Scramble
import org.apache.spark.api.java.JavaRDD
import org.apache.spark.rdd.RDD
import org.apache.spark.storage.StorageLevel

/** Ratings as chunks of (user, item, rating[, time]), wherever they came from.
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
    onRelease: () => Unit = () => ()
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
    val space = items
    val byCountThenId: Ordering[(Long, Long)] = Ratings.byCountThenId(space)
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
    val salt = Scramble.mix(seed)
    parts(weights)((c, i) => Scramble.mix(Scramble.mix(c.rows(i) ^ salt) + c.columns(i)))
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

  private def parts(weights: Seq[Double])(hash: (Triples, Int) => Long): Seq[Ratings] = {
    val bounds = 0.0 +: cumulative(weights)
    weights.indices.map { part =>
      val low = bounds(part)
      val high = if (part == weights.length - 1) 2.0 else bounds(part + 1)
      derive(c =>
        c.filter { i =>
          val u = (hash(c, i) >>> 11) * Ratings.Unit53
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

  private def derive(f: Triples => Triples): Ratings =
    new Ratings(chunks.map(f), users, items, timed, source, check = checkSource _)

  /** These ratings and others, in this order. */
  def union(other: Ratings): Ratings = {
    val bothTimed = timed && other.timed
    new Ratings(
      Ratings.untimed(chunks, timed && !bothTimed) ++ Ratings
        .untimed(other.chunks, other.timed && !bothTimed),
      users.union(other.users),
      items.union(other.items),
      bothTimed,
      source,
      check = () => { checkSource(); other.checkSource() }
    )
  }
}

/** One rating, for Java. */
final case class Rating(user: Long, item: Long, rating: Float)

object Ratings {
  val Kept: StorageLevel = StorageLevel.MEMORY_AND_DISK_SER

  private final val Unit53 = 1.0 / (1L << 53)

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

  private def untimed(chunks: RDD[Triples], drop: Boolean): RDD[Triples] =
    if (drop) chunks.map(c => new Triples(c.rows, c.columns, c.values, null)) else chunks

  private def byCountThenId(space: IdSpace): Ordering[(Long, Long)] = space match {
    case IntegerIds => Ordering.by { case (key, count) => (-count, Scramble.unmix(key)) }
    case texts      =>
      Ordering.by[(Long, Long), (Long, String)] { case (key, count) =>
        (-count, texts.textOf(key))
      }(Ordering.Tuple2(Ordering.Long, TextIds.order))
  }
}

/** Count, sums and the first bad value of some ratings, and how often they fall into each of
  * [[Buckets.Most]] buckets of users and of items.
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

  def filling(side: Side): Array[Long] = if (side == Side.User) users else items

  def merge(o: RatingFacts): RatingFacts = {
    count += o.count
    sum += o.sum
    squares += o.squares
    badCount += o.badCount
    bad = bad.orElse(o.bad)
    for (b <- users.indices) { users(b) += o.users(b); items(b) += o.items(b) }
    this
  }

  def mean: Double = sum / count

  /** RMSE of predicting `c` everywhere. */
  def rmseOfConstant(c: Double): Double =
    Math.sqrt(Math.max(0.0, (squares - 2 * c * sum) / count + c * c))

  private def add(c: Triples): Unit = {
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
      i += 1
    }
    count += c.size
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
}
