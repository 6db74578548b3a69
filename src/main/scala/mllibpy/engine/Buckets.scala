package mllibpy.engine

import org.apache.spark.Partitioner

/** How keys fall into buckets, and buckets into blocks.
  *
  * A bucket is the keys with the same leading bits; there are `count` of them, a power of two
  * chosen from the number of ratings alone, never from the cluster. A block is a run of whole
  * buckets. So what is summed bucket by bucket does not depend on the number of blocks.
  */
final case class Buckets(count: Int, blocks: Int) {
  require(Integer.bitCount(count) == 1 && blocks >= 1, s"$count buckets, $blocks blocks")
  private val shift = 64 - Integer.numberOfTrailingZeros(count)

  def bucketOf(key: Long): Int = if (count == 1) 0 else (key >>> shift).toInt
  def blockOf(key: Long): Int = (bucketOf(key).toLong * blocks / count).toInt

  /** The first bucket of a block: the least b with b * blocks / count >= block. */
  def first(block: Int): Int = ((block.toLong * count + blocks - 1) / blocks).toInt
}

object Buckets {
  final val Most = 4096

  def of(ratings: Long, blocks: Int): Buckets = {
    val wanted = Math.min(Most.toLong, Math.max(16L, ratings / 4096))
    Buckets(Integer.highestOneBit(wanted.toInt), blocks)
  }
}

/** Sends block number i to partition i. */
final case class BlockPartitioner(numPartitions: Int) extends Partitioner {
  override def getPartition(key: Any): Int = key.asInstanceOf[Int]
}
