package mllibpy.algorithm.als

import mllibpy.engine.{FloatRows, Gather, Shared, SparseBlock}
import mllibpy.kernel.{HalfStepSums, Prior}
import org.apache.spark.SparkContext
import org.apache.spark.rdd.RDD

import scala.collection.mutable

/** Factors of one side that the driver holds and has broadcast. */
final class BroadcastFactors(
    val rows: Array[Float],
    val shared: Shared[FloatRows],
    sums: HalfStepSums,
    gramian: Array[Float]
) extends SideFactors(sums, gramian)

/** The movement of the first two strategies: models are broadcast each half-step, and the solved
  * rows come back to the driver. They differ only in where the ratings rest, which is `blocks`.
  *
  * Crossings of a half-step: no shuffle; the fixed factors once to each executor, the solved ones
  * once to the driver. One job.
  */
abstract class DriverModels(sc: SparkContext, laidOut: BothWays, step: BlockStep)
    extends Movement[BroadcastFactors] {

  private val keys: Map[Side, Shared[Array[Long]]] = Side.map(s => Shared(sc, laidOut(s).keys))

  // What a fit that fails half-way leaves behind, for `close`.
  private val live = mutable.Set.empty[Shared[FloatRows]]

  def initial(side: Side): BroadcastFactors = {
    val s = step
    gather(Gather(blocks(side).map(b => s.initial(side, b))))
  }

  def halfStep(
      side: Side,
      fixed: BroadcastFactors,
      current: Option[BroadcastFactors],
      prior: Prior
  ): BroadcastFactors =
    gather(
      Gather(
        DriverModels
          .solve(
            side,
            blocks(side),
            step,
            fixed.shared,
            keys(side.other),
            laidOut(side).firstRow,
            fixed.gramian,
            current.filter(_ => step.wantsCurrent).map(_.shared),
            prior
          )
      )
    )

  private def gather(parts: Array[Solved]): BroadcastFactors = {
    val held = DriverModels.held(sc, parts, step)
    live += held.shared
    held
  }

  def collect(factors: BroadcastFactors): Array[Float] = factors.rows

  def release(factors: BroadcastFactors): Unit =
    if (live.remove(factors.shared)) factors.shared.destroy()

  def close(): Unit = {
    live.foreach(_.destroy())
    live.clear()
    keys.values.foreach(_.destroy())
  }
}

private object DriverModels {

  /** What came to the driver, shared. */
  def held(sc: SparkContext, parts: Array[Solved], step: BlockStep): BroadcastFactors = {
    val ordered = parts.sortBy(_.number).toSeq
    val rows = FloatRows.concat(ordered.map(_.factors.padded))
    new BroadcastFactors(
      rows,
      Shared(sc, new FloatRows(step.rank, rows)),
      ordered.map(_.sums).foldLeft(new HalfStepSums)(_ merge _),
      step.gramian(ordered.flatMap(_.gramian))
    )
  }

  // In an object, so that the tasks' closure holds just these arguments.
  def solve(
      side: Side,
      blocks: RDD[SparseBlock],
      step: BlockStep,
      fixed: Shared[FloatRows],
      fixedKeys: Shared[Array[Long]],
      firstRow: Array[Int],
      gramian: Array[Float],
      current: Option[Shared[FloatRows]],
      prior: Prior
  ): RDD[Solved] = {
    blocks.map { b =>
      val rows = FloatRows.pick(fixed.value.padded, step.rank, LaidOut.places(b, fixedKeys.value))
      val own = current.map(c => c.value.run(firstRow(b.number), firstRow(b.number + 1)))
      step.solve(side, b, rows, gramian, own.orNull, prior)
    }
  }
}
