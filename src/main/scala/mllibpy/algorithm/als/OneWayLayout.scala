package mllibpy.algorithm.als

import mllibpy.engine.{BlockPartitioner, Buckets, Duplicates, Gather, KeyIndex, SparseBlock}
import mllibpy.kernel.Objective
import org.apache.spark.rdd.{RDD, ShuffledRDD}
import org.apache.spark.storage.StorageLevel

/** Lays ratings out by one side: two jobs, a shuffle each, the second of keys. */
object OneWayLayout {
  def apply(
      ratings: Ratings,
      blocks: Int,
      policy: Duplicates,
      large: Side,
      rank: Int,
      objective: Objective
  ): OneWay = {
    val laid = LaidOut.side(ratings, blocks, policy, large, rank, digested = false)
    try {
      LaidOut.refuseChanging(ratings, laid)
      // What a row of the small side costs goes with the blocks that it is in, not with its ratings.
      val buckets = Buckets.of(ratings.facts.count, blocks)
      val turned = turn(laid.blocks, buckets).persist(StorageLevel.MEMORY_AND_DISK)
      try new OneWay(large, laid, turned, rows(turned, buckets, objective))
      catch { case e: Throwable => turned.unpersist(blocking = false); throw e }
    } catch { case e: Throwable => laid.release(); throw e }
  }

  private def turn(blocks: RDD[SparseBlock], buckets: Buckets): RDD[SparseBlock] =
    blocks.map(_.transposed(buckets))

  /** Keys and how many ratings count of each. */
  private final class Counted(val keys: Array[Long], val counts: Array[Int]) extends Serializable

  private def rows(turned: RDD[SparseBlock], buckets: Buckets, objective: Objective): SmallRows = {
    val parts = new ShuffledRDD[Int, Counted, Counted](
      turned.flatMap(b => byOwner(b, buckets, objective.counts(b.csr))),
      BlockPartitioner(buckets.blocks)
    )
    val owned = parts.mapPartitionsWithIndex((owner, it) =>
      Iterator.single((owner, together(it.map(_._2).toSeq)))
    )
    try {
      val found = Gather(owned).sortBy(_._1).map(_._2)
      new SmallRows(
        buckets,
        found.map(_.keys),
        Array.concat(found.map(_.counts).toIndexedSeq: _*)
      )
    } finally owned.cleanShuffleDependencies()
  }

  private def byOwner(
      block: SparseBlock,
      buckets: Buckets,
      counts: Array[Int]
  ): Iterator[(Int, Counted)] =
    (0 until buckets.blocks).iterator
      .map { owner =>
        val from = block.bucketStart(buckets.first(owner))
        val until = block.bucketStart(buckets.first(owner + 1))
        (owner, new Counted(block.rowKeys.slice(from, until), counts.slice(from, until)))
      }
      .filter(_._2.keys.nonEmpty)

  private def together(parts: Seq[Counted]): Counted = {
    val index = new KeyIndex(1 << 10)
    parts.foreach(_.keys.foreach(index.add))
    val keys = index.sorted()
    val place = index.places(keys)
    val counts = new Array[Int](keys.length)
    for (p <- parts; i <- p.keys.indices) counts(place(index.find(p.keys(i)))) += p.counts(i)
    new Counted(keys, counts)
  }
}
