package mllibpy.algorithm.als

import mllibpy.engine.{BlockPartitioner, Buckets, FloatRows, Gather, KeyIndex, Lineage, SparseBlock}
import mllibpy.kernel.{GramianTree, HalfStepSums, Prior}
import org.apache.spark.rdd.{RDD, ShuffledRDD}
import org.apache.spark.storage.StorageLevel

import scala.collection.mutable

/** Factors of one side that rest in blocks on the executors. */
final class BlockedFactors(
    val solved: RDD[Solved],
    val shipped: Option[RDD[_]],
    sums: HalfStepSums,
    gramian: Array[Float]
) extends SideFactors(sums, gramian)

/** Where each row of a block has to go: for destination block i, the places of the rows that it
  * needs, in the order in which it needs them.
  */
final class Routes(val places: Array[Array[Int]]) extends Serializable

/** A run of factor rows from one block to another. */
final class Parcel(val from: Int, val rows: FloatRows) extends Serializable

/** The fully parallel strategy: ratings rest partitioned both ways, factors rest in blocks, and
  * each half-step sends every block just the rows that it needs, joined by block.
  *
  * Crossings of a half-step: one shuffle of the needed rows, packed float arrays, one parcel per
  * pair of blocks; sums (and Gramian parts) to the driver. One job. Blocks are ranges of keys, so
  * the parcels in the order of their senders are the needed rows in the order of the block's
  * columns.
  *
  * Every `CutEvery` iterations the lineage is cut and the shuffle files behind it are dropped.
  */
final class Blocked(laidOut: BothWays, step: BlockStep) extends Movement[BlockedFactors] {
  private val routes: Map[Side, RDD[Routes]] = Side.map { s =>
    Blocked
      .routes(laidOut(s).blocks, laidOut(s.other).blocks, laidOut(s).buckets)
      .persist(StorageLevel.MEMORY_AND_DISK)
  }
  private val history = mutable.ArrayBuffer.empty[RDD[_]]
  private val cuts = mutable.Map.empty[RDD[Solved], () => Unit]
  private val live = mutable.Set.empty[RDD[Solved]]
  // Released cuts that later factors still descend from: a lost executor may send Spark back to them.
  private val expired = mutable.ArrayBuffer.empty[() => Unit]

  def blocks(side: Side): RDD[SparseBlock] = laidOut(side).blocks

  def initial(side: Side): BlockedFactors = {
    val s = step
    rest(laidOut(side).blocks.map(b => s.initial(side, b)), None)
  }

  def halfStep(
      side: Side,
      fixed: BlockedFactors,
      current: Option[BlockedFactors],
      prior: Prior
  ): BlockedFactors = {
    val parcels = Blocked.ship(fixed.solved, routes(side.other), laidOut.blocks)
    val blocks = laidOut(side).blocks
    val solved = current.filter(_ => step.wantsCurrent) match {
      case None    => Blocked.solve(side, blocks, parcels, step, fixed.gramian, prior)
      case Some(c) => Blocked.solveFrom(side, blocks, parcels, c.solved, step, fixed.gramian)
    }
    rest(solved, Some(parcels))
  }

  /** Computes the factors where they will rest, and fetches their sums: one job. */
  private def rest(solved: RDD[Solved], parcels: Option[RDD[_]]): BlockedFactors = {
    solved.persist(StorageLevel.MEMORY_AND_DISK)
    live += solved
    history ++= parcels
    Blocked.resting(solved, parcels, step)
  }

  override def settle(
      iteration: Int,
      users: BlockedFactors,
      items: BlockedFactors
  ): (BlockedFactors, BlockedFactors) =
    if (iteration % Blocked.CutEvery != 0) (users, items)
    else {
      val fresh = (cut(users), cut(items))
      forget()
      fresh
    }

  private def forget(): Unit = {
    history.foreach(_.cleanShuffleDependencies())
    history.clear()
    expired.foreach(free => free())
    expired.clear()
  }

  private def cut(f: BlockedFactors): BlockedFactors = {
    val short = Lineage.cut(f.solved)
    cuts(short.rdd) = short.release
    val out = new BlockedFactors(short.rdd, None, f.sums, f.gramian)
    release(f)
    out
  }

  def collect(factors: BlockedFactors): Array[Float] = Blocked.collect(factors)

  def release(factors: BlockedFactors): Unit = cuts.remove(factors.solved) match {
    case Some(free) => expired += free; ()
    case None => if (live.remove(factors.solved)) factors.solved.unpersist(blocking = false); ()
  }

  def close(): Unit = {
    routes.values.foreach { r =>
      r.unpersist(blocking = false)
      r.cleanShuffleDependencies()
    }
    live.foreach(_.unpersist(blocking = false))
    expired ++= cuts.values
    forget()
  }
}

object Blocked {

  /** Iterations between two cuts of the lineage: what a lost executor costs at most. */
  final val CutEvery = 10

  /** Computes what is persisted already, and fetches its sums: one job. */
  private[als] def resting(
      solved: RDD[Solved],
      shipped: Option[RDD[_]],
      step: BlockStep
  ): BlockedFactors = {
    val parts = Gather(summaries(solved)).sortBy(_._1)
    new BlockedFactors(
      solved,
      shipped,
      parts.map(_._2).foldLeft(new HalfStepSums)(_ merge _),
      step.gramian(parts.toSeq.flatMap(_._3))
    )
  }

  private[als] def collect(factors: BlockedFactors): Array[Float] =
    FloatRows.concat(Gather(factors.solved).sortBy(_.number).map(_.factors.padded).toSeq)

  /** For each block of `senders`, which of its rows go where: each of `receivers` asks for the keys
    * of its columns. One shuffle of keys.
    */
  private def routes(
      senders: RDD[SparseBlock],
      receivers: RDD[SparseBlock],
      buckets: Buckets
  ): RDD[Routes] = {
    val asked = new ShuffledRDD[Int, (Int, Array[Long]), (Int, Array[Long])](
      receivers.flatMap(b => requests(b, buckets)),
      BlockPartitioner(buckets.blocks)
    )
    senders.zipPartitions(asked, preservesPartitioning = true) { (block, requests) =>
      val keys = block.next().rowKeys
      val places = Array.fill(buckets.blocks)(Array.emptyIntArray)
      requests.foreach { case (_, (to, wanted)) => places(to) = KeyIndex.placesOf(wanted, keys) }
      Iterator.single(new Routes(places))
    }
  }

  /** A block's column keys by the block that owns them: runs, since both are in the order of the
    * keys.
    */
  private def requests(
      block: SparseBlock,
      buckets: Buckets
  ): Iterator[(Int, (Int, Array[Long]))] = {
    val keys = block.columnKeys
    val out = Seq.newBuilder[(Int, (Int, Array[Long]))]
    var from = 0
    while (from < keys.length) {
      val owner = buckets.blockOf(keys(from))
      var until = from + 1
      while (until < keys.length && buckets.blockOf(keys(until)) == owner) until += 1
      out += ((owner, (block.number, java.util.Arrays.copyOfRange(keys, from, until))))
      from = until
    }
    out.result().iterator
  }

  private def ship(fixed: RDD[Solved], routes: RDD[Routes], blocks: Int): RDD[(Int, Parcel)] = {
    val parcels = fixed.zipPartitions(routes) { (f, r) =>
      val solved = f.next()
      val places = r.next().places
      places.indices.iterator.filter(to => places(to).nonEmpty).map { to =>
        val rows = FloatRows.pick(solved.factors.padded, solved.factors.rank, places(to))
        (to, new Parcel(solved.number, new FloatRows(solved.factors.rank, rows)))
      }
    }
    new ShuffledRDD[Int, Parcel, Parcel](parcels, BlockPartitioner(blocks))
  }

  private[als] def open(parcels: Iterator[(Int, Parcel)]): Array[Float] =
    FloatRows.concat(parcels.map(_._2).toSeq.sortBy(_.from).map(_.rows.padded))

  private def solve(
      side: Side,
      blocks: RDD[SparseBlock],
      parcels: RDD[(Int, Parcel)],
      step: BlockStep,
      gramian: Array[Float],
      prior: Prior
  ): RDD[Solved] =
    blocks.zipPartitions(parcels)((b, p) =>
      Iterator.single(step.solve(side, b.next(), open(p), gramian, null, prior))
    )

  private def solveFrom(
      side: Side,
      blocks: RDD[SparseBlock],
      parcels: RDD[(Int, Parcel)],
      current: RDD[Solved],
      step: BlockStep,
      gramian: Array[Float]
  ): RDD[Solved] =
    blocks.zipPartitions(parcels, current) { (b, p, c) =>
      Iterator.single(step.solve(side, b.next(), open(p), gramian, c.next().factors.padded))
    }

  private def summaries(solved: RDD[Solved]): RDD[(Int, HalfStepSums, Seq[GramianTree.Node])] =
    solved.map(s => (s.number, s.sums, s.gramian))
}
