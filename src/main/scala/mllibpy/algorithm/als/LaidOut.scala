package mllibpy.algorithm.als

import mllibpy.engine.{
  Buckets,
  Built,
  Duplicates,
  Gather,
  InvalidInput,
  KeyIndex,
  Layout,
  SparseBlock
}
import org.apache.spark.rdd.RDD
import org.apache.spark.storage.StorageLevel

/** The rows of one side: global row number = place in `keys`. */
abstract class SideRows(val buckets: Buckets, keysOfBlock: Array[Array[Long]]) {
  val keys: Array[Long] = Array.concat(keysOfBlock.toIndexedSeq: _*)

  /** Number of the first row of each block, and the total. */
  val firstRow: Array[Int] = keysOfBlock.scanLeft(0)(_ + _.length)
}

/** One side's blocks at rest, and the keys of its rows.
  *
  * @param weighing
  *   how many of the entries have a weight above 0
  * @param read
  *   how many ratings were read, repeated pairs among them
  * @param digest
  *   the same for the same entries, see [[SparseBlock.digest]]; 0 where there is no other side to
  *   compare with
  */
final class LaidOutSide(
    built: RDD[Built],
    keysOfBlock: Array[Array[Long]],
    val entries: Long,
    buckets: Buckets,
    val weighing: Long,
    val read: Long,
    val digest: Long
) extends SideRows(buckets, keysOfBlock) {
  val blocks: RDD[SparseBlock] = built.map(_.block)

  def release(): Unit = Layout.release(built)
}

/** Ratings at rest in blocks: by both sides, or by one. */
sealed abstract class LaidOut {

  /** The side whose blocks there are in any case. */
  protected def side: LaidOutSide

  def apply(side: Side): SideRows
  def blocks: Int = side.buckets.blocks
  def entries: Long = side.entries
  def weighing: Long = side.weighing

  /** Mean of the ratings, repeated pairs folded. Summed by bucket: one job. */
  def mean: Double = {
    val sums = Gather(LaidOut.sums(side.blocks)).sortBy(_._1)
    sums.flatMap(_._2).sum / side.entries
  }

  def release(): Unit
}

/** Ratings laid out both ways into the same number of blocks. Two jobs, a shuffle each. */
final class BothWays(users: LaidOutSide, items: LaidOutSide) extends LaidOut {
  protected def side: LaidOutSide = users

  def apply(side: Side): LaidOutSide = if (side == Side.User) users else items

  def release(): Unit = {
    users.release()
    items.release()
  }
}

/** The rows of the side that ratings are not laid out by.
  *
  * @param counts
  *   how many ratings of each count for its ridge
  */
final class SmallRows(buckets: Buckets, keysOfBlock: Array[Array[Long]], val counts: Array[Int])
    extends SideRows(buckets, keysOfBlock)

/** Ratings laid out by one side alone. A block has its ratings by the other side's rows as well;
  * those rows belong to as many owners as there are blocks, by ranges of their keys.
  *
  * @param large
  *   the side that the blocks are of
  * @param turned
  *   the blocks by the rows of the other side
  */
final class OneWay(
    val large: Side,
    laid: LaidOutSide,
    val turned: RDD[SparseBlock],
    val small: SmallRows
) extends LaidOut {
  protected def side: LaidOutSide = laid

  val rows: RDD[SparseBlock] = laid.blocks

  def apply(side: Side): SideRows = if (side == large) laid else small

  def release(): Unit = {
    turned.unpersist(blocking = false)
    laid.release()
  }

  /** The blocks by the small side, as they would have been laid out. Lazy; one shuffle. */
  lazy val acrossBuilt =
    Layout.blocks(rows.flatMap(_.triplesByColumn), small.buckets, Duplicates.Last)
}

object LaidOut {
  def apply(ratings: Ratings, blocks: Int, policy: Duplicates, rank: Int): BothWays = {
    val users = side(ratings, blocks, policy, Side.User, rank)
    try {
      val items = side(ratings, blocks, policy, Side.Item, rank)
      try refuseChanging(ratings, users, items)
      catch { case e: Throwable => items.release(); throw e }
      new BothWays(users, items)
    } catch { case e: Throwable => users.release(); throw e }
  }

  /** Throws where the passes over the ratings have not read the same: a source that draws at
    * random, say, is drawn anew for each. The two sides would be solved for different ratings.
    */
  private[als] def refuseChanging(ratings: Ratings, sides: LaidOutSide*): Unit =
    InvalidInput.unless(
      sides.forall(s => s.read == ratings.facts.count && s.digest == sides.head.digest),
      s"${ratings.source}: these change from one reading to the next; cache or save them first"
    )

  /** Throws where a pair repeats. One job, with a shuffle. */
  private[als] def refuseRepeats(ratings: Ratings, blocks: Int): Unit =
    side(ratings, blocks, Duplicates.Refuse, Side.User, 0).release()

  /** The sum of each bucket's ratings, by block. */
  private def sums(blocks: RDD[SparseBlock]): RDD[(Int, Array[Double])] = blocks.map { b =>
    val values = b.csr.values
    val ends = b.bucketStart.map(b.csr.start(_))
    val sums = ends.indices.init.map { i =>
      var sum = 0.0
      var e = ends(i)
      while (e < ends(i + 1)) { sum += values(e); e += 1 }
      sum
    }
    (b.number, sums.toArray)
  }

  private final class Summary(
      val number: Int,
      val keys: Array[Long],
      val entries: Int,
      val weighing: Int,
      val duplicates: Long,
      val digest: Long,
      val sample: Seq[(Long, Long, Int)]
  ) extends Serializable

  private[als] def side(
      ratings: Ratings,
      blocks: Int,
      policy: Duplicates,
      side: Side,
      rank: Int,
      digested: Boolean = true
  ): LaidOutSide = {
    // A half-step is n k^2 operations for n ratings, and k^3 / 3 for each row.
    val forRows = ratings.facts.about(side) * rank / 3
    val buckets = Buckets.balanced(ratings.facts.filling(side), blocks, forRows)
    val byRow = if (side == Side.User) ratings.chunks else ratings.chunks.map(_.transposed)
    val built = Layout.blocks(byRow, buckets, policy).persist(StorageLevel.MEMORY_AND_DISK)
    try {
      val found = Gather(built.map { b =>
        val csr = b.block.csr
        new Summary(
          b.block.number,
          b.block.rowKeys,
          csr.size,
          csr.weighing,
          b.duplicates,
          if (digested) b.block.digest(transposed = side == Side.Item) else 0L,
          b.sample
        )
      }).sortBy(_.number)
      if (policy == Duplicates.Refuse) refuseDuplicates(ratings, found)
      val (entries, weighing) = (found.map(_.entries.toLong).sum, found.map(_.weighing.toLong).sum)
      new LaidOutSide(
        built,
        found.map(_.keys),
        entries,
        buckets,
        weighing,
        entries + found.map(_.duplicates).sum,
        found.map(_.digest).sum
      )
    } catch { case e: Throwable => Layout.release(built); throw e }
  }

  private def refuseDuplicates(ratings: Ratings, found: Array[Summary]): Unit = {
    val extra = found.map(_.duplicates).sum
    if (extra > 0) {
      val sample = found.toSeq
        .flatMap(_.sample)
        .map { case (u, i, n) => (ratings.users.show(u), ratings.items.show(i), n) }
        .sorted
        .take(3)
        .map { case (u, i, n) => s"($u, $i) $n times" }
      throw new InvalidInput(
        s"${ratings.source}: $extra ratings repeat a (user, item) pair, for example ${sample.mkString(", ")}; " +
          "remove them, or say what they mean with duplicates='sum', 'mean' or 'last'"
      )
    }
  }

  /** For each of a block's columns, its row number on the other side. */
  def places(block: SparseBlock, otherKeys: Array[Long]): Array[Int] =
    KeyIndex.placesOf(block.columnKeys, otherKeys)

  /** For each of a block's rows, its number among all of its side. */
  def rowPlaces(block: SparseBlock, keys: Array[Long]): Array[Int] =
    KeyIndex.placesOf(block.rowKeys, keys)
}
