package mllibpy.algorithm.als

import mllibpy.engine.{
  Buckets,
  FloatRows,
  Gather,
  Layout,
  Lineage,
  PartialRows,
  Shared,
  SparseBlock
}
import mllibpy.kernel.{Prior, RowSummer, RowSums}
import org.apache.spark.{Partitioner, SparkContext}
import org.apache.spark.rdd.{RDD, ShuffledRDD}
import org.apache.spark.storage.StorageLevel

import scala.collection.mutable

/** One side's factors: the large one's rest in blocks, the small one's are on the driver. */
sealed abstract class HybridFactors(of: SideFactors) extends SideFactors(of.sums, of.gramian)
final class RestingFactors(val of: BlockedFactors) extends HybridFactors(of)
final class HeldFactors(val of: BroadcastFactors) extends HybridFactors(of)

/** The strategy for a large side and a small one: ratings rest in blocks by the large side, whose
  * factors rest beside them; the small side's factors go through the driver.
  *
  * Crossings of a half-step, which is one job: of the large side, the small one's factors once to
  * each executor, and sums (and Gramian parts) to the driver; no shuffle. Of the small side, one
  * shuffle of the equations that each block's ratings make for the small rows that it has, added up
  * where such a row is owned; the solved rows to the driver.
  *
  * A row's equations are added up in the order of the blocks: its factors depend, to rounding, on
  * the number of blocks.
  */
final class Hybrid(sc: SparkContext, laidOut: OneWay, step: BlockStep)
    extends Movement[HybridFactors] {
  private val large = laidOut.large
  private val keys = Shared(sc, laidOut.small.keys)
  private val owners = Hybrid.owners(sc, laidOut.small.buckets, keys, laidOut.small.firstRow)
  private val ancestors = new Ancestors
  private val live = mutable.Set.empty[RDD[Solved]]
  private val shared = mutable.Map.empty[Shared[FloatRows], Ancestor]
  private val cuts = mutable.Map.empty[RDD[Solved], Ancestor]

  def blocks(side: Side): RDD[SparseBlock] =
    if (side == large) laidOut.rows else across.map(_.block)
  private var acrossAsked = false
  private def across = {
    acrossAsked = true
    laidOut.acrossBuilt
  }

  def initial(side: Side): HybridFactors =
    if (side == large) rest(Hybrid.initial(side, laidOut.rows, step), Set.empty)
    else hold(Gather(Hybrid.initial(side, owners, laidOut.small, step)))

  def halfStep(
      side: Side,
      fixed: HybridFactors,
      current: Option[HybridFactors],
      prior: Prior
  ): HybridFactors = {
    val from = current.filter(_ => step.wantsCurrent)
    fixed match {
      case small: HeldFactors =>
        solveLarge(small.of, from.collect { case c: RestingFactors => c.of.solved })
      case resting: RestingFactors =>
        solveSmall(resting.of, from.collect { case c: HeldFactors => c.of.shared })
    }
  }

  private def solveLarge(
      fixed: BroadcastFactors,
      current: Option[RDD[Solved]]
  ): RestingFactors = {
    val solved =
      Hybrid.solveLarge(large, laidOut.rows, step, fixed.shared, keys, fixed.gramian, current)
    val of = current.toSet.flatMap((c: RDD[Solved]) => ancestors.of(c) ++ cuts.get(c))
    rest(solved, of + shared(fixed.shared))
  }

  private def solveSmall(
      fixed: BlockedFactors,
      current: Option[Shared[FloatRows]]
  ): HeldFactors = {
    val firstRow = laidOut.small.firstRow
    val parts = Hybrid.parts(laidOut.turned, fixed.solved, keys, firstRow, step)
    val solved =
      Hybrid.solveSmall(large.other, parts, owners, firstRow, step, fixed.gramian, current)
    try hold(Gather(solved))
    finally solved.cleanShuffleDependencies()
  }

  /** Computes the factors where they will rest: one job. */
  private def rest(solved: RDD[Solved], of: Set[Ancestor]): RestingFactors = {
    solved.persist(StorageLevel.MEMORY_AND_DISK)
    live += solved
    ancestors.add(solved, of)
    new RestingFactors(Blocked.resting(solved, None, step))
  }

  private def hold(parts: Array[Solved]): HeldFactors = {
    val held = DriverModels.held(sc, parts, step)
    shared(held.shared) = ancestors.add(() => held.shared.destroy())
    new HeldFactors(held)
  }

  /** Only factors that were solved from others of their side have a lineage that grows. */
  override def settle(
      iteration: Int,
      users: HybridFactors,
      items: HybridFactors
  ): (HybridFactors, HybridFactors) =
    if (!step.wantsCurrent || iteration % Blocked.CutEvery != 0) (users, items)
    else (cut(users), cut(items))

  private def cut(factors: HybridFactors): HybridFactors = factors match {
    case held: HeldFactors       => held
    case resting: RestingFactors =>
      val short = Lineage.cut(resting.of.solved)
      cuts(short.rdd) = ancestors.add(short.release)
      release(resting)
      new RestingFactors(
        new BlockedFactors(short.rdd, None, resting.of.sums, resting.of.gramian)
      )
  }

  def collect(factors: HybridFactors): Array[Float] = factors match {
    case resting: RestingFactors => Blocked.collect(resting.of)
    case held: HeldFactors       => held.of.rows
  }

  def release(factors: HybridFactors): Unit = factors match {
    case held: HeldFactors       => shared.remove(held.of.shared).foreach(ancestors.release)
    case resting: RestingFactors =>
      val solved = resting.of.solved
      if (live.remove(solved)) solved.unpersist(blocking = false)
      ancestors.forget(solved)
      cuts.remove(solved).foreach(ancestors.release)
  }

  def close(): Unit = {
    live.foreach(_.unpersist(blocking = false))
    live.clear()
    ancestors.close()
    if (acrossAsked) Layout.release(laidOut.acrossBuilt)
    keys.destroy()
  }
}

/** Something that factors at rest were made of: while they may have to be made again, it has to be
  * there.
  */
private final class Ancestor(val free: () => Unit) {
  var released = false
}

/** Which factors at rest descend from what; frees what is released and nothing descends from. */
private final class Ancestors {
  private val all = mutable.Set.empty[Ancestor]
  private val descent = mutable.Map.empty[RDD[Solved], Set[Ancestor]]

  def add(free: () => Unit): Ancestor = {
    val one = new Ancestor(free)
    all += one
    one
  }

  def add(solved: RDD[Solved], of: Set[Ancestor]): Unit = descent(solved) = of
  def of(solved: RDD[Solved]): Set[Ancestor] = descent.getOrElse(solved, Set.empty)

  def release(one: Ancestor): Unit = {
    one.released = true
    sweep()
  }

  def forget(solved: RDD[Solved]): Unit = {
    descent.remove(solved)
    sweep()
  }

  private def sweep(): Unit = {
    val done = all.filter(one => one.released && !descent.values.exists(_(one)))
    all --= done
    done.foreach(_.free())
  }

  def close(): Unit = {
    all.foreach(_.free())
    all.clear()
  }
}

/** Where a parcel of partial equations goes: an owner, and a run of so many of its rows. */
private[als] final case class Address(owner: Int, run: Int, from: Int)

private[als] object Address {

  /** The order that an owner adds its parcels up in. */
  val order: Ordering[Address] = Ordering.by(a => (a.run, a.from))
}

private final case class Owners(numPartitions: Int) extends Partitioner {
  override def getPartition(key: Any): Int = key.asInstanceOf[Address].owner
}

// In an object, so that the tasks' closures hold just these arguments.
private[als] object Hybrid {
  // Numbers to a run of rows: what a task holds of the equations of one destination.
  private final val RunNumbers = 1 << 16

  /** Rows of an owner to a run. */
  def runLength(rank: Int): Int = Math.max(1, RunNumbers / RowSums.width(rank))

  def owners(
      sc: SparkContext,
      buckets: Buckets,
      keys: Shared[Array[Long]],
      firstRow: Array[Int]
  ): RDD[RowRange] =
    sc.parallelize(0 until buckets.blocks, buckets.blocks).map { owner =>
      val own = java.util.Arrays.copyOfRange(keys.value, firstRow(owner), firstRow(owner + 1))
      new RowRange(owner, own, buckets.starts(owner, own))
    }

  def initial(side: Side, blocks: RDD[SparseBlock], step: BlockStep): RDD[Solved] =
    blocks.map(step.initial(side, _))

  def initial(
      side: Side,
      owners: RDD[RowRange],
      rows: SmallRows,
      step: BlockStep
  ): RDD[Solved] = {
    val (counts, firstRow) = (rows.counts, rows.firstRow)
    owners.map { o =>
      step.initial(side, o, counts.slice(firstRow(o.number), firstRow(o.number + 1)))
    }
  }

  def solveLarge(
      side: Side,
      blocks: RDD[SparseBlock],
      step: BlockStep,
      fixed: Shared[FloatRows],
      fixedKeys: Shared[Array[Long]],
      gramian: Array[Float],
      current: Option[RDD[Solved]]
  ): RDD[Solved] = {
    def solve(b: SparseBlock, own: Array[Float]): Solved = {
      val rows = FloatRows.pick(fixed.value.padded, step.rank, LaidOut.places(b, fixedKeys.value))
      step.solve(side, b, rows, gramian, own)
    }
    current match {
      case None    => blocks.map(solve(_, null))
      case Some(c) =>
        blocks.zipPartitions(c) { (b, s) =>
          Iterator.single(solve(b.next(), s.next().factors.padded))
        }
    }
  }

  /** The parts of the small rows' equations that the blocks' ratings make. */
  def parts(
      turned: RDD[SparseBlock],
      solved: RDD[Solved],
      keys: Shared[Array[Long]],
      firstRow: Array[Int],
      step: BlockStep
  ): RDD[(Address, PartialRows)] =
    turned.zipPartitions(solved) { (t, s) =>
      val block = t.next()
      val places = LaidOut.rowPlaces(block, keys.value)
      parts(block, places, firstRow, runLength(step.rank), s.next().factors.padded, step.summer)
    }

  /** A block's parts, formed one after the other as they are asked for.
    *
    * @param places
    *   of the block's rows among all of the small side
    * @param firstRow
    *   of each owner
    */
  private[als] def parts(
      block: SparseBlock,
      places: Array[Int],
      firstRow: Array[Int],
      runLength: Int,
      fixed: Array[Float],
      summer: RowSummer
  ): Iterator[(Address, PartialRows)] = new Iterator[(Address, PartialRows)] {
    private var row = 0
    private var owner = 0

    def hasNext: Boolean = row < places.length

    def next(): (Address, PartialRows) = {
      while (places(row) >= firstRow(owner + 1)) owner += 1
      val run = (places(row) - firstRow(owner)) / runLength
      val first = firstRow(owner) + run * runLength
      val end = Math.min(first + runLength, firstRow(owner + 1))
      val from = row
      while (row < places.length && places(row) < end) row += 1
      val sums = summer.sum(block.csr, from, row, fixed)
      val within = Array.tabulate(row - from)(i => places(from + i) - first)
      (Address(owner, run, block.number), new PartialRows(within, sums))
    }
  }

  def solveSmall(
      side: Side,
      parts: RDD[(Address, PartialRows)],
      owners: RDD[RowRange],
      firstRow: Array[Int],
      step: BlockStep,
      gramian: Array[Float],
      current: Option[Shared[FloatRows]]
  ): RDD[Solved] = {
    val brought =
      new ShuffledRDD[Address, PartialRows, PartialRows](parts, Owners(owners.getNumPartitions))
        .setKeyOrdering(Address.order)
    owners.zipPartitions(brought) { (o, p) =>
      val rows = o.next()
      val own = current.map(c => c.value.run(firstRow(rows.number), firstRow(rows.number + 1)))
      val sums = added(p, rows.keys.length, step.rank, runLength(step.rank))
      Iterator.single(step.solve(side, rows, sums, gramian, own.orNull))
    }
  }

  /** Adds parts up as they come, in the order of their addresses: run after run, each with the
    * place of its first row.
    */
  private[als] def added(
      parts: Iterator[(Address, PartialRows)],
      rows: Int,
      rank: Int,
      runLength: Int
  ): Iterator[(Int, RowSums)] = new Iterator[(Int, RowSums)] {
    private val left = parts.buffered

    def hasNext: Boolean = left.hasNext

    def next(): (Int, RowSums) = {
      val run = left.head._1.run
      val first = run * runLength
      val total = RowSums.none(rank, Math.min(runLength, rows - first))
      while (left.hasNext && left.head._1.run == run) {
        val part = left.next()._2
        total.add(part.places, part.sums)
      }
      (first, total)
    }
  }
}
