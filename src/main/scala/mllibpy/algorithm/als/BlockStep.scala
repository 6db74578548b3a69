package mllibpy.algorithm.als

import mllibpy.engine.{Buckets, FloatRows, Shared, SparseBlock}
import mllibpy.kernel.{
  GramianTree,
  HalfStepSums,
  InitialFactors,
  Method,
  Objective,
  Prior,
  RowSampler,
  RowSolver,
  RowSummer,
  RowSums,
  Stride
}

/** What a block's half-step gives: its rows' factors, their part of the objective, and, for
  * implicit feedback, their part of the Gramian that the next half-step needs.
  */
final class Solved(
    val number: Int,
    val factors: FloatRows,
    val sums: HalfStepSums,
    val gramian: Seq[GramianTree.Node]
) extends Serializable

/** A block's rows of a side without their ratings.
  *
  * @param bucketStart
  *   as of [[SparseBlock]]
  */
final class RowRange(val number: Int, val keys: Array[Long], val bucketStart: Array[Int])

/** What a fit computes: the objective, how its rows are solved, and what they start from.
  *
  * @param rank
  *   number of factors that are drawn at the start
  */
final case class Plan(
    rank: Int,
    objective: Objective,
    method: Method = Method.Cholesky,
    seed: Long = 0,
    initScale: Double = 1,
    sampled: Boolean = false
) {

  /** Whether a half-step needs the Gramian of a side: implicit for its equations, sampling for the
    * moments of its rows.
    */
  def needsGramian: Boolean = objective.implicitFeedback || sampled

  /** Columns to a row of factors: those of the biases come after the rank. */
  def width: Int = if (objective.biases) rank + 2 else rank
}

/** The arithmetic on one block, the same for all strategies.
  *
  * @param start
  *   factors that rows start from where their ids are among them, by side
  */
final class BlockStep(
    plan: Plan,
    buckets: Map[Side, Buckets],
    users: Long,
    items: Long,
    start: Map[Side, Shared[FactorTable]] = Map.empty
) extends Serializable {
  import plan.{objective, width}

  def rank: Int = width
  private def others(side: Side): Long = if (side == Side.User) items else users
  private def pinned(side: Side): Int = objective.pinned(side.number, width)

  /** Solves all rows of a block.
    *
    * @param fixed
    *   rows of the other side in the order of the block's `columnKeys`
    * @param gramian
    *   of all rows of the other side, or null
    * @param current
    *   these rows' previous factors, or null
    * @param prior
    *   what rows are drawn against where they are sampled, or null
    */
  def solve(
      side: Side,
      block: SparseBlock,
      fixed: Array[Float],
      gramian: Array[Float],
      current: Array[Float],
      prior: Prior = null
  ): Solved = {
    val out = new Array[Float](Math.multiplyExact(block.rowKeys.length, Stride.of(width)))
    val sums =
      if (prior != null)
        new RowSampler(width, objective, side.number)
          .draw(block.csr, block.rowKeys, fixed, prior, out)
      else
        new RowSolver(width, objective, plan.method, side.number, others(side))
          .solve(block.csr, 0, block.csr.rows, fixed, gramian, current, out)
    solved(side, block.number, block.bucketStart, out, sums)
  }

  /** Forms what a block's ratings add to the equations of its rows. */
  def summer: RowSummer = new RowSummer(width, objective)

  /** Solves rows whose equations have been added up.
    *
    * @param sums
    *   runs of rows, with the place of each run's first; together all rows
    * @param gramian
    *   as above
    * @param current
    *   as above
    */
  def solve(
      side: Side,
      rows: RowRange,
      sums: Iterator[(Int, RowSums)],
      gramian: Array[Float],
      current: Array[Float]
  ): Solved = {
    val out = new Array[Float](Math.multiplyExact(rows.keys.length, Stride.of(width)))
    val solver = new RowSolver(width, objective, plan.method, side.number, others(side))
    val total = new HalfStepSums
    for ((first, run) <- sums) total.merge(solver.solve(run, first, gramian, current, out))
    solved(side, rows.number, rows.bucketStart, out, total)
  }

  /** The factors that a side starts from: items', or, where a fit goes on from others', users'. Of
    * those, new ones start from 0, as all do in a fit of its own.
    */
  def initial(side: Side, block: SparseBlock): Solved = initial(
    side,
    new RowRange(block.number, block.rowKeys, block.bucketStart),
    objective.counts(block.csr)
  )

  /** The same for rows of which `counts` ratings count for the ridge. */
  def initial(side: Side, rows: RowRange, counts: Array[Int]): Solved = {
    val out =
      if (side == Side.User && start.nonEmpty)
        new Array[Float](Math.multiplyExact(rows.keys.length, Stride.of(width)))
      else drawn(side, rows.keys)
    val one = pinned(side)
    if (one >= 0) rows.keys.indices.foreach(r => out(r * Stride.of(width) + one) = 1f)
    start.get(side).foreach(known => take(known.value, rows.keys, out))
    val sums = new HalfStepSums(0, penalty(side, counts, out))
    solved(side, rows.number, rows.bucketStart, out, sums)
  }

  private def drawn(side: Side, keys: Array[Long]): Array[Float] =
    InitialFactors.rows(
      keys,
      plan.rank,
      plan.seed,
      side.number,
      objective.nonnegative,
      plan.initScale,
      width
    )

  private def take(known: FactorTable, keys: Array[Long], out: Array[Float]): Unit = {
    var r = 0
    while (r < keys.length) {
      val row = known.find(keys(r))
      if (row >= 0) System.arraycopy(known.rows, row * width, out, r * Stride.of(width), width)
      r += 1
    }
  }

  private def solved(
      side: Side,
      number: Int,
      bucketStart: Array[Int],
      factors: Array[Float],
      sums: HalfStepSums
  ): Solved = {
    val of = buckets(side)
    val nodes =
      if (!plan.needsGramian) Nil
      else GramianTree.nodes(factors, width, of.count, of.first(number), bucketStart)
    new Solved(number, new FloatRows(width, factors), sums, nodes)
  }

  /** The sum of ridge |x|^2 over some rows. */
  private def penalty(side: Side, counts: Array[Int], factors: Array[Float]): Double = {
    val stride = Stride.of(width)
    val one = pinned(side)
    var sum = 0.0
    var r = 0
    while (r < counts.length) {
      var squares = 0.0
      var j = 0
      while (j < width) {
        val x = factors(r * stride + j).toDouble
        if (j != one) squares += x * x
        j += 1
      }
      sum += squares * objective.ridge(counts(r), others(side))
      r += 1
    }
    sum
  }

  /** The Gramian from all blocks' parts, or null where none is needed. */
  def gramian(parts: Seq[GramianTree.Node]): Array[Float] =
    if (plan.needsGramian) GramianTree.total(parts, width) else null

  /** Whether a row's previous factors help to solve it. */
  def wantsCurrent: Boolean = objective.nonnegative || plan.method != Method.Cholesky
}
