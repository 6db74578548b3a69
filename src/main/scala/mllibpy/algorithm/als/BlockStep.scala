package mllibpy.algorithm.als

import mllibpy.engine.{Buckets, FloatRows, SparseBlock}
import mllibpy.kernel.{GramianTree, HalfStepSums, InitialFactors, Objective, RowSolver, Stride}

/** What a block's half-step gives: its rows' factors, their part of the objective, and, for
  * implicit feedback, their part of the Gramian that the next half-step needs.
  */
final class Solved(
    val number: Int,
    val factors: FloatRows,
    val sums: HalfStepSums,
    val gramian: Seq[GramianTree.Node]
) extends Serializable

/** The arithmetic on one block, the same for all strategies. */
final class BlockStep(val rank: Int, objective: Objective, buckets: Buckets, seed: Long)
    extends Serializable {

  /** Solves all rows of a block.
    *
    * @param fixed
    *   rows of the other side in the order of the block's `columnKeys`
    * @param gramian
    *   of all rows of the other side, or null
    * @param current
    *   these rows' previous factors, or null
    */
  def solve(
      block: SparseBlock,
      fixed: Array[Float],
      gramian: Array[Float],
      current: Array[Float]
  ): Solved = {
    val out = new Array[Float](Math.multiplyExact(block.rowKeys.length, Stride.of(rank)))
    val sums = new RowSolver(rank, objective).solve(
      block.csr,
      0,
      block.csr.rows,
      fixed,
      gramian,
      current,
      out
    )
    solved(block, out, sums)
  }

  /** The factors that a side starts from. */
  def initial(side: Side, block: SparseBlock): Solved = {
    val out = InitialFactors.rows(block.rowKeys, rank, seed, side.number, objective.nonnegative)
    solved(block, out, new HalfStepSums(0, penalty(block, out)))
  }

  private def solved(block: SparseBlock, factors: Array[Float], sums: HalfStepSums): Solved = {
    val nodes =
      if (!objective.implicitFeedback) Nil
      else
        GramianTree.nodes(
          factors,
          rank,
          buckets.count,
          buckets.first(block.number),
          block.bucketStart
        )
    new Solved(block.number, new FloatRows(rank, factors), sums, nodes)
  }

  /** reg * sum of n |x|^2 over the block's rows. */
  private def penalty(block: SparseBlock, factors: Array[Float]): Double = {
    val stride = Stride.of(rank)
    var sum = 0.0
    var r = 0
    while (r < block.csr.rows) {
      var squares = 0.0
      var j = 0
      while (j < rank) {
        squares += factors(r * stride + j).toDouble * factors(r * stride + j); j += 1
      }
      sum += squares * counted(block, r)
      r += 1
    }
    objective.reg * sum
  }

  private def counted(block: SparseBlock, row: Int): Int =
    if (!objective.implicitFeedback) block.csr.degree(row)
    else (block.csr.start(row) until block.csr.start(row + 1)).count(e => block.csr.values(e) > 0)

  /** The Gramian from all blocks' parts, or null for explicit feedback. */
  def gramian(parts: Seq[GramianTree.Node]): Array[Float] =
    if (objective.implicitFeedback) GramianTree.total(parts, rank) else null

  /** Whether a row's previous factors help to solve it. */
  def wantsCurrent: Boolean = objective.nonnegative
}
