package mllibpy.algorithm.als

import mllibpy.engine.SparseBlock
import mllibpy.kernel.{HalfStepSums, Prior}
import org.apache.spark.rdd.RDD

/** One side's factors, wherever a strategy keeps them.
  *
  * @param sums
  *   the loss of the half-step that made them (0 for the initial ones) and their penalty
  * @param gramian
  *   theirs where the plan needs it, else null
  */
abstract class SideFactors(val sums: HalfStepSums, val gramian: Array[Float])

/** A strategy: how ratings and factors get to where a block is solved. It moves; it does not
  * multiply.
  */
abstract class Movement[F <: SideFactors] {

  /** All blocks of a side's ratings, block i in partition i. */
  def blocks(side: Side): RDD[SparseBlock]

  /** The initial factors of a side. */
  def initial(side: Side): F

  /** The side solved, or drawn where there is a prior, against the fixed factors of the other one.
    * One job.
    */
  def halfStep(side: Side, fixed: F, current: Option[F], prior: Prior = null): F

  /** Called between iterations. May replace the factors by equal ones with less history. */
  def settle(iteration: Int, users: F, items: F): (F, F) = (users, items)

  /** All rows in the order of the keys, padded, on the driver. */
  def collect(factors: F): Array[Float]

  /** Frees factors that no later step needs. */
  def release(factors: F): Unit

  /** Frees what the strategy itself holds. */
  def close(): Unit
}
