package mllibpy.algorithm.als

import mllibpy.engine.{Buckets, Built, Duplicates, FloatRows, Gather, InvalidInput, Layout, Shared}
import mllibpy.kernel.{Arithmetic, SparseRows, Stride}
import org.apache.spark.SparkContext
import org.apache.spark.rdd.RDD
import org.apache.spark.storage.StorageLevel

/** Held-out ratings, to judge the factors of an iteration by. Pairs of a user or an item without a
  * training rating are left out.
  */
private[als] abstract class Validation {

  /** @param users
    *   padded rows of `width` columns in the order of the training keys, and so the items'
    */
  def measure(users: Array[Float], items: Array[Float], width: Int): Double

  def isBetter(value: Double, than: Double): Boolean

  /** Frees what Spark holds for it. */
  def close(): Unit
}

private[als] object Validation {

  /** The measure that goes with the feedback. One shuffle, one job.
    *
    * @param offset
    *   what is added to a product of factors
    * @param seen
    *   what each user rated in training, both sides in the order of their keys
    */
  def of(
      sc: SparkContext,
      ratings: Ratings,
      params: AlsParams,
      laidOut: LaidOut,
      offset: Float,
      seen: => Seen
  ): Validation = {
    ratings.facts
    if (params.duplicates == Duplicates.Refuse)
      LaidOut.refuseRepeats(ratings, laidOut.blocks)
    val held = new HeldOutBlocks(sc, ratings, params.duplicates, laidOut)
    try
      if (params.implicitFeedback) ranking(sc, held, seen) else new HeldOutErrors(sc, held, offset)
    catch { case e: Throwable => held.close(); throw e }
  }

  private def ranking(sc: SparkContext, held: HeldOutBlocks, seen: Seen): Validation = {
    val relevant = Gather(held.blocks.map(b => (b.number, b.relevant))).sortBy(_._1)
    held.close()
    new HeldOutRanking(sc, relevant.toSeq.flatMap(_._2), seen)
  }

  def refuseStrangers(known: Boolean): Unit = InvalidInput.unless(
    known,
    "no validation rating is of a user and an item that have training ratings; validate by others"
  )
}

/** Held-out ratings of a block's users, with the places of users and items among the training keys,
  * -1 where they are not among them.
  */
private final class HeldOut(
    val number: Int,
    users: Array[Int],
    items: Array[Int],
    csr: SparseRows,
    bucketStart: Array[Int]
) extends Serializable {

  /** Squared errors and how many they are, bucket by bucket. */
  def errors(x: FloatRows, y: FloatRows, offset: Float): Seq[Score] = {
    val (columns, values) = (csr.columns, csr.values)
    bucketStart.toSeq.zip(bucketStart.toSeq.drop(1)).map { case (from, until) =>
      var squares = 0.0
      var count = 0L
      var r = from
      while (r < until) {
        var e = csr.start(r)
        while (e < csr.start(r + 1)) {
          val item = items(columns(e))
          if (users(r) >= 0 && item >= 0) {
            val error = values(e).toDouble - (offset + product(x, users(r), y, item))
            squares += error * error
            count += 1
          }
          e += 1
        }
        r += 1
      }
      Score(squares, count, 0)
    }
  }

  private def product(x: FloatRows, user: Int, y: FloatRows, item: Int): Float = {
    val stride = Stride.of(x.rank)
    Arithmetic.best.dot(x.padded, user * stride, y.padded, item * stride, x.rank)
  }

  /** Known users and their known items with ratings above 0, ascending; users without are left out.
    */
  def relevant: Seq[(Int, Array[Int])] = {
    val (columns, values) = (csr.columns, csr.values)
    users.indices
      .filter(users(_) >= 0)
      .map { r =>
        val entries = (csr.start(r) until csr.start(r + 1)).filter(values(_) > 0)
        (users(r), entries.map(e => items(columns(e))).filter(_ >= 0).toArray)
      }
      .filter(_._2.nonEmpty)
  }
}

/** Held-out ratings laid out by user, so that sums over them do not depend on their order or
  * partitions.
  */
private final class HeldOutBlocks(
    sc: SparkContext,
    ratings: Ratings,
    policy: Duplicates,
    laidOut: LaidOut
) {
  private val keys =
    Shared(sc, new TrainingKeys(laidOut(Side.User).keys, laidOut(Side.Item).keys))
  private val built = Layout.blocks(
    ratings.chunks,
    Buckets.of(ratings.facts.count, laidOut.blocks),
    policy
  )
  val blocks: RDD[HeldOut] =
    HeldOutBlocks.locate(built, keys).persist(StorageLevel.MEMORY_AND_DISK)

  def close(): Unit = {
    blocks.unpersist(blocking = false)
    Layout.release(built)
    keys.destroy()
  }
}

/** Keys of both sides of the training data, in unsigned order. */
private final class TrainingKeys(val users: Array[Long], val items: Array[Long])
    extends Serializable

private object HeldOutBlocks {
  def locate(built: RDD[Built], keys: Shared[TrainingKeys]): RDD[HeldOut] =
    built.map { b =>
      new HeldOut(
        b.block.number,
        places(b.block.rowKeys, keys.value.users),
        places(b.block.columnKeys, keys.value.items),
        b.block.csr,
        b.block.bucketStart
      )
    }

  /** For each of `some` its place in `all`, or -1; both in unsigned order. */
  private def places(some: Array[Long], all: Array[Long]): Array[Int] = {
    var at = 0
    some.map { key =>
      while (at < all.length && java.lang.Long.compareUnsigned(all(at), key) < 0) at += 1
      if (at < all.length && all(at) == key) at else -1
    }
  }
}

/** Root mean square error: one job for each measurement. The factors go to every executor. */
private final class HeldOutErrors(sc: SparkContext, held: HeldOutBlocks, offset: Float)
    extends Validation {
  def measure(users: Array[Float], items: Array[Float], width: Int): Double = {
    val x = Shared(sc, new FloatRows(width, users))
    val y = Shared(sc, new FloatRows(width, items))
    try {
      val parts = Gather(HeldOutErrors.of(held.blocks, x, y, offset)).sortBy(_._1)
      val total = parts.flatMap(_._2).foldLeft(Score(0, 0, 0))(_ merge _)
      Validation.refuseStrangers(total.count > 0)
      total.rmse
    } finally {
      x.destroy()
      y.destroy()
    }
  }

  def isBetter(value: Double, than: Double): Boolean = value < than
  def close(): Unit = held.close()
}

private object HeldOutErrors {
  // In an object, so that the tasks' closure holds just these arguments.
  def of(
      blocks: RDD[HeldOut],
      x: Shared[FloatRows],
      y: Shared[FloatRows],
      offset: Float
  ): RDD[(Int, Seq[Score])] = blocks.map(b => (b.number, b.errors(x.value, y.value, offset)))
}

/** Mean NDCG@10 over users with relevant items, of lists without what they rated in training.
  *
  * @param relevant
  *   users and their relevant items, ascending
  */
private final class HeldOutRanking(sc: SparkContext, relevant: Seq[(Int, Array[Int])], seen: Seen)
    extends Validation {
  import HeldOutRanking._
  Validation.refuseStrangers(relevant.nonEmpty)

  private val users = relevant.map(_._1).toArray

  def measure(x: Array[Float], y: Array[Float], width: Int): Double = {
    val (queries, found) = (Stride.pack(x, width), Stride.pack(y, width))
    val all = Array.range(0, found.length / width)
    // An offset would change no order.
    val question =
      new Question(width, queries, found, new Askers(users), Length, all, seen.bare, null, 0f)
    val lists = Recommender.ask(sc, question)
    relevant.indices.map(u => ndcg(lists, u, relevant(u)._2)).sum / relevant.length
  }

  private def ndcg(lists: Recommendations, user: Int, relevant: Array[Int]): Double = {
    val (from, until) = (lists.start(user), lists.start(user + 1))
    val hits = (from until until).filter { at =>
      java.util.Arrays.binarySearch(relevant, lists.items(at)) >= 0
    }
    val ideal = (0 until Math.min(Length, relevant.length)).map(discount).sum
    hits.map(at => discount(at - from)).sum / ideal
  }

  def isBetter(value: Double, than: Double): Boolean = value > than
  def close(): Unit = ()
}

private object HeldOutRanking {
  private final val Length = 10

  /** What a hit counts at a position, from 0. */
  private def discount(position: Int): Double = Math.log(2) / Math.log(position + 2.0)
}
