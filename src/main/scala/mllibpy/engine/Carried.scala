package mllibpy.engine

import org.apache.spark.rdd.RDD

import scala.collection.mutable
import scala.reflect.ClassTag

/** States that stand beside blocks and go on from pass to pass, as dual variables of rows do. A
  * pass sees a partition's blocks together, gives their next states, never changing the last ones,
  * and sums a statistic.
  */
sealed abstract class Carried[A, S] {

  /** One pass, and one job in Spark.
    *
    * @param shared
    *   what the pass reads; freed when no state depends on it any more
    * @param zero
    *   a partition's empty statistic, by the partition's number
    * @param walk
    *   adds a partition's blocks to the statistic; gives their next states
    */
  def step[R <: AnyRef: ClassTag](
      shared: Seq[Shared[_]]
  )(zero: Int => R)(walk: (R, Seq[A], Seq[S]) => Seq[S])(merge: (R, R) => R): R

  def release(): Unit
}

object Carried {

  /** @param start
    *   the first state of a block
    */
  def apply[A, S <: AnyRef: ClassTag](blocks: Blocks[A])(start: A => S): Carried[A, S] =
    blocks match {
      case here: HereBlocks[A]   => new HereCarried(here, start)
      case there: SparkBlocks[A] => new SparkCarried(there, start)
    }
}

private final class HereCarried[A, S](blocks: HereBlocks[A], start: A => S) extends Carried[A, S] {
  private var states: Seq[Seq[S]] = blocks.runs.map(_.map(start))

  def step[R <: AnyRef: ClassTag](
      shared: Seq[Shared[_]]
  )(zero: Int => R)(walk: (R, Seq[A], Seq[S]) => Seq[S])(merge: (R, R) => R): R = {
    val work = blocks.runs.zip(states).zipWithIndex.map { case ((run, own), i) =>
      () => {
        val sum = zero(i)
        (sum, walk(sum, run, own))
      }
    }
    try {
      val found = Threads.all(work)
      states = found.map(_._2)
      found.map(_._1).reduce(merge)
    } finally shared.foreach(_.destroy())
  }

  def release(): Unit = ()
}

/** States are an RDD that is computed from the one before: a lost one is found again from the last
  * that was cut off from its past, with what the passes since then have read.
  */
private final class SparkCarried[A, S <: AnyRef: ClassTag](blocks: SparkBlocks[A], start: A => S)
    extends Carried[A, S] {
  private var states: RDD[Array[S]] = SparkCarried.begin(blocks.rdd, start)
  private var kept: Option[RDD[_]] = None
  private var cut: Option[Lineage.Cut[_]] = None
  private val read = mutable.Buffer.empty[Shared[_]]
  private var steps = 0

  def step[R <: AnyRef: ClassTag](
      shared: Seq[Shared[_]]
  )(zero: Int => R)(walk: (R, Seq[A], Seq[S]) => Seq[S])(merge: (R, R) => R): R = {
    read ++= shared
    val next = SparkCarried.next(blocks.rdd, states, zero, walk).persist(SparkBlocks.Kept)
    val sum =
      try Gather(next.map(_._1)).reduce(merge)
      catch { case e: Throwable => next.unpersist(blocking = false); throw e }
    kept.foreach(_.unpersist(blocking = false))
    kept = Some(next)
    states = SparkCarried.statesOf(next)
    steps += 1
    if (steps % SparkCarried.Steps == 0) shorten()
    sum
  }

  private def shorten(): Unit = {
    val short = Lineage.cut(states)
    forget()
    states = short.rdd
    cut = Some(short)
  }

  private def forget(): Unit = {
    kept.foreach(_.unpersist(blocking = false))
    kept = None
    cut.foreach(_.release())
    cut = None
    read.foreach(_.destroy())
    read.clear()
  }

  def release(): Unit = forget()
}

private object SparkCarried {
  // Passes between two cuts.
  private final val Steps = 20

  // In methods of their own, so that a task's closure holds just these arguments.
  def begin[A, S: ClassTag](blocks: RDD[A], start: A => S): RDD[Array[S]] =
    blocks.mapPartitions(it => Iterator.single(it.map(start).toArray))

  def next[A, S: ClassTag, R](
      blocks: RDD[A],
      states: RDD[Array[S]],
      zero: Int => R,
      walk: (R, Seq[A], Seq[S]) => Seq[S]
  ): RDD[(R, Array[S])] =
    blocks.zipPartitions(states) { (own, before) =>
      val sum = zero(org.apache.spark.TaskContext.getPartitionId())
      val next = walk(sum, own.toVector, before.next().toSeq).toArray
      Iterator.single((sum, next))
    }

  def statesOf[R, S: ClassTag](kept: RDD[(R, Array[S])]): RDD[Array[S]] = kept.map(_._2)
}
