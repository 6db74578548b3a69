package mllibpy.engine

import org.apache.spark.rdd.RDD
import org.apache.spark.storage.StorageLevel
import org.apache.spark.{HashPartitioner, SparkContext}

import scala.annotation.tailrec
import scala.reflect.ClassTag

/** Blocks at rest that passes go over: on the driver where they are not worth a job, else in Spark.
  *
  * A pass is one job, whatever it sums. Partial sums are merged in the order of their partitions,
  * so that a sum is the same each time.
  */
sealed abstract class Blocks[A] {

  /** The blocks' sum: each partition adds its blocks to a zero of its own, and the partial sums are
    * merged.
    *
    * @param bytes
    *   of a sum; those that are too wide for the driver to merge all of them are merged in groups
    *   first, by a shuffle
    * @param zero
    *   an empty sum, made where blocks are added to it
    */
  def sum[S: ClassTag](bytes: Long)(zero: () => S)(add: (S, A) => S)(merge: (S, S) => S): S

  /** The same blocks seen otherwise; made anew in each pass where they are Spark's. */
  def map[B: ClassTag](f: A => B): Blocks[B]

  def partitions: Int

  /** Where the blocks are Spark's. */
  def context: Option[SparkContext]

  /** Makes a value readable where blocks are added up. */
  def share[T <: AnyRef: ClassTag](value: T): Shared[T] =
    context.fold(Shared.inThisJvm(value))(sc => Shared(sc, value))

  def release(): Unit
}

/** Blocks of the driver's own, summed by its own threads: where Spark is local, or there is little
  * to sum, a job costs more than it does.
  *
  * @param threads
  *   that sum at once; a sum is the same for the same blocks and number of them
  */
final class HereBlocks[A](blocks: Seq[A], threads: Int = 1) extends Blocks[A] {

  /** The blocks that each thread goes over. */
  private[engine] val runs: Seq[Seq[A]] = HereBlocks.runs(blocks, threads)

  def sum[S: ClassTag](bytes: Long)(zero: () => S)(add: (S, A) => S)(merge: (S, S) => S): S =
    Threads
      .all(runs.map(of => () => of.foldLeft(zero())(add)))
      .reduceOption(merge)
      .getOrElse(zero())

  def map[B: ClassTag](f: A => B): Blocks[B] = new HereBlocks(blocks.map(f), threads)

  /** The same blocks, one after the other. */
  def inOne: HereBlocks[A] = new HereBlocks(blocks, 1)

  def partitions: Int = runs.length
  def context: Option[SparkContext] = None
  def release(): Unit = ()
}

private object HereBlocks {

  /** Neighbours together, as many runs as threads, in sizes that differ by one at most. */
  def runs[A](blocks: Seq[A], threads: Int): Seq[Seq[A]] = {
    val n = Math.min(threads, blocks.length)
    (0 until n).map { t =>
      blocks.slice(
        (t.toLong * blocks.length / n).toInt,
        ((t + 1L) * blocks.length / n).toInt
      )
    }
  }
}

/** Blocks that Spark holds.
  *
  * @param onRelease
  *   frees what they are made from
  */
final class SparkBlocks[A](val rdd: RDD[A], onRelease: () => Unit) extends Blocks[A] {
  def partitions: Int = rdd.getNumPartitions
  def context: Option[SparkContext] = Some(rdd.sparkContext)
  def map[B: ClassTag](f: A => B): Blocks[B] = new SparkBlocks(rdd.map(f), () => ())

  def sum[S: ClassTag](bytes: Long)(zero: () => S)(add: (S, A) => S)(merge: (S, S) => S): S = {
    val few = SparkBlocks.fewer(SparkBlocks.partial(rdd, zero, add), bytes, merge)
    Gather(few).sortBy(_._1).map(_._2).reduceOption(merge).getOrElse(zero())
  }

  def release(): Unit = {
    rdd.unpersist(blocking = false)
    onRelease()
  }
}

object SparkBlocks {

  /** How blocks are kept: what does not fit the memory goes to disk. */
  final val Kept = StorageLevel.MEMORY_AND_DISK

  // What the driver takes at once without a thought.
  private final val DriverBytes = 64L << 20

  /** How many partial sums one task merges: as many as there will be groups, so that two levels are
    * enough. Where the driver can take them at once, 1: it merges them itself.
    */
  private[engine] def fanIn(partitions: Int, bytes: Long): Int =
    if (bytes * partitions <= DriverBytes) 1
    else Math.max(2, Math.ceil(Math.sqrt(partitions.toDouble)).toInt)

  /** Merges partial sums in groups until those left are few enough for the driver, of wide ones one
    * alone.
    */
  @tailrec
  private def fewer[S: ClassTag](
      partial: RDD[(Int, S)],
      bytes: Long,
      merge: (S, S) => S
  ): RDD[(Int, S)] = {
    val n = partial.getNumPartitions
    // In local mode the driver's memory is that of the tasks: a few go from hand to hand.
    val enough = if (partial.sparkContext.isLocal) 4 else 1
    val by = fanIn(n, bytes)
    if (n <= enough || by == 1) partial else fewer(grouped(partial, by, merge), bytes, merge)
  }

  // In methods of their own, so that a task's closure holds just these arguments.
  private def partial[A, S](rdd: RDD[A], zero: () => S, add: (S, A) => S): RDD[(Int, S)] =
    rdd.mapPartitionsWithIndex((i, blocks) => Iterator.single((i, blocks.foldLeft(zero())(add))))

  private def grouped[S: ClassTag](
      partial: RDD[(Int, S)],
      fanIn: Int,
      merge: (S, S) => S
  ): RDD[(Int, S)] = {
    val groups = (partial.getNumPartitions + fanIn - 1) / fanIn
    partial
      .map { case (i, s) => (i / fanIn, (i, s)) }
      .partitionBy(new HashPartitioner(groups))
      .mapPartitions { it =>
        val ordered = it.toSeq.sortBy(_._2._1)
        ordered.headOption.iterator.map { case (group, _) =>
          (group, ordered.map(_._2._2).reduce(merge))
        }
      }
  }
}
