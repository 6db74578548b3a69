package mllibpy.engine

import org.apache.spark.Partitioner

/** How keys fall into buckets, and buckets into blocks.
  *
  * A bucket is the keys with the same leading bits; there are `count` of them, a power of two
  * chosen from the number of ratings alone, never from the cluster. A block is a run of whole
  * buckets. So what is summed bucket by bucket does not depend on the number of blocks, nor on
  * where they begin.
  *
  * @param firsts
  *   the first bucket of each block, and `count`
  */
final class Buckets private (val count: Int, firsts: Array[Int]) extends Serializable {
  private val shift = 64 - Integer.numberOfTrailingZeros(count)
  @transient private lazy val blockOfBucket = {
    val out = new Array[Int](count)
    for (block <- 0 until blocks)
      java.util.Arrays.fill(out, firsts(block), firsts(block + 1), block)
    out
  }

  def blocks: Int = firsts.length - 1
  def bucketOf(key: Long): Int = if (count == 1) 0 else (key >>> shift).toInt
  def blockOf(key: Long): Int = blockOfBucket(bucketOf(key))
  def first(block: Int): Int = firsts(block)

  /** Where the rows of each bucket of a block begin among its keys, which are in order, and where
    * the last one's end.
    */
  def starts(block: Int, keys: Array[Long]): Array[Int] =
    starts(first(block), first(block + 1), keys)

  /** The same for the buckets `from until until`. */
  def starts(from: Int, until: Int, keys: Array[Long]): Array[Int] = {
    val out = new Array[Int](until - from + 1)
    var i = 0
    while (i < keys.length) { out(bucketOf(keys(i)) - from + 1) += 1; i += 1 }
    i = 1
    while (i < out.length) { out(i) += out(i - 1); i += 1 }
    out
  }
}

object Buckets {
  final val Most = 4096

  /** Blocks of as many buckets each as can be. */
  def apply(count: Int, blocks: Int): Buckets = weighted(count, blocks, Array.fill(count)(1L))

  /** For so many ratings, blocks of as many buckets each as can be. */
  def of(ratings: Long, blocks: Int): Buckets = apply(countFor(ratings), blocks)

  /** For ratings that fall so often into each of [[Most]] buckets, blocks of as much work each as
    * can be.
    *
    * @param even
    *   work that all rows together are, in ratings: keys are scrambled, so that rows fall evenly
    *   into the buckets
    */
  def balanced(ratings: Array[Long], blocks: Int, even: Long = 0): Buckets = {
    val count = countFor(ratings.sum)
    val each = Most / count
    val work =
      Array.tabulate(count)(b => ratings.slice(b * each, (b + 1) * each).sum + even / count)
    weighted(count, blocks, work)
  }

  private def countFor(ratings: Long): Int =
    Integer.highestOneBit(Math.min(Most.toLong, Math.max(16L, ratings / 4096)).toInt)

  /** A block takes buckets until it has its share, to the nearest bucket, of what is left for it
    * and the blocks behind it, but at least one.
    */
  private def weighted(count: Int, blocks: Int, weights: Array[Long]): Buckets = {
    require(Integer.bitCount(count) == 1 && blocks >= 1, s"$count buckets, $blocks blocks")
    val firsts = new Array[Int](blocks + 1)
    var left = weights.sum
    var bucket = 0
    for (block <- 0 until blocks - 1) {
      val share = left.toDouble / (blocks - block)
      var load = 0L
      while (bucket < count && (bucket == firsts(block) || load + weights(bucket) / 2.0 <= share)) {
        load += weights(bucket)
        bucket += 1
      }
      firsts(block + 1) = bucket
      left -= load
    }
    firsts(blocks) = count
    new Buckets(count, firsts)
  }
}

/** Sends block number i to partition i. */
final case class BlockPartitioner(numPartitions: Int) extends Partitioner {
  override def getPartition(key: Any): Int = key.asInstanceOf[Int]
}
